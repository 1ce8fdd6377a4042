import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { Metric, SeriesSink, SourceFactory } from '../source.ts';
import { namesIn } from './quiet-files.ts';
import { attributeText, textLabel } from './attribute-text.ts';
import { BtrfsCounters, type BtrfsCounter } from './btrfs-counters.ts';
import { DeviceDirectory } from './device-directory.ts';
import { InfoSeries } from './info-series.ts';
import { SELDOM_READS } from './kernel-file.ts';
import { NumberFile } from './number-file.ts';
import { declareRow } from './series-row.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

/** The size of a block device is told in these, whatever the device's own are. */
const SECTOR_BYTES = 512;
const SECONDS_PER_MS = 1 / 1000;
const BLOCK_GROUP_TYPES = ['data', 'metadata', 'system'] as const;
/** Copies of each byte. The parity profiles depend on the number of devices. */
const COPIES: Readonly<Record<string, number>> = {
  single: 1,
  raid0: 1,
  dup: 2,
  raid1: 2,
  raid10: 2,
  raid1c3: 3,
  raid1c4: 4,
};
/** Devices' worth of parity in each stripe. */
const PARITIES: Readonly<Record<string, number>> = { raid5: 1, raid6: 2 };

function metric(name: string, unit: string, help: string): Metric {
  const kind = name.endsWith('_total') ? 'counter' : 'gauge';
  return { name: `node_btrfs_${name}`, kind, unit, help };
}

const INFO = metric('info', '', 'A mounted filesystem and its label; always 1.');
const RESERVE_SIZE = metric('global_rsv_size_bytes', 'bytes', 'Size of the global reserve.');
const RESERVED = metric('reserved_bytes', 'bytes', 'Space set aside for writes under way.');
const USED = metric('used_bytes', 'bytes', 'Space that is used in block groups of a profile.');
const SIZE = metric('size_bytes', 'bytes', 'Space in block groups of a profile.');
const RATIO = metric('allocation_ratio', '', 'Bytes on devices for each byte that is stored.');
const DEVICE_SIZE = metric('device_size_bytes', 'bytes', 'Size of a device of the filesystem.');
const COMMITS = metric('commits_total', '', 'Transactions that were committed.');
const LAST_COMMIT = metric('last_commit_seconds', 'seconds', 'Time the latest commit took.');
const MAX_COMMIT = metric('max_commit_seconds', 'seconds', 'Time the slowest commit took.');
const COMMIT_TIME = metric('commit_seconds_total', 'seconds', 'Time all commits took together.');
const ERRORS = metric('device_errors_total', '', 'Errors of a device that were counted.');

/** The devices of a filesystem by name. */
class BtrfsDevices implements SourcePart {
  names: readonly string[] = [];
  readonly #directory: string;
  #readsToListing = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  read(): void {
    if (this.#readsToListing === 0) {
      this.#readsToListing = SELDOM_READS;
      this.names = namesIn(this.#directory);
    }
    this.#readsToListing--;
  }

  close(): void {
    this.#readsToListing = 0;
  }
}

/** What the files do not say themselves. */
class AllocationRatio implements SourcePart {
  readonly #mode: string;
  readonly #devices: BtrfsDevices;
  readonly #labels: readonly Label[];
  #slots: Int32Array | null | undefined;

  constructor(mode: string, devices: BtrfsDevices, labels: readonly Label[]) {
    this.#mode = mode;
    this.#devices = devices;
    this.#labels = labels;
  }

  read(sink: SeriesSink): void {
    this.#slots ??= declareRow(sink, 'btrfs', [RATIO], this.#labels);
    const slot = this.#slots?.[0];
    if (slot === undefined) return;
    sink.set(slot, allocationRatio(this.#mode, this.#devices.names.length));
  }

  close(): void {}
}

function filesystem(directory: string, name: string): SourcePart {
  const uuid: Label = ['uuid', attributeText(`${directory}/metadata_uuid`)?.trim() || name];
  const devices = new BtrfsDevices(`${directory}/devices`);
  return sourceFromParts('btrfs', [
    devices,
    new InfoSeries('btrfs', INFO, () => [textLabel('label', `${directory}/label`), uuid]),
    numberFile(`${directory}/allocation/global_rsv_size`, RESERVE_SIZE, [uuid]),
    new BtrfsCounters(`${directory}/commit_stats`, commitCounters(uuid)),
    ...BLOCK_GROUP_TYPES.map((type) => {
      const path = `${directory}/allocation/${type}`;
      return blockGroups(path, [uuid, ['block_group_type', type]], devices);
    }),
    deviceSizes(`${directory}/devices`, uuid),
    deviceErrors(`${directory}/devinfo`, uuid, devices),
  ]);
}

function blockGroups(path: string, labels: Label[], devices: BtrfsDevices): SourcePart {
  return sourceFromParts('btrfs', [
    numberFile(`${path}/bytes_reserved`, RESERVED, labels),
    new DeviceDirectory(path, /^(single|dup|raid\w+)$/, (directory, mode) => {
      const modeLabels: Label[] = [...labels, ['mode', mode]];
      return sourceFromParts('btrfs', [
        numberFile(`${directory}/used_bytes`, USED, modeLabels),
        numberFile(`${directory}/total_bytes`, SIZE, modeLabels),
        new AllocationRatio(mode, devices, modeLabels),
      ]);
    }),
  ]);
}

function allocationRatio(mode: string, devices: number): number {
  const parities = PARITIES[mode];
  return parities === undefined ? (COPIES[mode] ?? 0) : devices / (devices - parities);
}

function deviceSizes(path: string, uuid: Label): SourcePart {
  return new DeviceDirectory(
    path,
    /^(.+)$/,
    (directory, device) =>
      new NumberFile(
        `${directory}/size`,
        'btrfs',
        [{ metric: DEVICE_SIZE, labels: [['device', device], uuid], multiplier: SECTOR_BYTES }],
        { seldom: true },
      ),
  );
}

/**
 * Errors are counted by the numbers that btrfs gives its devices. Which device has which number
 * is told by an ioctl(2) only, unless there is just one.
 */
function deviceErrors(path: string, uuid: Label, devices: BtrfsDevices): SourcePart {
  return new DeviceDirectory(path, /^(\d{1,20})$/, (directory, id) => {
    const [name, ...others] = devices.names;
    const device = name !== undefined && others.length === 0 ? name : `devid:${id}`;
    const counters = ['write', 'read', 'flush', 'corruption', 'generation'].map(
      (type): [string, BtrfsCounter] => [
        `${type}_errs`,
        { metric: ERRORS, labels: [['device', device], ['type', type], uuid] },
      ],
    );
    return new BtrfsCounters(`${directory}/error_stats`, new Map(counters));
  });
}

function commitCounters(uuid: Label): ReadonlyMap<string, BtrfsCounter> {
  const labels = [uuid];
  return new Map<string, BtrfsCounter>([
    ['commits', { metric: COMMITS, labels }],
    ['last_commit_ms', { metric: LAST_COMMIT, labels, multiplier: SECONDS_PER_MS }],
    ['max_commit_ms', { metric: MAX_COMMIT, labels, multiplier: SECONDS_PER_MS }],
    ['total_commit_ms', { metric: COMMIT_TIME, labels, multiplier: SECONDS_PER_MS }],
  ]);
}

function numberFile(path: string, what: Metric, labels: readonly Label[]): NumberFile {
  return new NumberFile(path, 'btrfs', [{ metric: what, labels }]);
}

/** `/sys/fs/btrfs/<uuid>`, see the kernel's fs/btrfs/sysfs.c. */
export const btrfsSource: SourceFactory = (paths) =>
  sourceFromParts('btrfs', [
    new DeviceDirectory(`${paths.sysfs}/fs/btrfs`, /^(.+-.+)$/, filesystem),
  ]);
