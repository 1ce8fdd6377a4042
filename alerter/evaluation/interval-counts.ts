/** How many targets have which interval: there are few different ones, and the shortest is asked for with each message. */
export class IntervalCounts {
  readonly #counts = new Map<number, number>();

  /** Of those above 0, ms; Infinity if there is none. */
  get shortestMs(): number {
    let shortestMs = Infinity;
    for (const intervalMs of this.#counts.keys()) {
      if (intervalMs > 0 && intervalMs < shortestMs) shortestMs = intervalMs;
    }
    return shortestMs;
  }

  add(intervalMs: number): void {
    this.#counts.set(intervalMs, (this.#counts.get(intervalMs) ?? 0) + 1);
  }

  /** Takes back one `add`. */
  remove(intervalMs: number): void {
    const left = this.#counts.get(intervalMs)! - 1;
    if (left > 0) this.#counts.set(intervalMs, left);
    else this.#counts.delete(intervalMs);
  }
}
