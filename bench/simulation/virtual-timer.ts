import type { ScheduledEvent } from './event-heap.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** A busy event loop runs its timers up to this much late, ms. */
const LATE_MS_MAX = 1.5;

/** What `setTimeout` and its kin return in the simulation. */
export class VirtualTimer {
  readonly #scheduler: Scheduler;
  readonly #owner: SimulatedProcess | undefined;
  readonly #run: () => void;
  readonly #delayMs: number;
  readonly #repeats: boolean;
  #event: ScheduledEvent | undefined;

  /** `delayMs` 0 is an immediate: it comes after what is already due. */
  constructor(scheduler: Scheduler, run: () => void, delayMs: number, repeats: boolean) {
    this.#scheduler = scheduler;
    this.#owner = scheduler.current;
    this.#run = run;
    this.#delayMs = delayMs === 0 ? 0 : Math.max(1, Number.isFinite(delayMs) ? delayMs : 1);
    this.#repeats = repeats;
    this.#arm();
  }

  refresh(): this {
    this.close();
    this.#arm();
    return this;
  }

  close(): this {
    if (this.#event !== undefined) this.#event.isCancelled = true;
    this.#event = undefined;
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #arm(): void {
    const { random, nowMs } = this.#scheduler;
    const isImmediate = this.#delayMs === 0;
    const dueMs = nowMs + (isImmediate ? 0 : this.#delayMs + random.next() * LATE_MS_MAX);
    const run = (): void => {
      this.#event = undefined;
      if (this.#repeats) this.#arm();
      this.#run();
    };
    this.#event = this.#scheduler.at(dueMs, this.#owner, 'timer', run, isImmediate);
  }
}
