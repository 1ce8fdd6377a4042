/** Something that gathers and is to be told when it has waited long enough. */
export interface Gatherer {
  onDue(): void;
}

/**
 * Lets everything that gathers be published together: the first that has something sets the time for all. What
 * goes together is one write to NATS, and its acknowledgements come back in one read.
 */
export class FlushClock {
  readonly #delayMs: number;
  #waiting: Gatherer[] = [];

  /** `delayMs` is the longest that anything waits. */
  constructor(delayMs: number) {
    this.#delayMs = delayMs;
  }

  /** `gatherer` is told once, when the time that runs is over; it asks again when it gathers again. Keeps nothing alive. */
  ask(gatherer: Gatherer): void {
    this.#waiting.push(gatherer);
    if (this.#waiting.length === 1) setTimeout(() => this.#ring(), this.#delayMs).unref();
  }

  #ring(): void {
    const due = this.#waiting;
    this.#waiting = [];
    for (const gatherer of due) gatherer.onDue();
  }
}
