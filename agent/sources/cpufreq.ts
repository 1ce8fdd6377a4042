import type { SourceFactory } from '../source.ts';
import { DeviceAttributes, type Attribute } from './device-attributes.ts';
import { DeviceDirectory } from './device-directory.ts';
import { Pace } from './pace.ts';
import { sourceFromParts } from './source-parts.ts';

const HERTZ_PER_KILOHERTZ = 1000;

function hertz(file: string, name: string, help: string): Attribute {
  return {
    file: `cpufreq/${file}`,
    metric: { name: `node_cpu_${name}_hertz`, kind: 'gauge', unit: 'hertz', help },
    multiplier: HERTZ_PER_KILOHERTZ,
    seldom: !file.endsWith('cur_freq'),
    // Drivers may say that they do not know.
    lenient: true,
  };
}

/**
 * Attributes of a CPU's frequency policy in kHz. The first is the hardware's own answer, which
 * only root may ask for; the `scaling` ones are the governor's.
 */
const ATTRIBUTES: readonly Attribute[] = [
  hertz('cpuinfo_cur_freq', 'frequency', 'Frequency that a CPU runs at.'),
  hertz('cpuinfo_min_freq', 'frequency_min', 'Lowest frequency that a CPU can run at.'),
  hertz('cpuinfo_max_freq', 'frequency_max', 'Highest frequency that a CPU can run at.'),
  hertz('scaling_cur_freq', 'scaling_frequency', 'Frequency that was chosen for a CPU.'),
  hertz('scaling_min_freq', 'scaling_frequency_min', 'Lowest frequency that may be chosen.'),
  hertz('scaling_max_freq', 'scaling_frequency_max', 'Highest frequency that may be chosen.'),
];

/**
 * `/sys/devices/system/cpu/cpuN/cpufreq`, see the kernel's Documentation/admin-guide/pm/cpufreq.rst.
 * Some kernels measure for 10 ms before they answer.
 */
export const cpufreqSource: SourceFactory = (paths) => {
  const pace = new Pace();
  return sourceFromParts('cpufreq', [
    pace,
    new DeviceDirectory(`${paths.sysfs}/devices/system/cpu`, /^cpu(\d{1,9})$/, (directory, cpu) => {
      const labels = [['cpu', cpu]] as const;
      return new DeviceAttributes('cpufreq', directory, labels, ATTRIBUTES, pace);
    }),
  ]);
};
