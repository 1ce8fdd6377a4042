/**
 * Exponential back-off with full jitter: uniform between 0 and min(maxMs, minMs × 2^attempt), so that
 * a fleet that was cut off at one instant does not come back at one instant.
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #attempt = 0;

  constructor(minMs: number, maxMs: number, random: () => number = Math.random) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /** Failures since the last reset. */
  get attempt(): number {
    return this.#attempt;
  }

  /** The pause before the next try, in milliseconds. */
  nextMs(): number {
    const ceiling = Math.min(this.#maxMs, this.#minMs * 2 ** this.#attempt);
    if (ceiling < this.#maxMs) this.#attempt += 1;
    return this.#random() * ceiling;
  }

  reset(): void {
    this.#attempt = 0;
  }
}
