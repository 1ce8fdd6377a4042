import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { Metric, SourceFactory } from '../source.ts';
import { textLabel } from './attribute-text.ts';
import { DeviceAttributes, type Attribute } from './device-attributes.ts';
import { DeviceDirectory } from './device-directory.ts';
import { InfoSeries } from './info-series.ts';
import { Pace } from './pace.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

const PER_UNIT_OF_MICRO = 1_000_000;
const PER_UNIT_OF_TENTHS = 10;

/** Files that change by themselves; all others are limits and what the device was made for. */
const LIVE = new Set([
  'capacity',
  'charge_counter',
  'charge_now',
  'current_now',
  'energy_now',
  'online',
  'power_now',
  'present',
  'temp',
  'temp_ambient',
  'time_to_empty_now',
  'time_to_full_now',
  'voltage_now',
  'voltage_ocv',
]);

function attribute(file: string, name: string, unit: string, divisor: number): Attribute {
  const help = `The ${file} of a power supply.`;
  const metric: Metric = { name: `node_power_supply_${name}`, kind: 'gauge', unit, help };
  return { file, metric, divisor, seldom: !LIVE.has(file) };
}

/** Numbers that are shown as they are. */
const COUNTS: readonly Attribute[] = [
  attribute('authentic', 'authentic', '', 1),
  attribute('calibrate', 'calibrate', '', 1),
  attribute('capacity', 'capacity', '', 1),
  attribute('capacity_alert_max', 'capacity_alert_max', '', 1),
  attribute('capacity_alert_min', 'capacity_alert_min', '', 1),
  attribute('cycle_count', 'cyclecount', '', 1),
  attribute('online', 'online', '', 1),
  attribute('present', 'present', '', 1),
  attribute('time_to_empty_now', 'time_to_empty_seconds', 'seconds', 1),
  attribute('time_to_full_now', 'time_to_full_seconds', 'seconds', 1),
];

/** In µA, µV, µW, µAh or µWh; what is measured has its unit in its name, but not its limits. */
const MICRO: readonly Attribute[] = (
  [
    ['current_boot', 'current_boot', 'amperes'],
    ['current_max', 'current_max', 'amperes'],
    ['current_now', 'current_ampere', 'amperes'],
    ['energy_empty', 'energy_empty', 'watt hours'],
    ['energy_empty_design', 'energy_empty_design', 'watt hours'],
    ['energy_full', 'energy_full', 'watt hours'],
    ['energy_full_design', 'energy_full_design', 'watt hours'],
    ['energy_now', 'energy_watthour', 'watt hours'],
    ['voltage_boot', 'voltage_boot', 'volts'],
    ['voltage_max', 'voltage_max', 'volts'],
    ['voltage_max_design', 'voltage_max_design', 'volts'],
    ['voltage_min', 'voltage_min', 'volts'],
    ['voltage_min_design', 'voltage_min_design', 'volts'],
    ['voltage_now', 'voltage_volt', 'volts'],
    ['voltage_ocv', 'voltage_ocv', 'volts'],
    ['charge_control_limit', 'charge_control_limit', ''],
    ['charge_control_limit_max', 'charge_control_limit_max', ''],
    ['charge_counter', 'charge_counter', 'ampere hours'],
    ['charge_empty', 'charge_empty', 'ampere hours'],
    ['charge_empty_design', 'charge_empty_design', 'ampere hours'],
    ['charge_full', 'charge_full', 'ampere hours'],
    ['charge_full_design', 'charge_full_design', 'ampere hours'],
    ['charge_now', 'charge_ampere', 'ampere hours'],
    ['charge_term_current', 'charge_term_current', 'amperes'],
    ['constant_charge_current', 'constant_charge_current', 'amperes'],
    ['constant_charge_current_max', 'constant_charge_current_max', 'amperes'],
    ['constant_charge_voltage', 'constant_charge_voltage', 'volts'],
    ['constant_charge_voltage_max', 'constant_charge_voltage_max', 'volts'],
    ['precharge_current', 'precharge_current', 'amperes'],
    ['input_current_limit', 'input_current_limit', 'amperes'],
    ['power_now', 'power_watt', 'watts'],
  ] as const
).map(([file, name, unit]) => attribute(file, name, unit, PER_UNIT_OF_MICRO));

/** In tenths of a degree Celsius. */
const TEMPERATURES: readonly Attribute[] = [
  'temp',
  'temp_alert_max',
  'temp_alert_min',
  'temp_ambient',
  'temp_ambient_max',
  'temp_ambient_min',
  'temp_max',
  'temp_min',
].map((file) => attribute(file, `${file}_celsius`, 'celsius', PER_UNIT_OF_TENTHS));

const INFO: Metric = {
  name: 'node_power_supply_info',
  kind: 'gauge',
  unit: '',
  help: 'What a power supply is and how it does; always 1.',
};
/** Labels of `INFO`, named as their files; what is not known is left out. */
const INFO_LABELS = [
  'capacity_level',
  'charge_type',
  'health',
  'manufacturer',
  'model_name',
  'scope',
  'serial_number',
  'status',
  'technology',
  'type',
  'usb_type',
];

function powerSupply(directory: string, name: string, pace: Pace): SourcePart {
  const label: Label = ['power_supply', name];
  const attributes = [...COUNTS, ...MICRO, ...TEMPERATURES];
  return sourceFromParts('powersupplyclass', [
    new InfoSeries('powersupplyclass', INFO, () => {
      const texts = INFO_LABELS.map((file) => textLabel(file, `${directory}/${file}`));
      const known = texts.filter(([, text]) => text !== '');
      return known.length === 0 ? null : [label, ...known];
    }),
    new DeviceAttributes('powersupplyclass', directory, [label], attributes, pace),
  ]);
}

/** `/sys/class/power_supply`, see the kernel's Documentation/power/power_supply_class.rst. */
export const powersupplyclassSource: SourceFactory = (paths) => {
  const pace = new Pace();
  return sourceFromParts('powersupplyclass', [
    pace,
    new DeviceDirectory(`${paths.sysfs}/class/power_supply`, /^(.{1,255})$/s, (directory, name) =>
      powerSupply(directory, name, pace),
    ),
  ]);
};
