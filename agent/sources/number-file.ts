import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { Metric, SeriesSink } from '../source.ts';
import { KernelFile, SELDOM_READS } from './kernel-file.ts';

/** What one number of a file means; its value is `number * multiplier / divisor`. */
export interface NumberColumn {
  readonly metric: Metric;
  readonly labels?: readonly Label[];
  readonly multiplier?: number;
  readonly divisor?: number;
}

/**
 * A file that begins with one or a few numbers, as a sysctl or a sysfs attribute does (the
 * kernel's Documentation/filesystems/sysfs.rst: one value a file). What follows them is ignored.
 */
export class NumberFile {
  readonly #file: KernelFile;
  readonly #path: string;
  readonly #source: string;
  readonly #columns: readonly (NumberColumn | null)[];
  readonly #values: Float64Array;
  readonly #seldom: boolean;
  #slots: Int32Array | undefined;
  #readsToRefresh = 0;
  #present = false;

  /**
   * The columns from the left; null skips one. What hardly ever changes may be read `seldom`: in
   * between, the last numbers are set again and the file is closed.
   */
  constructor(
    path: string,
    source: string,
    columns: readonly (NumberColumn | null)[],
    options: { seldom?: boolean } = {},
  ) {
    this.#file = new KernelFile(path, source, { wholeAtOnce: true });
    this.#path = path;
    this.#source = source;
    this.#columns = columns;
    this.#values = new Float64Array(columns.length);
    this.#seldom = options.seldom ?? false;
  }

  read(sink: SeriesSink): void {
    if (this.#readsToRefresh === 0) {
      this.#present = this.#load(sink);
      if (this.#seldom) {
        this.#readsToRefresh = SELDOM_READS;
        this.#file.close();
      }
    }
    if (this.#seldom) this.#readsToRefresh--;
    if (this.#present) this.#set(sink);
  }

  close(): void {
    this.#file.close();
    this.#readsToRefresh = 0;
  }

  #load(sink: SeriesSink): boolean {
    if (!this.#file.load(sink)) return false;
    const { scan } = this.#file;
    if (scan.numbers(this.#values) === this.#columns.length) return true;
    sink.malformed(this.#source, `no number in ${this.#path}: ${scan.lineExcerpt()}`);
    return false;
  }

  #set(sink: SeriesSink): void {
    this.#slots ??= Int32Array.from(this.#columns, (column) =>
      column === null ? -1 : sink.declare(column.metric, column.labels),
    );
    for (let i = 0; i < this.#columns.length; i++) {
      const column = this.#columns[i]!;
      if (column === null) continue;
      const { multiplier = 1, divisor = 1 } = column;
      sink.set(this.#slots[i]!, (this.#values[i]! * multiplier) / divisor);
    }
  }
}
