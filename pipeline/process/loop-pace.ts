const PERIOD_MS = 5;

/**
 * Lets the event loop of this thread turn at most once in 5 ms. A turn that comes sooner after the one before is followed by
 * a nap, in which the kernel gathers what arrives: the next turn then finds many sockets ready instead of waking for
 * each of them.
 *
 *     without   ╻   ╻ ╻  ╻   ╻ ╻      a wake-up for each arrival
 *     with      ╻     ┃      ┃        ╻ the first is served at once, ┃ those that follow together
 *
 * What comes alone is never held back; a thread that is busy for 5 ms or longer takes no nap. Everything else, timers
 * too, may be late by the period, and a chain of questions and answers makes one step in each. It stops
 * nothing from ending: neither the process nor, by `terminate`, a worker.
 *
 * A thread has at most one, and only whoever starts the thread's work begins it (a worker's module, a command): a nap holds
 * up everything in the thread, tests and simulated time included.
 */
export class LoopPace {
  readonly #periodMs: number;
  readonly #bed = new Int32Array(new SharedArrayBuffer(4));
  #isRunning = false;
  #next: NodeJS.Immediate | undefined;
  #wokeMs = -Infinity;
  #naps = 0;

  constructor(periodMs = PERIOD_MS) {
    this.#periodMs = periodMs;
  }

  /** Naps taken so far. */
  get naps(): number {
    return this.#naps;
  }

  start(): this {
    if (!this.#isRunning) this.#await();
    this.#isRunning = true;
    return this;
  }

  stop(): void {
    clearImmediate(this.#next);
    this.#isRunning = false;
  }

  /** An immediate that nothing waits for comes at the end of a turn, and brings about none. */
  #await(): void {
    this.#next = setImmediate(() => this.#onTurn()).unref();
  }

  #onTurn(): void {
    this.#await();
    const restMs = this.#periodMs - (performance.now() - this.#wokeMs);
    if (restMs > 0) {
      this.#naps += 1;
      Atomics.wait(this.#bed, 0, 0, restMs);
    }
    this.#wokeMs = performance.now();
  }
}
