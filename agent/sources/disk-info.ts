import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { Metric, SeriesSink } from '../source.ts';
import { ByteScanner } from './byte-scanner.ts';
import { KernelFile, SELDOM_READS } from './kernel-file.ts';
import { declareRow } from './series-row.ts';

function gauge(name: string, help: string): Metric {
  return { name: `node_disk_${name}`, kind: 'gauge', unit: '', help };
}

const INFO = gauge('info', 'What a block device is; always 1.');
const FILESYSTEM_INFO = gauge('filesystem_info', 'The filesystem on a block device; always 1.');
const MAPPER_INFO = gauge('device_mapper_info', 'What a device-mapper device is; always 1.');
const ATA: readonly (readonly [property: string, metric: Metric])[] = [
  ['ID_ATA_WRITE_CACHE', gauge('ata_write_cache', 'Whether the disk has a write cache.')],
  [
    'ID_ATA_WRITE_CACHE_ENABLED',
    gauge('ata_write_cache_enabled', "Whether the disk's write cache is on."),
  ],
  [
    'ID_ATA_ROTATION_RATE_RPM',
    gauge('ata_rotation_rate_rpm', 'Turns a minute of the disk; 0 for one without moving parts.'),
  ],
];

type Properties = ReadonlyMap<string, string>;

const ENTRY_BYTES_MAX = 64 * 1024;
/** Apart from the one that all files share, in which the list of the devices is just being read. */
const entryScan = new ByteScanner(4096);

/**
 * What udev knows of a block device, from the `E:` lines of its database (systemd's
 * `/run/udev/data/b<major>:<minor>`). It is read when the device appears and seldom after that.
 */
export class DiskInfo {
  readonly #device: string;
  readonly #udevData: string;
  #major = -1;
  #minor = -1;
  #lastReading = 0;
  #readsToRefresh = 0;
  #slots: number[] = [];
  #values: number[] = [];

  constructor(device: string, udevData: string) {
    this.#device = device;
    this.#udevData = udevData;
  }

  /** `reading` counts the readings, so that a device that was away is looked up anew. */
  set(sink: SeriesSink, major: number, minor: number, reading: number): void {
    const stayed = major === this.#major && minor === this.#minor;
    if (!stayed || reading !== this.#lastReading + 1 || this.#readsToRefresh === 0) {
      this.#major = major;
      this.#minor = minor;
      this.#refresh(sink);
    }
    this.#lastReading = reading;
    this.#readsToRefresh--;
    for (let i = 0; i < this.#slots.length; i++) sink.set(this.#slots[i]!, this.#values[i]!);
  }

  #refresh(sink: SeriesSink): void {
    this.#readsToRefresh = SELDOM_READS;
    this.#slots = [];
    this.#values = [];
    const properties = udevProperties(sink, `${this.#udevData}/b${this.#major}:${this.#minor}`);
    this.#add(sink, INFO, 1, this.#identity(properties));
    if (properties.has('ID_FS_TYPE')) this.#add(sink, FILESYSTEM_INFO, 1, filesystem(properties));
    if (properties.has('DM_NAME')) this.#add(sink, MAPPER_INFO, 1, mapper(properties));
    if (!properties.has('ID_ATA')) return;
    for (const [property, metric] of ATA) {
      const value = Number(properties.get(property) ?? NaN);
      if (!Number.isNaN(value)) this.#add(sink, metric, value, []);
    }
  }

  #add(sink: SeriesSink, metric: Metric, value: number, labels: readonly Label[]): void {
    const slots = declareRow(sink, 'diskstats', [metric], [['device', this.#device], ...labels]);
    if (slots === null) return;
    this.#slots.push(slots[0]!);
    this.#values.push(value);
  }

  #identity(properties: Properties): Label[] {
    return [
      ['major', String(this.#major)],
      ['minor', String(this.#minor)],
      ['path', properties.get('ID_PATH') ?? ''],
      ['wwn', properties.get('ID_WWN') ?? ''],
      ['model', properties.get('ID_MODEL') ?? ''],
      ['serial', properties.get('ID_SERIAL_SHORT') ?? ''],
      ['revision', properties.get('ID_REVISION') ?? ''],
    ];
  }
}

function filesystem(properties: Properties): Label[] {
  return [
    ['type', properties.get('ID_FS_TYPE') ?? ''],
    ['usage', properties.get('ID_FS_USAGE') ?? ''],
    ['uuid', properties.get('ID_FS_UUID') ?? ''],
    ['version', properties.get('ID_FS_VERSION') ?? ''],
  ];
}

function mapper(properties: Properties): Label[] {
  return [
    ['name', properties.get('DM_NAME') ?? ''],
    ['uuid', properties.get('DM_UUID') ?? ''],
    ['vg_name', properties.get('DM_VG_NAME') ?? ''],
    ['lv_name', properties.get('DM_LV_NAME') ?? ''],
    ['lv_layer', properties.get('DM_LV_LAYER') ?? ''],
  ];
}

/** The non-empty properties of a device; none if udev does not run here. */
function udevProperties(sink: SeriesSink, path: string): Properties {
  const properties = new Map<string, string>();
  const file = new KernelFile(path, 'diskstats', { scan: entryScan, bytesMax: ENTRY_BYTES_MAX });
  const present = file.load(sink);
  file.close();
  if (!present) return properties;
  for (const line of entryScan.bytes.toString('utf8', 0, entryScan.end).split('\n')) {
    const [, name, value] = /^E:([^=]+)=(.+)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) properties.set(name, value);
  }
  return properties;
}
