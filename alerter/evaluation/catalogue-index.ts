import type { Catalogue } from '../../pipeline/wire/catalogue.ts';
import { highOf, lowOf } from '../../pipeline/wire/id-map.ts';
import { LeastRecentlyUsed } from './least-recently-used.ts';
import type { Plan, Planner } from './plan.ts';
import { SeriesIndex } from './series-index.ts';

/** A catalogue, and what the rules make of it. */
export interface KnownCatalogue {
  /** The halves of its hash. */
  readonly low: number;
  readonly high: number;
  /** Its series in the index. */
  readonly series: Uint32Array;
  plan: Plan;
}

/** Counted in series: 4 bytes each. What does not fit is fetched again when it is named again. */
const SERIES_MAX = 16 * 1024 * 1024;
/** What a catalogue takes beside its series, in series. */
const OVERHEAD = 100;

/** The catalogues of a lane, ready to be compiled anew whenever rules change. */
export class CatalogueIndex {
  readonly #series = new SeriesIndex();
  readonly #catalogues: LeastRecentlyUsed<bigint, KnownCatalogue>;

  /** @param seriesMax of all catalogues together; default 16 Mi */
  constructor(seriesMax = SERIES_MAX) {
    this.#catalogues = new LeastRecentlyUsed(
      seriesMax,
      ({ series }) => series.length + OVERHEAD,
      ({ series }) => this.#series.release(series),
    );
  }

  get count(): number {
    return this.#catalogues.count;
  }

  /** Different series in them. */
  get seriesCount(): number {
    return this.#series.count;
  }

  /** Compiled by this planner; undefined if it is not known, or was forgotten. */
  get(hash: bigint, planner: Planner): KnownCatalogue | undefined {
    const known = this.#catalogues.get(hash);
    if (known !== undefined && known.plan.planner !== planner) {
      known.plan = this.#planOf(known.series, planner);
    }
    return known;
  }

  add({ hash, series: infos }: Catalogue, planner: Planner): void {
    if (this.#catalogues.get(hash) !== undefined) return;
    const series = this.#series.add(infos);
    const plan = this.#planOf(series, planner);
    this.#catalogues.set(hash, { low: lowOf(hash), high: highOf(hash), series, plan });
  }

  #planOf(numbers: Uint32Array, planner: Planner): Plan {
    return planner.plan(Array.from(numbers, (number) => this.#series.get(number)));
  }
}
