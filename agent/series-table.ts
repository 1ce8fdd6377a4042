import { encodeCatalogue, seriesKey } from '../pipeline/wire/catalogue.ts';
import type { Catalogue, Label, SeriesInfo } from '../pipeline/wire/catalogue.ts';
import { RollcallError } from '../pipeline/error.ts';
import { presenceBytes } from '../pipeline/wire/frame.ts';
import type { Metric, SeriesSink } from './source.ts';

/**
 * The agent's current readings: a slot per series, and which slots have a value this tick.
 *
 * Slots are only ever appended, so a catalogue that grew never shifts a value to another series; a
 * series that went away keeps its slot and is absent.
 */
export class SeriesTable implements SeriesSink {
  readonly #seriesMax: number;
  readonly #series: SeriesInfo[] = [];
  readonly #slots = new Map<string, number>();
  readonly #malformed = new Map<string, number>();
  readonly #onMalformed: (source: string, detail: string) => void;
  #values = new Float64Array(256);
  #presence = new Uint8Array(presenceBytes(256));
  #catalogue: Catalogue | undefined;
  #refused = 0;

  constructor(
    seriesMax: number,
    onMalformed: (source: string, detail: string) => void = () => undefined,
  ) {
    this.#seriesMax = seriesMax;
    this.#onMalformed = onMalformed;
  }

  get size(): number {
    return this.#series.length;
  }

  get series(): readonly SeriesInfo[] {
    return this.#series;
  }

  /** At least `presenceBytes(size)` bytes; bit i is slot i. */
  get presence(): Uint8Array {
    return this.#presence;
  }

  /** At least `size` values. */
  get values(): Float64Array {
    return this.#values;
  }

  /** Series refused because the table is full. */
  get refusedTotal(): number {
    return this.#refused;
  }

  /** Malformed kernel files so far, by source. */
  get malformedTotal(): ReadonlyMap<string, number> {
    return this.#malformed;
  }

  /** Begins a tick: every slot is absent until it is set. */
  clear(): void {
    this.#presence.fill(0);
  }

  declare(metric: Metric, labels: readonly Label[] = []): number {
    const sorted = labels.toSorted(([a], [b]) => (a < b ? -1 : 1));
    const key = seriesKey(metric.name, sorted);
    const known = this.#slots.get(key);
    if (known !== undefined) return known;
    const info = { ...pick(metric), labels: sorted };
    const slot = this.#accept(info) ? this.#append(info) : -1;
    this.#slots.set(key, slot);
    return slot;
  }

  set(slot: number, value: number): void {
    if (slot < 0) return;
    this.#values[slot] = value;
    this.#presence[slot >> 3]! |= 1 << (slot & 7);
  }

  isPresent(slot: number): boolean {
    return ((this.#presence[slot >> 3]! >> (slot & 7)) & 1) === 1;
  }

  malformed(source: string, detail: string): void {
    this.#malformed.set(source, (this.#malformed.get(source) ?? 0) + 1);
    this.#onMalformed(source, detail);
  }

  /** The catalogue of all slots so far; the same object until a series is added. */
  catalogue(): Catalogue {
    this.#catalogue ??= encodeCatalogue(this.#series);
    return this.#catalogue;
  }

  /** A series that the wire would refuse must not take the whole catalogue with it. */
  #accept(info: SeriesInfo): boolean {
    if (this.#series.length >= this.#seriesMax) {
      this.#refused += 1;
      return false;
    }
    try {
      encodeCatalogue([info]);
      return true;
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error;
      this.malformed('series', error.message);
      return false;
    }
  }

  #append(info: SeriesInfo): number {
    const slot = this.#series.push(info) - 1;
    this.#catalogue = undefined;
    if (slot >= this.#values.length) {
      const values = new Float64Array(2 * this.#values.length);
      values.set(this.#values);
      this.#values = values;
      const presence = new Uint8Array(presenceBytes(values.length));
      presence.set(this.#presence);
      this.#presence = presence;
    }
    return slot;
  }
}

function pick({ name, kind, unit, help }: Metric): Omit<SeriesInfo, 'labels'> {
  return { name, kind, unit, help };
}
