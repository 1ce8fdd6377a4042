import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { SourceFactory } from '../source.ts';
import { attributeText } from './attribute-text.ts';
import { DeviceAttributes, type Attribute } from './device-attributes.ts';
import { DeviceDirectory } from './device-directory.ts';
import { Pace } from './pace.ts';
import { RenewedPart } from './renewed-part.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

const MILLIDEGREES_PER_DEGREE = 1000;

const ZONE: readonly Attribute[] = [
  {
    file: 'temp',
    metric: {
      name: 'node_thermal_zone_temp',
      kind: 'gauge',
      unit: 'celsius',
      help: 'Temperature of a thermal zone in degrees Celsius.',
    },
    divisor: MILLIDEGREES_PER_DEGREE,
  },
];
const COOLING_DEVICE: readonly Attribute[] = [
  {
    file: 'cur_state',
    metric: {
      name: 'node_cooling_device_cur_state',
      kind: 'gauge',
      unit: '',
      help: 'Step that a cooling device is at.',
    },
  },
  {
    file: 'max_state',
    metric: {
      name: 'node_cooling_device_max_state',
      kind: 'gauge',
      unit: '',
      help: 'Highest step of a cooling device.',
    },
    seldom: true,
  },
];

/** A zone or cooling device; its number may go to one of another type. */
function device(
  directory: string,
  label: Label,
  attributes: readonly Attribute[],
  pace: Pace,
): SourcePart {
  return new RenewedPart(
    () => attributeText(`${directory}/type`)?.trim(),
    (type) => {
      const labels: Label[] = [label, ['type', type]];
      return new DeviceAttributes('thermal_zone', directory, labels, attributes, pace);
    },
  );
}

/** `/sys/class/thermal`, see the kernel's Documentation/driver-api/thermal/sysfs-api.rst. */
export const thermalZoneSource: SourceFactory = (paths) => {
  const directory = `${paths.sysfs}/class/thermal`;
  const pace = new Pace();
  return sourceFromParts('thermal_zone', [
    pace,
    new DeviceDirectory(directory, /^thermal_zone(\d{1,9})$/, (path, zone) =>
      device(path, ['zone', zone], ZONE, pace),
    ),
    new DeviceDirectory(directory, /^cooling_device(\d{1,9})$/, (path, name) =>
      device(path, ['name', name], COOLING_DEVICE, pace),
    ),
  ]);
};
