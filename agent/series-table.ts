import { encodeCatalogue, seriesKey } from '../pipeline/wire/catalogue.ts';
import type { Catalogue, Label, SeriesInfo } from '../pipeline/wire/catalogue.ts';
import { RollcallError } from '../pipeline/error.ts';
import { presenceBytes } from '../pipeline/wire/frame.ts';
import type { Metric, SeriesSink } from './source.ts';

/** A series unset for this many reads gives its slot back: 15 minutes at 5 s. */
export const FORGET_READS = 180;
/** When there is no room, a series unset for this many reads has to go at once. */
const FORGET_READS_WHEN_FULL = 12;
/** The slot of a series that is not wanted, or that there is no room for. */
const NONE = -1;
/** Marks an index that no slot had yet; no slot's complement is as low. */
const NEVER = -0x8000_0000;
/** A slot is an index in its low bits and above them how often that index was given away. */
const INDEX_BITS = 16;
const INDEX_MASK = (1 << INDEX_BITS) - 1;
const REUSE_STEP = 1 << INDEX_BITS;
/** The source of the agent's own figures, for which there is always room. */
export const SELF = 'rollcall';
/** Different refused series counted between two clean-ups. */
const REFUSED_KEYS_MAX = 4096;
const NO_NAMES: readonly string[] = [];

export interface SeriesTableOptions {
  /** Series held at once. */
  readonly seriesMax: number;
  /** Which metrics are wanted, of which sources; all of them if left out. */
  readonly wants?: ((metric: string, source: string) => boolean) | undefined;
  readonly onMalformed?: (source: string, detail: string) => void;
  /** The first series that a source could not add because the table is full. */
  readonly onRefused?: (source: string, series: string) => void;
}

/**
 * The agent's current readings: a slot per series, and which slots have a value this tick.
 *
 * A slot belongs to one series until that has been unset for `FORGET_READS` reads, or for fewer if
 * there is no room; then its place may go to another series, in another catalogue, under a slot
 * number never seen before. A source that still sets the old number changes nothing and is named
 * by `takeStale`, so a value never stands under another series' name.
 */
export class SeriesTable implements SeriesSink {
  /** The source that is being read; what is declared and refused is its. */
  reading = '';
  readonly #options: SeriesTableOptions;
  readonly #series: SeriesInfo[] = [];
  /** The source of each series, by index. */
  readonly #owners: string[] = [];
  readonly #slots = new Map<string, number>();
  readonly #malformed = new Map<string, number>();
  readonly #refused = new Map<string, number>();
  readonly #refusedKeys = new Map<string, string>();
  readonly #stale = new Set<string>();
  /** Whether anything that a source has declared is wanted. */
  readonly #useful = new Map<string, boolean>();
  /** Indices whose series was forgotten, the highest first. */
  #free: number[] = [];
  /** The slot that each index goes by; the complement of the last one while it is free. */
  #slotAt = new Int32Array(256).fill(NEVER);
  #values = new Float64Array(256);
  #presence = new Uint8Array(presenceBytes(256));
  /** What was present at any read since the last clean-up. */
  #seen = new Uint8Array(presenceBytes(256));
  #readsToForget = FORGET_READS;
  #catalogue: Catalogue | undefined;

  constructor(options: SeriesTableOptions) {
    this.#options = options;
  }

  /** Places in a frame, those of forgotten series included. */
  get size(): number {
    return this.#series.length;
  }

  /** Series that have a slot. */
  get seriesCount(): number {
    return this.#slots.size;
  }

  get seriesMax(): number {
    return this.#options.seriesMax;
  }

  /** By index; a forgotten series stays until its place is given away. */
  get series(): readonly SeriesInfo[] {
    return this.#series;
  }

  /** At least `presenceBytes(size)` bytes; bit i is index i. */
  get presence(): Uint8Array {
    return this.#presence;
  }

  /** At least `size` values, by index. */
  get values(): Float64Array {
    return this.#values;
  }

  /** Series refused because the table was full, by source. */
  get refusedTotal(): ReadonlyMap<string, number> {
    return this.#refused;
  }

  /** Malformed kernel files so far, by source. */
  get malformedTotal(): ReadonlyMap<string, number> {
    return this.#malformed;
  }

  /** Begins a reading: every slot is absent until it is set. */
  clear(): void {
    const { length } = this.#presence;
    for (let i = 0; i < length; i += 1) this.#seen[i]! |= this.#presence[i]!;
    this.#presence.fill(0);
    this.#readsToForget -= 1;
    if (this.#readsToForget === 0) this.#forgetUnseen();
  }

  declare(metric: Metric, labels: readonly Label[] = []): number {
    if (this.#options.wants?.(metric.name, this.reading) === false) {
      if (!this.#useful.has(this.reading)) this.#useful.set(this.reading, false);
      return NONE;
    }
    this.#useful.set(this.reading, true);
    const sorted = labels.toSorted(([a], [b]) => (a < b ? -1 : 1));
    const key = seriesKey(metric.name, sorted);
    const known = this.#slots.get(key);
    if (known !== undefined) return this.#isOwn(known, key) ? known : NONE;
    const { name, kind, unit, help } = metric;
    const info = { name, labels: sorted, kind, unit, help };
    if (!this.#isValid(info) || !this.#hasRoom(key)) return NONE;
    const slot = this.#place(info);
    this.#slots.set(key, slot);
    return slot;
  }

  set(slot: number, value: number): void {
    if (slot < 0) return;
    const index = slot & INDEX_MASK;
    if (this.#slotAt[index] !== slot) {
      this.#stale.add(this.reading);
      return;
    }
    this.#values[index] = value;
    this.#presence[index >> 3]! |= 1 << (index & 7);
  }

  isPresent(index: number): boolean {
    return isSet(this.#presence, index);
  }

  /** Whether a source has declared something, but never anything that is wanted. */
  isUnwanted(source: string): boolean {
    return this.#useful.get(source) === false;
  }

  malformed(source: string, detail: string): void {
    this.#malformed.set(source, (this.#malformed.get(source) ?? 0) + 1);
    this.#options.onMalformed?.(source, detail);
  }

  /** Sources that must begin anew: they hold slots that are no longer theirs, or were refused. */
  takeStale(): readonly string[] {
    if (this.#stale.size === 0) return NO_NAMES;
    const names = [...this.#stale];
    this.#stale.clear();
    return names;
  }

  /** The catalogue of all places; the same object until it changes. */
  catalogue(): Catalogue {
    this.#catalogue ??= encodeCatalogue(this.#series);
    return this.#catalogue;
  }

  /** Two sources cannot have one series: what a text file says must not pass for the kernel's word. */
  #isOwn(slot: number, key: string): boolean {
    const owner = this.#owners[slot & INDEX_MASK]!;
    if (owner === this.reading) return true;
    this.malformed(this.reading, `${key} is a series of ${owner}`);
    return false;
  }

  /** A series that the wire would refuse must not take the whole catalogue with it. */
  #isValid(info: SeriesInfo): boolean {
    try {
      encodeCatalogue([info]);
      return true;
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error;
      this.malformed(this.reading, error.message);
      return false;
    }
  }

  #hasRoom(key: string): boolean {
    if (!this.#isFull() || this.reading === SELF) return true;
    if (FORGET_READS - this.#readsToForget >= FORGET_READS_WHEN_FULL) {
      this.#forgetUnseen();
      if (!this.#isFull()) return true;
    }
    if (!this.#refusedKeys.has(key) && this.#refusedKeys.size < REFUSED_KEYS_MAX) {
      this.#refusedKeys.set(key, this.reading);
      const before = this.#refused.get(this.reading) ?? 0;
      this.#refused.set(this.reading, before + 1);
      if (before === 0) this.#options.onRefused?.(this.reading, key);
    }
    return false;
  }

  #isFull(): boolean {
    return this.#slots.size >= this.#options.seriesMax;
  }

  #place(info: SeriesInfo): number {
    const index = this.#free.pop() ?? this.#series.length;
    if (index >= this.#values.length) this.#grow();
    this.#series[index] = info;
    this.#owners[index] = this.reading;
    this.#catalogue = undefined;
    const before = this.#slotAt[index]!;
    const slot = before === NEVER ? index : slotAfter(~before);
    this.#slotAt[index] = slot;
    this.#seen[index >> 3]! |= 1 << (index & 7);
    return slot;
  }

  #grow(): void {
    const length = 2 * this.#values.length;
    this.#slotAt = enlarged(this.#slotAt, new Int32Array(length).fill(NEVER));
    this.#values = enlarged(this.#values, new Float64Array(length));
    this.#presence = enlarged(this.#presence, new Uint8Array(presenceBytes(length)));
    this.#seen = enlarged(this.#seen, new Uint8Array(presenceBytes(length)));
  }

  #forgetUnseen(): void {
    this.#readsToForget = FORGET_READS;
    for (const [key, slot] of this.#slots) {
      const index = slot & INDEX_MASK;
      if (isSet(this.#seen, index) || isSet(this.#presence, index)) continue;
      this.#slots.delete(key);
      this.#slotAt[index] = ~slot;
      this.#free.push(index);
    }
    this.#seen.fill(0);
    this.#trim();
    if (!this.#isFull()) this.#retryRefused();
  }

  /** Places at the end that nobody has make no frame longer. */
  #trim(): void {
    this.#free.sort((a, b) => b - a);
    let trimmed = 0;
    while (this.#free[trimmed] === this.#series.length - 1 - trimmed) trimmed += 1;
    if (trimmed === 0) return;
    this.#free.splice(0, trimmed);
    this.#series.length -= trimmed;
    this.#catalogue = undefined;
  }

  /** Who was refused remembers that: only a source that is opened anew asks again. */
  #retryRefused(): void {
    for (const source of this.#refusedKeys.values()) this.#stale.add(source);
    this.#refusedKeys.clear();
  }
}

/** The slot that an index goes by after `slot`; after 32,768 times it begins again. */
function slotAfter(slot: number): number {
  const next = slot + REUSE_STEP;
  return next > 0x7fff_ffff ? slot & INDEX_MASK : next;
}

function isSet(bits: Uint8Array, index: number): boolean {
  return ((bits[index >> 3]! >> (index & 7)) & 1) === 1;
}

function enlarged<Items extends Int32Array | Float64Array | Uint8Array>(
  from: Items,
  to: Items,
): Items {
  to.set(from);
  return to;
}
