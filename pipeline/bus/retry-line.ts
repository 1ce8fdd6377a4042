import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from '../dial/backoff.ts';

const PAUSE_MS_MIN = 50;
const PAUSE_MS_MAX = 2000;

interface Waiting {
  readonly number: number;
  readonly go: () => void;
}

/**
 * Those whose attempt was refused, by their numbers. After a pause only the first one tries again; when it gets through all
 * others follow in order, so what is old does not come after what is new, and a full stream is not asked by everybody.
 */
export class RetryLine {
  readonly #signal: AbortSignal;
  readonly #backoff = new Backoff(PAUSE_MS_MIN, PAUSE_MS_MAX);
  #waiting: Waiting[] = [];
  #isClosed = false;
  #isTrying = false;

  /** @param signal lets all go, whatever the line is like */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#letAllGo(), { once: true });
  }

  /** Somebody was refused, and nobody has got through since: who is new waits for its turn too. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Resolves when it is time to try again. */
  refused(number: number): Promise<void> {
    this.#isClosed = true;
    if (!this.#isTrying) void this.#tryFirst();
    return this.turn(number);
  }

  passed(): void {
    if (!this.#isClosed) return;
    this.#isClosed = false;
    this.#backoff.reset();
    this.#letAllGo();
  }

  /** Resolves when it is time to try. */
  turn(number: number): Promise<void> {
    if (this.#signal.aborted) return Promise.resolve();
    return new Promise((go) => {
      const place = this.#waiting.findLastIndex((other) => other.number < number) + 1;
      this.#waiting.splice(place, 0, { number, go });
    });
  }

  async #tryFirst(): Promise<void> {
    this.#isTrying = true;
    await sleep(10 + this.#backoff.nextMs(), undefined, { signal: this.#signal }).catch(() => {});
    this.#isTrying = false;
    this.#waiting.shift()?.go();
  }

  #letAllGo(): void {
    const all = this.#waiting;
    this.#waiting = [];
    for (const { go } of all) go();
  }
}
