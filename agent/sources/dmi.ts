import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { Metric, SeriesSink, SourceFactory } from '../source.ts';
import { SELDOM_READS } from './kernel-file.ts';
import { declareRow } from './series-row.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';
import { attributeText } from './attribute-text.ts';

const INFO: Metric = {
  name: 'node_dmi_info',
  kind: 'gauge',
  unit: '',
  help: 'The machine as its firmware describes it, in the labels; always 1.',
};

/** The labels are named as the attributes, but for `sys_vendor`. */
const ATTRIBUTES = [
  'bios_date',
  'bios_release',
  'bios_vendor',
  'bios_version',
  'board_asset_tag',
  'board_name',
  'board_serial',
  'board_vendor',
  'board_version',
  'chassis_asset_tag',
  'chassis_serial',
  'chassis_vendor',
  'chassis_version',
  'product_family',
  'product_name',
  'product_serial',
  'product_sku',
  'product_uuid',
  'product_version',
  'sys_vendor',
];

/** The description cannot change before the next start of the system: it is read once. */
class FirmwareDescription implements SourcePart {
  readonly #directory: string;
  #slots: Int32Array | null = null;
  #readsToRetry = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  read(sink: SeriesSink): void {
    if (this.#slots === null) this.#describe(sink);
    if (this.#slots !== null) sink.set(this.#slots[0]!, 1);
  }

  close(): void {
    this.#slots = null;
    this.#readsToRetry = 0;
  }

  #describe(sink: SeriesSink): void {
    if (this.#readsToRetry === 0) {
      this.#readsToRetry = SELDOM_READS;
      const labels = this.#labels();
      if (labels.length > 0) this.#slots = declareRow(sink, 'dmi', [INFO], labels);
    }
    this.#readsToRetry--;
  }

  /** Serial numbers may be read by root only; a label that cannot be read is left out. */
  #labels(): Label[] {
    const labels: Label[] = [];
    for (const attribute of ATTRIBUTES) {
      const value = attributeText(`${this.#directory}/${attribute}`)?.trim();
      const label = attribute === 'sys_vendor' ? 'system_vendor' : attribute;
      if (value !== undefined) labels.push([label, value]);
    }
    return labels;
  }
}

/** `/sys/class/dmi/id`, which the kernel's drivers/firmware/dmi-id.c fills from the SMBIOS. */
export const dmiSource: SourceFactory = (paths) =>
  sourceFromParts('dmi', [new FirmwareDescription(`${paths.sysfs}/class/dmi/id`)]);
