import type { Metric, SourceFactory } from '../source.ts';
import { DeviceDirectory } from './device-directory.ts';
import { NumberFile } from './number-file.ts';
import { sourceFromParts } from './source-parts.ts';

const HERTZ_PER_KILOHERTZ = 1000;

function hertz(name: string, help: string): Metric {
  return { name: `node_cpu_${name}_hertz`, kind: 'gauge', unit: 'hertz', help };
}

/**
 * Attributes of a CPU's frequency policy in kHz. The first is the hardware's own answer, which
 * only root may ask for; the `scaling` ones are the governor's.
 */
const ATTRIBUTES: readonly (readonly [file: string, metric: Metric])[] = [
  ['cpuinfo_cur_freq', hertz('frequency', 'Frequency that a CPU runs at.')],
  ['cpuinfo_min_freq', hertz('frequency_min', 'Lowest frequency that a CPU can run at.')],
  ['cpuinfo_max_freq', hertz('frequency_max', 'Highest frequency that a CPU can run at.')],
  ['scaling_cur_freq', hertz('scaling_frequency', 'Frequency that was chosen for a CPU.')],
  ['scaling_min_freq', hertz('scaling_frequency_min', 'Lowest frequency that may be chosen.')],
  ['scaling_max_freq', hertz('scaling_frequency_max', 'Highest frequency that may be chosen.')],
];

/** `/sys/devices/system/cpu/cpuN/cpufreq`, see the kernel's Documentation/admin-guide/pm/cpufreq.rst. */
export const cpufreqSource: SourceFactory = (paths) =>
  sourceFromParts('cpufreq', [
    new DeviceDirectory(`${paths.sysfs}/devices/system/cpu`, /^cpu(\d{1,9})$/, (directory, cpu) =>
      sourceFromParts(
        'cpufreq',
        ATTRIBUTES.map(
          ([file, metric]) =>
            new NumberFile(`${directory}/cpufreq/${file}`, 'cpufreq', [
              { metric, labels: [['cpu', cpu]], multiplier: HERTZ_PER_KILOHERTZ },
            ]),
        ),
      ),
    ),
  ]);
