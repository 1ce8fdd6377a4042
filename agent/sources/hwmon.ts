import { existsSync, readdirSync } from 'node:fs';
import type { Dirent } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { HostPaths, Metric, Source, SourceOptions } from '../source.ts';
import { attributeText } from './attribute-text.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { DeviceAttributes, type Attribute } from './device-attributes.ts';
import { DeviceDirectory } from './device-directory.ts';
import { cleanName, sensorMetric } from './hwmon-metric.ts';
import { InfoSeries } from './info-series.ts';
import { Pace } from './pace.ts';
import { linkedDevice, targetOf } from './renewed-part.ts';
import { isMetricName } from './series-row.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

const CHIP_NAMES: Metric = {
  name: 'node_hwmon_chip_names',
  kind: 'gauge',
  unit: '',
  help: 'What a chip calls itself; always 1.',
};
const SENSOR_LABEL: Metric = {
  name: 'node_hwmon_sensor_label',
  kind: 'gauge',
  unit: '',
  help: 'What a sensor measures, in the words of its driver; always 1.',
};

/** `temp1_max_alarm`: a type, a number and a property, of which only the type is always there. */
const SENSOR_FILE =
  /^(?<type>vrm|beep_enable|update_interval|in|cpu|fan|pwm|temp|curr|power|energy|humidity|intrusion|freq)(?:(?<number>\d{1,9})(?:_(?<property>.+))?)?$/s;
/** What changes by itself or by a controller; the rest are limits and settings. */
const LIVE_PROPERTY = /^(|input|average|target|fault|(.+_)?alarm)$/s;
/** Files beyond this many of one chip are left out. */
const SENSOR_FILES_MAX = 2048;
const ONE = Buffer.from('1');

interface Sensor {
  readonly type: string;
  /** By property, below the chip's directory. */
  readonly files: Map<string, string>;
}

/**
 * A chip's sensors: the files in its own directory and, with older drivers, in its device's. The
 * files of a chip stay the same as long as it is there.
 */
function chip(directory: string, pace: Pace): SourcePart {
  const name = chipName(directory);
  const sensors = sensorsIn(directory);
  const attributes = [...sensors].flatMap(([sensor, { type, files }]) =>
    sensorAttributes(directory, name, sensor, type, files),
  );
  return sourceFromParts('hwmon', [
    new InfoSeries('hwmon', CHIP_NAMES, () => {
      const model = cleanName(attributeText(`${directory}/name`) ?? '');
      if (model === '') return null;
      return [
        ['chip', name],
        ['chip_name', model],
      ];
    }),
    ...[...sensors].flatMap(([sensor, { files }]) => {
      const file = files.get('label');
      return file === undefined ? [] : [sensorLabel(`${directory}/${file}`, name, sensor)];
    }),
    new DeviceAttributes('hwmon', directory, [], attributes, pace),
  ]);
}

/** Numbered as `hwmon3` chips differ from boot to boot; where their device is does not. */
function chipName(directory: string): string {
  const device = targetOf(`${directory}/device`);
  if (device !== undefined) {
    const bus = cleanName(basename(dirname(device)));
    const name = cleanName(basename(device));
    if (name !== '') return bus === '' ? name : `${bus}_${name}`;
  }
  return cleanName(attributeText(`${directory}/name`) ?? '') || cleanName(basename(directory));
}

function sensorsIn(directory: string): Map<string, Sensor> {
  const sensors = new Map<string, Sensor>();
  let files = 0;
  for (const below of ['', 'device/']) {
    for (const name of filesIn(`${directory}/${below}`)) {
      const { type, number = '0', property = '' } = SENSOR_FILE.exec(name)?.groups ?? {};
      if (type === undefined || files >= SENSOR_FILES_MAX) continue;
      files++;
      const sensor = type + Number(number);
      const known = sensors.get(sensor) ?? { type, files: new Map<string, string>() };
      known.files.set(property, below + name);
      sensors.set(sensor, known);
    }
  }
  return sensors;
}

function sensorAttributes(
  directory: string,
  chip: string,
  sensor: string,
  type: string,
  files: ReadonlyMap<string, string>,
): Attribute[] {
  const labelFile = files.get('label');
  const attributes: Attribute[] = [];
  for (const [property, file] of files) {
    if (property === 'label') continue;
    const shown = sensorMetric(type, property, files.has(''));
    if (shown === null || !isMetricName(shown.metric.name)) continue;
    let name = sensor;
    if (type === 'freq' && property === 'input') {
      // A clock is told apart from the others by its label alone.
      const label = labelFile && attributeText(`${directory}/${labelFile}`);
      if (label === undefined) continue;
      name = cleanName(label);
    }
    attributes.push({
      ...shown,
      file,
      labels: [
        ['chip', chip],
        ['sensor', name],
      ],
      ...(type === 'beep_enable' ? { parse: isOne } : {}),
      seldom: !LIVE_PROPERTY.test(property),
      lenient: property !== 'input',
    });
  }
  return attributes;
}

function sensorLabel(path: string, chip: string, sensor: string): SourcePart {
  return new InfoSeries('hwmon', SENSOR_LABEL, () => {
    const label = attributeText(path);
    if (label === undefined) return null;
    return [
      ['chip', chip],
      ['label', label.replace(/^\n+|\n+$/g, '')],
      ['sensor', sensor],
    ];
  });
}

function isOne(scan: ByteScanner): number {
  scan.lineAsWord();
  return scan.wordIs(ONE) ? 1 : 0;
}

function filesIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter(isFile)
      .map(({ name }) => name);
  } catch {
    return [];
  }
}

function isFile(entry: Dirent): boolean {
  return entry.isFile() || entry.isSymbolicLink();
}

/** `/sys/class/hwmon`, see the kernel's Documentation/hwmon/sysfs-interface.rst. */
export function hwmonSource(
  paths: HostPaths,
  _options?: SourceOptions,
  nowMs?: () => number,
): Source {
  const pace = new Pace(nowMs);
  return sourceFromParts('hwmon', [
    pace,
    new DeviceDirectory(`${paths.sysfs}/class/hwmon`, /^(hwmon\d{1,9})$/, (link) =>
      linkedDevice(link, (directory) => chip(directory, pace)),
    ),
  ]);
}
