/**
 * Lets only so many inserts of a process run at once; the others have their turn in order. After an outage
 * every lane has much to insert, and ClickHouse holds in memory what runs at once.
 */
export class InsertSlots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param max how many at once, 1 or more */
  constructor(max: number) {
    this.#free = max;
  }

  /** Does the work when there is a slot. Whoever is aborted before that does nothing, and rejects. */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free -= 1;
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      // Handed on, not freed: nobody who comes now is served before who waits.
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
