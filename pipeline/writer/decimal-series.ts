import type { Scratch } from './scratch.ts';

/** So far apart the difference of two whole numbers is still exact. */
const WHOLE_MAX = 2 ** 52;
const SCALE_MAX = 9;
const POWERS = Float64Array.from({ length: SCALE_MAX + 1 }, (_, scale) => 10 ** scale);
const HALF = 2 ** 32;

/** The columns of `MinuteRows` that hold its values. */
export interface DecimalColumns {
  readonly scales: Int8Array;
  readonly firsts: Int32Array;
  readonly stepEnds: BigUint64Array;
  readonly steps: Int32Array;
  readonly otherEnds: BigUint64Array;
  readonly others: Float64Array;
}

/**
 * Rows of values as whole numbers of a decimal unit and the steps between them, where every value of the row can be got
 * back bit by bit: bytes, counts and hundredths of seconds can. Steps are small numbers, mostly 0, which compress
 * better than doubles do, and faster.
 *
 *     0.07 0.07 0.12   ──►   scale 2, first 7, steps 0 5
 *
 * What has no such unit (NaN, infinities, thirds, minus zero) stays as it is.
 */
export class DecimalSeries {
  readonly #values: Float64Array;
  readonly #scales: Int8Array;
  readonly #firsts: Int32Array;
  readonly #stepEnds: BigUint64Array;
  readonly #steps: Int32Array;
  readonly #otherEnds: BigUint64Array;
  #others = new Float64Array(64);
  #rows = 0;
  #stepCount = 0;
  #otherCount = 0;

  /**
   * @param values of all rows, one row after the other
   * @param rows at most so many
   * @param scratch what the columns lie in
   */
  constructor(values: Float64Array, rows: number, scratch: Scratch) {
    this.#values = values;
    this.#scales = scratch.i8(rows);
    this.#firsts = scratch.i32(2 * rows);
    this.#stepEnds = scratch.u64(rows);
    this.#steps = scratch.i32(2 * values.length);
    this.#otherEnds = scratch.u64(rows);
  }

  /** Adds the row of the values from `begin` up to `end`, one or more. */
  add(begin: number, end: number): void {
    const row = this.#rows;
    this.#rows += 1;
    const scale = this.#scaleOf(begin, end);
    this.#scales[row] = scale;
    if (scale < 0) this.#addOthers(begin, end);
    else this.#addSteps(row, begin, end, POWERS[scale]!);
    this.#stepEnds[row] = BigInt(this.#stepCount);
    this.#otherEnds[row] = BigInt(this.#otherCount);
  }

  finish(): DecimalColumns {
    const rows = this.#rows;
    return {
      scales: this.#scales.subarray(0, rows),
      firsts: this.#firsts.subarray(0, 2 * rows),
      stepEnds: this.#stepEnds.subarray(0, rows),
      steps: this.#steps.subarray(0, 2 * this.#stepCount),
      otherEnds: this.#otherEnds.subarray(0, rows),
      others: this.#others.subarray(0, this.#otherCount),
    };
  }

  /** The least scale that all values have. */
  #scaleOf(begin: number, end: number): number {
    for (let scale = 0; scale <= SCALE_MAX; scale += 1) {
      if (this.#areWhole(begin, end, POWERS[scale]!)) return scale;
    }
    return -1;
  }

  #areWhole(begin: number, end: number, power: number): boolean {
    for (let at = begin; at < end; at += 1) {
      if (!isWhole(this.#values[at]!, power)) return false;
    }
    return true;
  }

  #addSteps(row: number, begin: number, end: number, power: number): void {
    const values = this.#values;
    const steps = this.#steps;
    let before = Math.round(values[begin]! * power);
    this.#firsts[2 * row] = before | 0;
    this.#firsts[2 * row + 1] = Math.floor(before / HALF);
    let at = 2 * this.#stepCount;
    for (let i = begin + 1; i < end; i += 1) {
      const whole = Math.round(values[i]! * power);
      const step = whole - before;
      steps[at] = step | 0;
      steps[at + 1] = Math.floor(step / HALF);
      at += 2;
      before = whole;
    }
    this.#stepCount = at / 2;
  }

  #addOthers(begin: number, end: number): void {
    const count = this.#otherCount + end - begin;
    if (count > this.#others.length) {
      const larger = new Float64Array(2 * count);
      larger.set(this.#others);
      this.#others = larger;
    }
    this.#others.set(this.#values.subarray(begin, end), this.#otherCount);
    this.#otherCount = count;
  }
}

/** Whether a value is a whole number of units, and is got back from it. */
function isWhole(value: number, power: number): boolean {
  const whole = Math.round(value * power);
  return (
    whole / power === value &&
    whole <= WHOLE_MAX &&
    whole >= -WHOLE_MAX &&
    (whole !== 0 || !Object.is(value, -0))
  );
}
