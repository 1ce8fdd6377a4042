import { PRESENCE_AT, valuesAt } from '../wire/frame.ts';
import type { FrameBatch } from './frame-batch.ts';
import type { MetricNumbers } from './metric-numbers.ts';
import { Scratch } from './scratch.ts';

/** A frame in the batch it came in. */
export interface MatrixFrame {
  readonly batch: FrameBatch;
  /** Where the frame begins in it, a multiple of 8. */
  readonly offset: number;
  /** The numbers of its metrics by slot. */
  readonly metrics: Int32Array;
}

/** The values of a matrix, one column after the other, each in the order of the frames. */
export interface MatrixValues {
  readonly values: Float64Array;
  /** By value, which of the frames it is of. */
  readonly frames: Int32Array;
}

/**
 * Frames turned on their side: a row of values a frame becomes a column a metric, in ascending order of the metrics' ids.
 *
 *     frames            columns
 *     f1: m1 m2 m3      m1: f1 f2 f3
 *     f2: m1 m2 m3  ──► m2: f1 f2 f3
 *     f3: m1    m3      m3: f1 f3 …
 *
 * Each frame is read from its beginning to its end, and each value appended to its column: as many ends as there
 * are metrics stay in the processor's cache, which the frames would not.
 */
export class FrameMatrix {
  /** By column, ascending. */
  readonly metricIds: BigUint64Array;
  /** By column, where its values begin; then how many values there are in all. */
  readonly begins: Int32Array;
  readonly #frames: readonly MatrixFrame[];
  /** By frame, whether it has a value in every slot. */
  readonly #isFull: Uint8Array;
  /** By metric, where the next value of it goes. */
  readonly #ends: Int32Array;
  readonly #scratch: Scratch;

  /**
   * Every host has metrics of its own, so there may be more columns than frames, and nothing here is an object a column.
   *
   * @param frames in the order that their values are wanted in
   * @param scratch what all of it lies in
   */
  constructor(frames: readonly MatrixFrame[], numbers: MetricNumbers, scratch = new Scratch()) {
    this.#frames = frames;
    this.#scratch = scratch;
    this.#isFull = new Uint8Array(frames.length);
    const counts = scratch.i32(numbers.count).fill(0);
    this.#count(counts);
    const columns = counts.reduce((sum, count) => sum + Number(count > 0), 0);
    this.metricIds = scratch.u64(columns);
    this.begins = scratch.i32(columns + 1);
    let [column, begin] = [0, 0];
    for (const metric of numbers.ascending) {
      const count = counts[metric]!;
      if (count === 0) continue;
      this.metricIds[column] = numbers.idOf(metric);
      this.begins[column] = begin;
      counts[metric] = begin;
      column += 1;
      begin += count;
    }
    this.begins[column] = begin;
    this.#ends = counts;
  }

  get columns(): number {
    return this.metricIds.length;
  }

  /** Values in all columns. */
  get samples(): number {
    return this.begins[this.columns]!;
  }

  /** Whether every frame has a value in the column. */
  isFull(column: number): boolean {
    const count = this.begins[column + 1]! - this.begins[column]!;
    return count === this.#frames.length;
  }

  /** Turns the frames. May be called once. */
  turn(): MatrixValues {
    const values = this.#scratch.f64(this.samples);
    const frames = this.#scratch.i32(this.samples);
    const ends = this.#ends;
    for (let frame = 0; frame < this.#frames.length; frame += 1) {
      const { batch, offset, metrics } = this.#frames[frame]!;
      const { doubles, words } = batch;
      const first = (offset + valuesAt(metrics.length)) >> 3;
      const presence = this.#isFull[frame] === 1 ? -1 : (offset + PRESENCE_AT) >> 2;
      for (let slot = 0; slot < metrics.length; slot += 1) {
        if (presence >= 0 && !isSet(words, presence, slot)) continue;
        const metric = metrics[slot]!;
        const end = ends[metric]!;
        ends[metric] = end + 1;
        values[end] = doubles[first + slot]!;
        frames[end] = frame;
      }
    }
    return { values, frames };
  }

  /** How many frames have a value of each metric. */
  #count(counts: Int32Array): void {
    for (let frame = 0; frame < this.#frames.length; frame += 1) {
      const { batch, offset, metrics } = this.#frames[frame]!;
      const { words } = batch;
      const presence = (offset + PRESENCE_AT) >> 2;
      if (isWhole(words, presence, metrics.length)) {
        this.#isFull[frame] = 1;
        for (const metric of metrics) counts[metric]! += 1;
        continue;
      }
      for (let slot = 0; slot < metrics.length; slot += 1) {
        if (isSet(words, presence, slot)) counts[metrics[slot]!]! += 1;
      }
    }
  }
}

function isSet(words: Uint32Array, at: number, slot: number): boolean {
  return ((words[at + (slot >> 5)]! >>> (slot & 31)) & 1) === 1;
}

/** Whether the bits of all slots are set. */
function isWhole(words: Uint32Array, at: number, slots: number): boolean {
  const whole = slots >> 5;
  for (let i = 0; i < whole; i += 1) if (words[at + i] !== 0xffff_ffff) return false;
  const rest = slots & 31;
  return rest === 0 || words[at + whole] === 2 ** rest - 1;
}
