import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { Metric, SourceFactory } from '../source.ts';
import { attributeText, textLabel } from './attribute-text.ts';
import { DeviceAttributes, type Attribute } from './device-attributes.ts';
import { DeviceDirectory } from './device-directory.ts';
import { InfoSeries } from './info-series.ts';
import { Pace } from './pace.ts';
import { RenewedPart } from './renewed-part.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';
import { readAttributeNumber } from './sysfs-attribute.ts';

/** Sizes of block devices are in sectors of this size, whatever the device's are. */
const SECTOR_BYTES = 512;
const BLOCK_SIZE_FILE = 'queue/logical_block_size';

function gauge(name: string, unit: string, help: string): Metric {
  return { name: `node_nvme_${name}`, kind: 'gauge', unit, help };
}

const INFO = gauge('info', '', 'What an NVMe controller is and how it does; always 1.');
const NAMESPACE_INFO = gauge('namespace_info', '', 'The state of an NVMe namespace; always 1.');
const BLOCK_SIZE = gauge(
  'namespace_logical_block_size_bytes',
  'bytes',
  'Logical block size of an NVMe namespace.',
);
const CAPACITY = gauge('namespace_capacity_bytes', 'bytes', 'Capacity of an NVMe namespace.');
const SIZE = gauge('namespace_size_bytes', 'bytes', 'Size of an NVMe namespace.');
const USED = gauge('namespace_used_bytes', 'bytes', 'Space that is in use in an NVMe namespace.');

function controller(directory: string, device: string, pace: Pace): SourcePart {
  return sourceFromParts('nvme', [
    new InfoSeries('nvme', INFO, () => [
      ['device', device],
      textLabel('firmware_revision', `${directory}/firmware_rev`),
      textLabel('model', `${directory}/model`),
      textLabel('serial', `${directory}/serial`),
      textLabel('state', `${directory}/state`),
    ]),
    new DeviceDirectory(directory, /^nvme\d{1,9}(?:c\d{1,9})?n(\d{1,9})$/, (path, nsid) => {
      const labels: Label[] = [
        ['device', device],
        ['nsid', nsid],
      ];
      return namespace(path, labels, pace);
    }),
  ]);
}

/** All of it is read seldom: the kernel asks the device for what is in use. */
const SIZES: readonly Attribute[] = [
  { file: 'size', metric: CAPACITY, multiplier: SECTOR_BYTES, seldom: true },
  { file: 'size', metric: SIZE, multiplier: SECTOR_BYTES, seldom: true },
  { file: BLOCK_SIZE_FILE, metric: BLOCK_SIZE, seldom: true },
];

function namespace(directory: string, labels: readonly Label[], pace: Pace): SourcePart {
  return sourceFromParts('nvme', [
    new InfoSeries('nvme', NAMESPACE_INFO, () => [
      ...labels,
      ['ana_state', attributeText(`${directory}/ana_state`)?.trim() || 'unknown'],
    ]),
    new DeviceAttributes('nvme', directory, labels, SIZES, pace),
    // What is in use is counted in the namespace's blocks.
    new RenewedPart(
      () => readAttributeNumber(`${directory}/${BLOCK_SIZE_FILE}`) || undefined,
      (multiplier) => {
        const used: Attribute = { file: 'nuse', metric: USED, multiplier, seldom: true };
        return new DeviceAttributes('nvme', directory, labels, [used], pace);
      },
    ),
  ]);
}

/** `/sys/class/nvme`, made in the kernel's drivers/nvme/host/sysfs.c. */
export const nvmeSource: SourceFactory = (paths) => {
  const pace = new Pace();
  return sourceFromParts('nvme', [
    pace,
    new DeviceDirectory(`${paths.sysfs}/class/nvme`, /^(nvme\d{1,9})$/, (directory, device) =>
      controller(directory, device, pace),
    ),
  ]);
};
