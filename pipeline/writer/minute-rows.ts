import { DecimalSeries } from './decimal-series.ts';
import type { FrameMatrix, MatrixValues } from './frame-matrix.ts';
import { Scratch } from './scratch.ts';

const MINUTE_MS = 60_000;

/** What is needed of a frame, besides its values. */
export interface TimedFrame {
  readonly target: bigint;
  readonly timestampMs: number;
}

/**
 * Rows of one series and one minute, in the order metric, target, minute: what `series_minutes` is made of. All
 * arrays but `offsetsMs`, `steps` and `others` have an entry a row.
 */
export interface MinuteRows {
  readonly rows: number;
  readonly metricIds: BigUint64Array;
  readonly targetIds: BigUint64Array;
  /** Beginning of the minute, seconds since 1970. */
  readonly minutes: Uint32Array;
  /** How many samples there are in this row and all before it. */
  readonly ends: BigUint64Array;
  /** Of each sample, since the beginning of its minute. */
  readonly offsetsMs: Uint16Array;
  /** Digits after the point in which all values of the row are whole numbers; -1: there are none, see `others`. */
  readonly scales: Int8Array;
  /** The first value in units of that scale, as halves of 64 bits. */
  readonly firsts: Int32Array;
  /** How many steps there are in this row and all before it. */
  readonly stepEnds: BigUint64Array;
  /** From each value to the next one, in the same units, as halves of 64 bits. */
  readonly steps: Int32Array;
  /** How many other values there are in this row and all before it. */
  readonly otherEnds: BigUint64Array;
  /** The values of rows that have no such scale. */
  readonly others: Float64Array;
}

/** Where rows begin if every frame has a value; the frames are sorted by target, then time. */
interface Template {
  /** By row, the frame that it begins with; then the number of frames. */
  readonly begins: Int32Array;
  readonly targetIds: BigUint64Array;
  readonly minutes: Uint32Array;
  /** By frame. */
  readonly offsetsMs: Uint16Array;
  /** By frame, the row of the template that it belongs to. */
  readonly rowOf: Int32Array;
}

/**
 * Rows of a matrix.
 *
 * @param frames those of the matrix, sorted by target, then time
 * @param scratch what they lie in
 */
export function minuteRows(
  matrix: FrameMatrix,
  frames: readonly TimedFrame[],
  scratch = new Scratch(),
): MinuteRows {
  const template = templateOf(frames);
  const turned = matrix.turn();
  const builder = new RowBuilder(template, turned, rowsMax(matrix, template), scratch);
  for (let column = 0; column < matrix.columns; column += 1) builder.add(matrix, column);
  return builder.finish();
}

function templateOf(frames: readonly TimedFrame[]): Template {
  const begins: number[] = [];
  const rowOf = new Int32Array(frames.length);
  const offsetsMs = new Uint16Array(frames.length);
  let [target, minute] = [-1n, -1];
  frames.forEach((frame, at) => {
    const of = Math.floor(frame.timestampMs / MINUTE_MS);
    offsetsMs[at] = frame.timestampMs - of * MINUTE_MS;
    if (frame.target !== target || of !== minute) {
      begins.push(at);
      [target, minute] = [frame.target, of];
    }
    rowOf[at] = begins.length - 1;
  });
  return {
    begins: Int32Array.from([...begins, frames.length]),
    targetIds: BigUint64Array.from(begins, (at) => frames[at]!.target),
    minutes: Uint32Array.from(begins, (at) => Math.floor(frames[at]!.timestampMs / MINUTE_MS) * 60),
    offsetsMs,
    rowOf,
  };
}

function rowsMax({ columns, begins }: FrameMatrix, { targetIds }: Template): number {
  let rows = 0;
  for (let column = 0; column < columns; column += 1) {
    rows += Math.min(begins[column + 1]! - begins[column]!, targetIds.length);
  }
  return rows;
}

/** Appends column after column. */
class RowBuilder {
  readonly #template: Template;
  readonly #offsetsMs: Uint16Array;
  readonly #metricIds: BigUint64Array;
  readonly #targetIds: BigUint64Array;
  readonly #minutes: Uint32Array;
  readonly #ends: BigUint64Array;
  readonly #series: DecimalSeries;
  readonly #frames: Int32Array;
  #row = 0;
  #sample = 0;

  constructor(
    template: Template,
    { values, frames }: MatrixValues,
    rows: number,
    scratch: Scratch,
  ) {
    this.#template = template;
    this.#frames = frames;
    this.#offsetsMs = scratch.u16(values.length);
    this.#metricIds = scratch.u64(rows);
    this.#targetIds = scratch.u64(rows);
    this.#minutes = scratch.u32(rows);
    this.#ends = scratch.u64(rows);
    this.#series = new DecimalSeries(values, rows, scratch);
  }

  add(matrix: FrameMatrix, column: number): void {
    const first = this.#row;
    if (matrix.isFull(column)) this.#addWhole();
    else this.#addSome(matrix.begins[column + 1]!);
    this.#metricIds.fill(matrix.metricIds[column]!, first, this.#row);
  }

  finish(): MinuteRows {
    const rows = this.#row;
    return {
      rows,
      metricIds: this.#metricIds.subarray(0, rows),
      targetIds: this.#targetIds.subarray(0, rows),
      minutes: this.#minutes.subarray(0, rows),
      ends: this.#ends.subarray(0, rows),
      offsetsMs: this.#offsetsMs,
      ...this.#series.finish(),
    };
  }

  #addWhole(): void {
    const { begins, targetIds, minutes, offsetsMs } = this.#template;
    this.#targetIds.set(targetIds, this.#row);
    this.#minutes.set(minutes, this.#row);
    this.#offsetsMs.set(offsetsMs, this.#sample);
    for (let row = 0; row < targetIds.length; row += 1) {
      this.#end(begins[row + 1]! - begins[row]!);
    }
  }

  /** The samples up to `end`, which are not of every frame. */
  #addSome(end: number): void {
    const { rowOf, targetIds, minutes, offsetsMs } = this.#template;
    const frames = this.#frames;
    let at = this.#sample;
    while (at < end) {
      const begin = at;
      const row = rowOf[frames[at]!]!;
      while (at < end && rowOf[frames[at]!] === row) {
        this.#offsetsMs[at] = offsetsMs[frames[at]!]!;
        at += 1;
      }
      this.#targetIds[this.#row] = targetIds[row]!;
      this.#minutes[this.#row] = minutes[row]!;
      this.#end(at - begin);
    }
  }

  /** The next row has so many samples. */
  #end(samples: number): void {
    const row = this.#row;
    const end = this.#sample + samples;
    this.#series.add(this.#sample, end);
    this.#ends[row] = BigInt(end);
    this.#sample = end;
    this.#row = row + 1;
  }
}
