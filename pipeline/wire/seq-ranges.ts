/**
 * A set of sequence numbers kept as disjoint, ascending, inclusive ranges.
 *
 *     has 1–4, 7–7, 9–12        add(8) →  1–4, 7–12
 *
 * Frames arrive nearly in order, so the set is nearly always one range: the end is tried first.
 */
export class SeqRanges {
  #firsts: number[] = [];
  #lasts: number[] = [];

  /** Number of ranges. */
  get count(): number {
    return this.#firsts.length;
  }

  /** The smallest number in the set, or undefined if it is empty. */
  get min(): number | undefined {
    return this.#firsts[0];
  }

  /** The largest number in the set, or undefined if it is empty. */
  get max(): number | undefined {
    return this.#lasts.at(-1);
  }

  has(seq: number): boolean {
    const at = this.#rangeAtOrBefore(seq);
    return at >= 0 && seq <= this.#lasts[at]!;
  }

  /** Adds one number; returns whether it was new. */
  add(seq: number): boolean {
    if (this.#firsts.length === 0) {
      // An array that something is pushed into makes room for 16 more; there is a set for every agent.
      this.#firsts = [seq];
      this.#lasts = [seq];
      return true;
    }
    const firsts = this.#firsts;
    const lasts = this.#lasts;
    const at = this.#rangeAtOrBefore(seq);
    if (at >= 0 && seq <= lasts[at]!) return false;
    const extendsLeft = at >= 0 && lasts[at] === seq - 1;
    const extendsRight = firsts[at + 1] === seq + 1;
    if (extendsLeft && extendsRight) {
      lasts[at] = lasts[at + 1]!;
      firsts.splice(at + 1, 1);
      lasts.splice(at + 1, 1);
    } else if (extendsLeft) {
      lasts[at] = seq;
    } else if (extendsRight) {
      firsts[at + 1] = seq;
    } else {
      firsts.splice(at + 1, 0, seq);
      lasts.splice(at + 1, 0, seq);
    }
    return true;
  }

  /** Adds all numbers from `first` to `last`, both included. */
  addRange(first: number, last: number): void {
    const firsts = this.#firsts;
    const lasts = this.#lasts;
    let from = this.#rangeAtOrBefore(first);
    if (from < 0 || lasts[from]! < first - 1) from += 1;
    let to = from;
    let newFirst = first;
    let newLast = last;
    while (to < firsts.length && firsts[to]! <= last + 1) {
      newFirst = Math.min(newFirst, firsts[to]!);
      newLast = Math.max(newLast, lasts[to]!);
      to += 1;
    }
    firsts.splice(from, to - from, newFirst);
    lasts.splice(from, to - from, newLast);
  }

  /** Removes every number below `seq`. */
  trimBelow(seq: number): void {
    let gone = 0;
    while (gone < this.#lasts.length && this.#lasts[gone]! < seq) gone += 1;
    if (gone > 0) {
      this.#firsts.splice(0, gone);
      this.#lasts.splice(0, gone);
    }
    if (this.#firsts.length > 0 && this.#firsts[0]! < seq) this.#firsts[0] = seq;
  }

  clear(): void {
    this.#firsts.length = 0;
    this.#lasts.length = 0;
  }

  *[Symbol.iterator](): Generator<readonly [first: number, last: number]> {
    for (let i = 0; i < this.#firsts.length; i += 1) yield [this.#firsts[i]!, this.#lasts[i]!];
  }

  /** Index of the last range that starts at or before `seq`, or −1. */
  #rangeAtOrBefore(seq: number): number {
    const firsts = this.#firsts;
    let high = firsts.length - 1;
    if (high >= 0 && firsts[high]! <= seq) return high;
    let low = 0;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (firsts[middle]! <= seq) low = middle + 1;
      else high = middle - 1;
    }
    return high;
  }
}
