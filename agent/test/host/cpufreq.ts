import { attributes } from './attributes.ts';
import type { HostFiles } from './host-files.ts';

const DIRECTORY = 'sys/devices/system/cpu';

/** A policy for each CPU, as intel_pstate has it, or for all of a cluster. */
function policy(policy: number, cpus: readonly number[], khz: number): HostFiles {
  const path = `${DIRECTORY}/cpufreq/policy${policy}`;
  const links = cpus.map((cpu) => [`${DIRECTORY}/cpu${cpu}/cpufreq`, `../cpufreq/policy${policy}`]);
  return {
    ...attributes(path, {
      affected_cpus: cpus.join(' '),
      cpuinfo_cur_freq: khz + 3,
      cpuinfo_max_freq: 3_900_000,
      cpuinfo_min_freq: 800_000,
      cpuinfo_transition_latency: 0,
      energy_performance_preference: 'performance',
      related_cpus: cpus.join(' '),
      scaling_available_governors: 'performance powersave',
      scaling_cur_freq: khz,
      scaling_driver: 'intel_pstate',
      scaling_governor: 'performance',
      scaling_max_freq: 3_900_000,
      scaling_min_freq: 800_000,
      scaling_setspeed: '<unsupported>',
    }),
    ...Object.fromEntries(links.map(([path, link]) => [path!, { link: link! }])),
  };
}

/** 16 CPUs, of which the last four share a clock and one is offline. */
export const cpufreqFiles: HostFiles = {
  ...Object.assign(
    {},
    ...Array.from({ length: 12 }, (_, cpu) => policy(cpu, [cpu], 2_100_000 + 1_007 * cpu)),
  ),
  ...policy(12, [12, 13, 14], 1_200_001),
  [`${DIRECTORY}/cpu15/online`]: '0\n',
  [`${DIRECTORY}/online`]: '0-14\n',
};
