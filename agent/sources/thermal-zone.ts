import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { Metric, SourceFactory } from '../source.ts';
import { DeviceDirectory } from './device-directory.ts';
import { readTextFile } from './kernel-file.ts';
import { NumberFile } from './number-file.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

const MILLIDEGREES_PER_DEGREE = 1000;
const TYPE_LENGTH_MAX = 64;

const TEMPERATURE: Metric = {
  name: 'node_thermal_zone_temp',
  kind: 'gauge',
  unit: 'celsius',
  help: 'Temperature of a thermal zone in degrees Celsius.',
};
const CURRENT_STATE: Metric = {
  name: 'node_cooling_device_cur_state',
  kind: 'gauge',
  unit: '',
  help: 'Step that a cooling device is at.',
};
const MAX_STATE: Metric = {
  name: 'node_cooling_device_max_state',
  kind: 'gauge',
  unit: '',
  help: 'Highest step of a cooling device.',
};

function thermalZone(directory: string, zone: string): SourcePart | null {
  const type = typeOf(directory);
  if (type === null) return null;
  const labels: Label[] = [
    ['type', type],
    ['zone', zone],
  ];
  return new NumberFile(`${directory}/temp`, 'thermal_zone', [
    { metric: TEMPERATURE, labels, divisor: MILLIDEGREES_PER_DEGREE },
  ]);
}

function coolingDevice(directory: string, name: string): SourcePart | null {
  const type = typeOf(directory);
  if (type === null) return null;
  const labels: Label[] = [
    ['name', name],
    ['type', type],
  ];
  return sourceFromParts('thermal_zone', [
    new NumberFile(`${directory}/cur_state`, 'thermal_zone', [{ metric: CURRENT_STATE, labels }]),
    new NumberFile(`${directory}/max_state`, 'thermal_zone', [{ metric: MAX_STATE, labels }], {
      seldom: true,
    }),
  ]);
}

function typeOf(directory: string): string | null {
  const type = readTextFile(`${directory}/type`);
  return type === undefined || type.length > TYPE_LENGTH_MAX ? null : type;
}

/** `/sys/class/thermal`, see the kernel's Documentation/driver-api/thermal/sysfs-api.rst. */
export const thermalZoneSource: SourceFactory = (paths) => {
  const directory = `${paths.sysfs}/class/thermal`;
  return sourceFromParts('thermal_zone', [
    new DeviceDirectory(directory, /^thermal_zone(\d{1,9})$/, thermalZone),
    new DeviceDirectory(directory, /^cooling_device(\d{1,9})$/, coolingDevice),
  ]);
};
