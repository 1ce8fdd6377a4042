import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { Metric, SeriesSink } from '../source.ts';
import { SELDOM_READS } from './kernel-file.ts';
import { declareRow } from './series-row.ts';
import type { SourcePart } from './source-parts.ts';

const NO_SLOT = -1;

/** A series that is always 1 and says with its labels what something is. */
export class InfoSeries implements SourcePart {
  readonly #source: string;
  readonly #metric: Metric;
  readonly #describe: () => readonly Label[] | null;
  #slot = NO_SLOT;
  #readsToRefresh = 0;

  /** `describe` is asked now and then; null is nothing to show. */
  constructor(source: string, metric: Metric, describe: () => readonly Label[] | null) {
    this.#source = source;
    this.#metric = metric;
    this.#describe = describe;
  }

  read(sink: SeriesSink): void {
    if (this.#readsToRefresh === 0) {
      this.#slot = this.#declare(sink);
      this.#readsToRefresh = SELDOM_READS;
    }
    this.#readsToRefresh--;
    if (this.#slot >= 0) sink.set(this.#slot, 1);
  }

  close(): void {
    this.#readsToRefresh = 0;
  }

  #declare(sink: SeriesSink): number {
    const labels = this.#describe();
    if (labels === null) return NO_SLOT;
    return declareRow(sink, this.#source, [this.#metric], labels)?.[0] ?? NO_SLOT;
  }
}
