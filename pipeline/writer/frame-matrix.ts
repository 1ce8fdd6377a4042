import { PRESENCE_AT, valuesAt } from '../wire/frame.ts';
import type { MetricNumbers } from './metric-numbers.ts';
import { Scratch } from './scratch.ts';

/** A frame in the aligned batch it came in. */
export interface MatrixFrame {
  /** 8-byte aligned. */
  readonly batch: Buffer;
  /** Where the frame begins in it, a multiple of 8. */
  readonly offset: number;
  readonly catalogue: bigint;
}

/** One metric of the frames that a matrix was made of. */
export interface MatrixColumn {
  /** As `MetricNumbers` has it. */
  readonly metric: number;
  readonly metricId: bigint;
  /** How many of the frames have a value of it. */
  readonly count: number;
}

/** The values of some columns, one column after the other, each in the order of the frames. */
export interface MatrixSlice {
  readonly values: Float64Array;
  /** By column of the slice: which frames have a value, or undefined if all have. */
  readonly framesOf: readonly (Int32Array | undefined)[];
}

/** A batch as numbers. */
interface Words {
  readonly doubles: Float64Array;
  readonly bits: Uint32Array;
}

/** What the frames of one catalogue have in common. */
interface Layout {
  /** By slot. */
  readonly metrics: Int32Array;
  /** Frames that have a value in every slot. */
  fullFrames: number;
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
  readonly columns: readonly MatrixColumn[];
  /** Values in all columns. */
  readonly samples: number;
  readonly #frames: readonly MatrixFrame[];
  /** By frame, like the two that follow. */
  readonly #layouts: readonly Layout[];
  readonly #words: readonly Words[];
  /** Whether it has a value in every slot. */
  readonly #isFull: Uint8Array;
  readonly #metrics: number;

  /**
   * @param frames in the order that their values are wanted in
   * @param metricsOf the numbers of a catalogue's metrics by slot; must know every catalogue
   */
  constructor(
    frames: readonly MatrixFrame[],
    metricsOf: (catalogue: bigint) => Int32Array,
    numbers: MetricNumbers,
  ) {
    this.#frames = frames;
    this.#metrics = numbers.count;
    this.#words = wordsOf(frames);
    this.#layouts = layoutsOf(frames, metricsOf);
    this.#isFull = new Uint8Array(frames.length);
    const counts = this.#count();
    const columns: MatrixColumn[] = [];
    for (const metric of numbers.ascending) {
      const count = counts[metric]!;
      if (count > 0) columns.push({ metric, metricId: numbers.idOf(metric), count });
    }
    this.columns = columns;
    this.samples = columns.reduce((sum, { count }) => sum + count, 0);
  }

  /**
   * The values of the columns from `from` up to `to`, without `to`.
   *
   * @param scratch what they lie in
   */
  slice(from = 0, to: number = this.columns.length, scratch = new Scratch()): MatrixSlice {
    const columns = this.columns.slice(from, to);
    /** Where the next value of each metric goes; -1 for metrics that are not in the slice. */
    const ends = new Int32Array(this.#metrics).fill(-1);
    /** Of metrics that not every frame has a value of, the frames that have. */
    const gapped: (Int32Array | undefined)[] = [];
    let samples = 0;
    for (const { metric, count } of columns) {
      ends[metric] = samples;
      samples += count;
    }
    const begins = ends.slice();
    const framesOf = columns.map(({ metric, count }) => {
      if (count === this.#frames.length) return undefined;
      return (gapped[metric] = new Int32Array(count));
    });
    const values = scratch.f64(samples);
    this.#fill(values, ends, begins, gapped);
    return { values, framesOf };
  }

  #fill(
    values: Float64Array,
    ends: Int32Array,
    begins: Int32Array,
    gapped: readonly (Int32Array | undefined)[],
  ): void {
    const hasGaps = gapped.length > 0;
    for (let frame = 0; frame < this.#frames.length; frame += 1) {
      const { metrics } = this.#layouts[frame]!;
      const { doubles, bits } = this.#words[frame]!;
      const { offset } = this.#frames[frame]!;
      const first = (offset + valuesAt(metrics.length)) >> 3;
      const presence = this.#isFull[frame] === 1 ? -1 : (offset + PRESENCE_AT) >> 2;
      for (let slot = 0; slot < metrics.length; slot += 1) {
        if (presence >= 0 && !isSet(bits, presence, slot)) continue;
        const metric = metrics[slot]!;
        const end = ends[metric]!;
        if (end < 0) continue;
        ends[metric] = end + 1;
        values[end] = doubles[first + slot]!;
        if (!hasGaps) continue;
        const frames = gapped[metric];
        if (frames !== undefined) frames[end - begins[metric]!] = frame;
      }
    }
  }

  /** How many frames have a value of each metric. */
  #count(): Int32Array {
    const counts = new Int32Array(this.#metrics);
    const layouts = new Set(this.#layouts);
    for (let frame = 0; frame < this.#frames.length; frame += 1) {
      const layout = this.#layouts[frame]!;
      const { metrics } = layout;
      const { bits } = this.#words[frame]!;
      const presence = (this.#frames[frame]!.offset + PRESENCE_AT) >> 2;
      if (isWhole(bits, presence, metrics.length)) {
        this.#isFull[frame] = 1;
        layout.fullFrames += 1;
        continue;
      }
      for (let slot = 0; slot < metrics.length; slot += 1) {
        if (isSet(bits, presence, slot)) counts[metrics[slot]!]! += 1;
      }
    }
    for (const { metrics, fullFrames } of layouts) {
      if (fullFrames === 0) continue;
      for (let slot = 0; slot < metrics.length; slot += 1) counts[metrics[slot]!]! += fullFrames;
    }
    return counts;
  }
}

function layoutsOf(
  frames: readonly MatrixFrame[],
  metricsOf: (catalogue: bigint) => Int32Array,
): Layout[] {
  const known = new Map<bigint, Layout>();
  return frames.map(({ catalogue }) => {
    let layout = known.get(catalogue);
    if (layout === undefined) {
      layout = { metrics: metricsOf(catalogue), fullFrames: 0 };
      known.set(catalogue, layout);
    }
    return layout;
  });
}

/** Of frames in one batch the same. */
function wordsOf(frames: readonly MatrixFrame[]): Words[] {
  const known = new Map<Buffer, Words>();
  return frames.map(({ batch }) => {
    let words = known.get(batch);
    if (words === undefined) {
      const { buffer, byteOffset, length } = batch;
      words = {
        doubles: new Float64Array(buffer, byteOffset, length >> 3),
        bits: new Uint32Array(buffer, byteOffset, length >> 2),
      };
      known.set(batch, words);
    }
    return words;
  });
}

function isSet(bits: Uint32Array, at: number, slot: number): boolean {
  return ((bits[at + (slot >> 5)]! >>> (slot & 31)) & 1) === 1;
}

/** Whether the bits of all slots are set. */
function isWhole(bits: Uint32Array, at: number, slots: number): boolean {
  const words = slots >> 5;
  for (let i = 0; i < words; i += 1) if (bits[at + i] !== 0xffff_ffff) return false;
  const rest = slots & 31;
  return rest === 0 || bits[at + words] === 2 ** rest - 1;
}
