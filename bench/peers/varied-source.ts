import { mixed, SeededRandom } from '../fleet/random.ts';
import type { Replay } from '../recording/replay.ts';

/** By how much the movements of a series are smaller or larger than those that were recorded. */
const FACTOR_MIN = 0.75;
const FACTOR_MAX = 1.25;
/** Hosts differ in how much of their counters' first values they add to them. */
const SHARES = 2 ** 20;

/**
 * One host that repeats a recording for hours without ever saying the same twice: in each lap the movements of every
 * series are those that were recorded times a factor of their own, rounded to the steps in which the
 * series really moves. Plain repetition would be a present to whoever compresses blocks that are longer than the
 * recording: ten laps then take hardly more than one.
 */
export class VariedSource {
  readonly #replay: Replay;
  readonly #units: Float64Array;
  readonly #random: SeededRandom;
  readonly #share: number;
  /** Of the lap, by series. */
  readonly #factors: Float64Array;
  /** What counters have grown in the laps before. */
  readonly #grown: Float64Array;
  #tick: number;

  /** @param units `unitsOf(replay)` */
  constructor(replay: Replay, units: Float64Array, seed: number) {
    this.#replay = replay;
    this.#units = units;
    this.#random = new SeededRandom(seed);
    this.#tick = mixed(seed) % replay.ticks;
    this.#share = (mixed(mixed(seed) + 1) % SHARES) / SHARES;
    this.#factors = new Float64Array(replay.count);
    this.#grown = new Float64Array(replay.count);
    this.#beginLap();
  }

  /** The values of the next tick, into `values` from `at` on. */
  next(values: Float64Array, at: number): void {
    const { rows, first, factor, divisor, second, count, ticks } = this.#replay;
    const row = this.#tick * count;
    for (let i = 0; i < count; i += 1) {
      const mantissa =
        rows[i]! +
        this.#grown[i]! +
        Math.floor(first[i]! * this.#share) +
        this.#varied(i, rows[row + i]! - rows[i]!);
      values[at + i] = (mantissa * factor[i]!) / divisor[i]! / second[i]!;
    }
    this.#tick += 1;
    if (this.#tick < ticks) return;
    this.#tick = 0;
    this.#endLap();
    this.#beginLap();
  }

  /** A movement since the beginning of the lap. */
  #varied(i: number, moved: number): number {
    const unit = this.#units[i]!;
    return unit === 0 ? moved : unit * Math.round((moved / unit) * this.#factors[i]!);
  }

  #endLap(): void {
    const { growth, count } = this.#replay;
    for (let i = 0; i < count; i += 1) this.#grown[i]! += this.#varied(i, growth[i]!);
  }

  #beginLap(): void {
    for (let i = 0; i < this.#factors.length; i += 1) {
      this.#factors[i] = this.#random.between(FACTOR_MIN, FACTOR_MAX);
    }
  }
}

/**
 * For each series the step in which it moves, such as 4096 for memory that is told in pages: the greatest common divisor of
 * its movements. 0 if it does not move, or not in whole numbers.
 */
export function unitsOf({ rows, count, ticks }: Replay): Float64Array {
  const units = new Float64Array(count);
  for (let i = 0; i < count; i += 1) {
    for (let tick = 1; tick < ticks; tick += 1) {
      const moved = Math.abs(rows[tick * count + i]! - rows[i]!);
      if (!Number.isSafeInteger(moved)) {
        units[i] = 0;
        break;
      }
      units[i] = greatestCommonDivisor(units[i]!, moved);
    }
  }
  return units;
}

function greatestCommonDivisor(a: number, b: number): number {
  let [large, small] = [Math.max(a, b), Math.min(a, b)];
  while (small > 0) [large, small] = [small, large % small];
  return large;
}
