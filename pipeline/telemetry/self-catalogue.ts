import { encodeCatalogue } from '../wire/catalogue.ts';
import type { Catalogue, SeriesInfo } from '../wire/catalogue.ts';
import { frameBytes, presenceBytes, writeFrame } from '../wire/frame.ts';
import type { FrameHead } from '../wire/frame.ts';
import type { SelfSample } from './self-series.ts';

const SERIES_MAX = 2000;

/**
 * The places of a process's series in its frames. A series keeps its place when it is absent for a while (a
 * lane went to another member), so that there is a new catalogue only for series never seen.
 */
export class SelfCatalogue {
  readonly #seriesMax: number;
  #series = new Map<string, SeriesInfo>();
  #slots = new Map<string, number>();
  #catalogue = encodeCatalogue([]);
  #refused = 0;

  constructor(seriesMax = SERIES_MAX) {
    this.#seriesMax = seriesMax;
  }

  get catalogue(): Catalogue {
    return this.#catalogue;
  }

  /** Series for which there was no place, over all reports. */
  get refusedTotal(): number {
    return this.#refused;
  }

  /**
   * A frame of the samples, target 0.
   *
   * @throws RollcallError `catalogue_invalid`
   */
  frame(samples: readonly SelfSample[], head: Omit<FrameHead, 'catalogue' | 'slots'>): Buffer {
    this.#makePlaces(samples);
    const slots = this.#catalogue.series.length;
    const values = new Float64Array(slots);
    const presence = new Uint8Array(presenceBytes(slots));
    for (const { key, value } of samples) {
      const slot = this.#slots.get(key);
      if (slot === undefined) continue;
      values[slot] = value;
      presence[slot >> 3]! |= 1 << (slot & 7);
    }
    const frame = Buffer.alloc(frameBytes(slots));
    writeFrame(frame, 0, { ...head, catalogue: this.#catalogue.hash, slots }, presence, values);
    return frame;
  }

  #makePlaces(samples: readonly SelfSample[]): void {
    if (samples.every(({ key }) => this.#slots.has(key))) return;
    const current = samples.map(({ key, info }) => [key, info] as const);
    const all = new Map([...this.#series, ...current]);
    // Where there is no room for all, those that are absent at present give way.
    const wanted = all.size > this.#seriesMax ? new Map(current) : all;
    this.#refused += Math.max(0, wanted.size - this.#seriesMax);
    const placed = [...wanted].slice(0, this.#seriesMax);
    this.#catalogue = encodeCatalogue(placed.map(([, info]) => info));
    this.#series = new Map(placed);
    this.#slots = new Map(placed.map(([key], slot) => [key, slot]));
  }
}
