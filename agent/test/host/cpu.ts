import { attributes } from './attributes.ts';
import type { HostFiles } from './host-files.ts';

const CPUS = 'sys/devices/system/cpu';

function cpu(
  number: number,
  topology: readonly [packageId: number, coreId: number],
  throttles: Readonly<Record<string, number>>,
): HostFiles {
  const [packageId, coreId] = topology;
  return {
    ...attributes(`${CPUS}/cpu${number}/topology`, {
      core_id: coreId,
      physical_package_id: packageId,
    }),
    ...attributes(`${CPUS}/cpu${number}/thermal_throttle`, throttles),
  };
}

function throttles(core: number, inPackage: number): Record<string, number> {
  return {
    core_throttle_count: core,
    core_throttle_max_time_ms: 12,
    package_throttle_count: inPackage,
    package_throttle_total_time_ms: 345,
  };
}

/**
 * Two sockets of two cores with two CPUs each, one socket with core counters only, a CPU that is
 * off and one that does not know where it is.
 */
export const cpuFiles: HostFiles = {
  'proc/stat': [
    'cpu  86019 1234 40317 9870123 5012 0 3511 120 400 20',
    'cpu0 43010 617 20159 4935062 2506 0 1756 60 200 10',
    'cpu1 43009 617 20158 4935061 2506 0 1755 60 200 10',
    'intr 12345 1 2 3',
    'ctxt 9876543',
    'btime 1795366502',
    'processes 54321',
    'procs_running 3',
    'procs_blocked 0',
    'softirq 111 1 2 3 4 5 6 7 8 9 10',
    '',
  ].join('\n'),
  ...attributes(CPUS, { kernel_max: 8191, online: '0-8,10', possible: '0-10' }),
  ...cpu(0, [0, 0], throttles(5, 30)),
  ...cpu(1, [0, 1], throttles(0, 31)),
  ...cpu(2, [1, 0], { core_throttle_count: 7 }),
  ...cpu(3, [1, 1], { core_throttle_count: 0 }),
  ...cpu(4, [0, 0], throttles(6, 32)),
  ...cpu(5, [0, 1], throttles(1, 33)),
  ...cpu(6, [1, 0], { core_throttle_count: 8 }),
  ...cpu(7, [1, 1], { core_throttle_count: 1 }),
  ...cpu(8, [-1, 0], throttles(9, 9)),
  // By name it comes before cpu2, which has the same core.
  ...cpu(10, [1, 0], { core_throttle_count: 70 }),
  ...attributes(`${CPUS}/cpu9`, { online: 0 }),
};
