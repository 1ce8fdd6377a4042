import type { SeriesKind } from '../../pipeline/wire/catalogue.ts';
import type { Metric } from '../source.ts';

/** What a file of a sensor is shown as; the value is `number * multiplier / divisor`. */
export interface SensorMetric {
  readonly metric: Metric;
  readonly multiplier?: number;
  readonly divisor?: number;
}

interface Scale {
  /** Appended to the metric's name. */
  readonly suffix: string;
  readonly unit: string;
  readonly kind?: SeriesKind;
  readonly multiplier?: number;
  readonly divisor?: number;
}

const PER_THOUSAND = 0.001;
const MILLION = 1_000_000;

const PLAIN: Scale = { suffix: '', unit: '' };
const VOLTS: Scale = { suffix: '_volts', unit: 'volts', multiplier: PER_THOUSAND };
const RPM: Scale = { suffix: '_rpm', unit: 'rpm' };
const SECONDS: Scale = { suffix: '_seconds', unit: 'seconds', multiplier: PER_THOUSAND };
const ACCURACY: Scale = { suffix: '', unit: 'ratio', divisor: MILLION };
const MEGAHERTZ: Scale = { suffix: '_freq_mhz', unit: 'megahertz', divisor: MILLION };

/** What all files of a type of sensor have in common (hwmon/sysfs-interface.rst). */
const SCALES: ReadonlyMap<string, Scale> = new Map([
  ['in', VOLTS],
  ['cpu', VOLTS],
  ['temp', { suffix: '_celsius', unit: 'celsius', multiplier: PER_THOUSAND }],
  ['curr', { suffix: '_amps', unit: 'amperes', multiplier: PER_THOUSAND }],
  ['energy', { suffix: '_joule_total', unit: 'joules', kind: 'counter', divisor: MILLION }],
  ['power', { suffix: '_watt', unit: 'watts', divisor: MILLION }],
  ['humidity', { suffix: '', unit: 'ratio', divisor: MILLION }],
]);

/** Files that are another quantity than the rest of their type, as `type_property`. */
const EXCEPTIONS: ReadonlyMap<string, Scale> = new Map([
  ['temp_type', PLAIN],
  ['power_accuracy', ACCURACY],
  ['power_average_interval', SECONDS],
  ['power_average_interval_min', SECONDS],
  ['power_average_interval_max', SECONDS],
  ['fan_input', RPM],
  ['fan_min', RPM],
  ['fan_max', RPM],
  ['fan_target', RPM],
  ['freq_input', MEGAHERTZ],
]);

/** Files that are about a chip instead of a sensor. */
const CHIP_METRICS: ReadonlyMap<string, SensorMetric> = new Map([
  ['beep_enable', { metric: gauge('beep_enabled', '', 'Whether a chip may beep.') }],
  ['vrm', { metric: gauge('voltage_regulator_version', '', 'Version of the VRM standard.') }],
  [
    'update_interval',
    {
      metric: gauge('update_interval_seconds', 'seconds', 'Time between two measurements.'),
      multiplier: PER_THOUSAND,
    },
  ],
]);

function gauge(name: string, unit: string, help: string): Metric {
  return { name: `node_hwmon_${name}`, kind: 'gauge', unit, help };
}

/**
 * What the file `type` + number + `_property` is shown as; null is nothing. Where a sensor has a
 * file without a property besides its input (`fan1` and `fan1_input`), that has the short name.
 */
export function sensorMetric(
  type: string,
  property: string,
  hasPlainFile: boolean,
): SensorMetric | null {
  const chipMetric = CHIP_METRICS.get(type);
  if (chipMetric !== undefined) return property === '' ? chipMetric : null;
  const { suffix, unit, kind = 'gauge', ...factors } = scaleOf(type, property);
  const isShort = property === '' || (property === 'input' && !hasPlainFile);
  const name = isShort ? type : `${type}_${cleanName(property)}`;
  const help = `The ${property || 'plain'} file of sensors of the type ${type}.`;
  return { metric: { name: `node_hwmon_${name}${suffix}`, kind, unit, help }, ...factors };
}

function scaleOf(type: string, property: string): Scale {
  if (property === 'fault' || property === 'alarm') return PLAIN;
  if (property === 'beep') return { suffix: '_enabled', unit: '' };
  return EXCEPTIONS.get(`${type}_${property}`) ?? SCALES.get(type) ?? PLAIN;
}

/** A text as a part of a name. */
export function cleanName(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9:_]/gu, '_')
    .replace(/^_+|_+$/g, '');
}
