import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { Metric, SeriesSink } from '../source.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { KernelFile } from './kernel-file.ts';
import { RowCache } from './row-cache.ts';
import { declareRow, isMetricName } from './series-row.ts';
import type { SourcePart } from './source-parts.ts';

/** KSTAT_DATA_INT64 and KSTAT_DATA_UINT64 of OpenZFS' sys/kstat.h. */
const INT64 = 3;
const UINT64 = 4;
const NAME = Buffer.from('name');
const DATASET_NAME = Buffer.from('dataset_name');

export interface KstatOptions {
  /** What the metrics' names begin with. */
  readonly prefix: string;
  readonly labels: readonly Label[];
  /** Whether a line of the file names the dataset that its numbers are of. */
  readonly ofDataset: boolean;
}

/**
 * A kstat of named numbers: a line about the kstat itself, `name type data`, and then such lines
 * (kstat_seq_show_named() in OpenZFS' module/os/linux/spl/spl-kstat.c).
 */
export class KstatFile implements SourcePart {
  readonly #path: string;
  readonly #options: KstatOptions;
  readonly #file: KernelFile;
  #rows: RowCache<{ readonly slot: number }>;
  #dataset: Uint8Array | undefined;

  constructor(path: string, options: KstatOptions) {
    this.#path = path;
    this.#options = options;
    this.#file = new KernelFile(path, 'zfs');
    this.#rows = this.#rowsWith(options.labels);
  }

  read(sink: SeriesSink): void {
    if (!this.#file.load(sink)) return;
    const { scan } = this.#file;
    let started = false;
    this.#rows.restart();
    for (; !scan.atEnd; scan.nextLine()) {
      if (!scan.word()) continue;
      if (started) this.#readLine(scan, sink);
      else started = scan.wordIs(NAME);
    }
    if (!started) sink.malformed('zfs', `no numbers in ${this.#path}`);
  }

  close(): void {
    this.#file.close();
  }

  #readLine(scan: ByteScanner, sink: SeriesSink): void {
    if (this.#options.ofDataset) {
      if (scan.wordIs(DATASET_NAME)) {
        this.#nameDataset(scan);
        return;
      }
      if (this.#dataset === undefined) return;
    }
    const row = this.#rows.at(scan, sink);
    if (row === null) return;
    scan.number();
    const value = scan.number();
    if (Number.isNaN(value)) sink.malformed('zfs', `no number: ${scan.lineExcerpt()}`);
    else sink.set(row.slot, value);
  }

  /** The name may have blanks in it. */
  #nameDataset(scan: ByteScanner): void {
    scan.number();
    if (!scan.lineAsWord()) return;
    if (this.#dataset !== undefined && scan.wordIs(this.#dataset)) return;
    this.#dataset = scan.wordBytes();
    this.#rows = this.#rowsWith([...this.#options.labels, ['dataset', scan.wordText()]]);
    this.#rows.restart();
  }

  #rowsWith(labels: readonly Label[]): RowCache<{ readonly slot: number }> {
    return new RowCache('zfs', (scan, sink) => {
      const metric = this.#metric(scan.wordText());
      const { pos } = scan;
      const type = scan.number();
      scan.pos = pos;
      if (type !== UINT64 && (type !== INT64 || this.#options.ofDataset)) return null;
      if (!isMetricName(metric.name)) {
        sink.malformed('zfs', `no metric name: ${scan.lineExcerpt()}`);
        return null;
      }
      const slots = declareRow(sink, 'zfs', [metric], labels);
      return slots === null ? null : { slot: slots[0]! };
    });
  }

  #metric(name: string): Metric {
    const what = name.replaceAll('-', '_');
    return {
      name: `${this.#options.prefix}_${what}`,
      kind: 'untyped',
      unit: '',
      help: `The number ${name} of the kernel's ZFS module.`,
    };
  }
}
