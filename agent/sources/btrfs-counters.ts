import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { Metric, SeriesSink } from '../source.ts';
import { KernelFile } from './kernel-file.ts';
import { RowCache } from './row-cache.ts';
import { declareRow } from './series-row.ts';
import type { SourcePart } from './source-parts.ts';

export interface BtrfsCounter {
  readonly metric: Metric;
  readonly labels: readonly Label[];
  /** The factor to the metric's unit; 1 if left out. */
  readonly multiplier?: number;
}

interface CounterRow {
  readonly slot: number;
  readonly multiplier: number;
}

/** A file of lines `name number`, such as `commit_stats`. Names that are not given are left out. */
export class BtrfsCounters implements SourcePart {
  readonly #file: KernelFile;
  readonly #rows: RowCache<CounterRow>;

  constructor(path: string, counters: ReadonlyMap<string, BtrfsCounter>) {
    this.#file = new KernelFile(path, 'btrfs');
    this.#rows = new RowCache('btrfs', (scan, sink) => {
      const counter = counters.get(scan.wordText());
      if (counter === undefined) return null;
      const slots = declareRow(sink, 'btrfs', [counter.metric], counter.labels);
      return slots === null ? null : { slot: slots[0]!, multiplier: counter.multiplier ?? 1 };
    });
  }

  read(sink: SeriesSink): void {
    if (!this.#file.load(sink)) return;
    const { scan } = this.#file;
    this.#rows.restart();
    for (; !scan.atEnd; scan.nextLine()) {
      if (!scan.word()) continue;
      const row = this.#rows.at(scan, sink);
      if (row === null) continue;
      const value = scan.number();
      if (Number.isNaN(value)) sink.malformed('btrfs', `no number: ${scan.lineExcerpt()}`);
      else sink.set(row.slot, value * row.multiplier);
    }
  }

  close(): void {
    this.#file.close();
  }
}
