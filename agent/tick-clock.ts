/** The two clocks of a machine; injected in tests. */
export interface Clock {
  /** Wall clock, ms since 1970; may step. */
  wallMs(): number;
  /** Never steps; its zero means nothing. */
  monotonicMs(): number;
  /**
   * An alarm that calls `ring`, which is a timer of its own if this is left out. Who runs thousands of agents
   * can wake all of them with one timer.
   */
  alarm?(ring: () => void): Alarm;
}

/** Rings once after `set`, at that time or a little later; set again, it forgets the earlier time. */
export interface Alarm {
  set(delayMs: number): void;
  clear(): void;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/**
 * Calls back once an interval. The wall clock is read once, to find the phase; from there ticks follow
 * the monotonic clock. A tick that could not be run in time is skipped and counted, never
 * bunched.
 */
export class TickClock {
  readonly #clock: Clock;
  readonly #onTick: () => void;
  #intervalMs = 0;
  #phaseMs = 0;
  #nextMs = 0;
  readonly #alarm: Alarm;
  #skipped = 0;

  constructor(onTick: () => void, clock: Clock = systemClock) {
    this.#onTick = onTick;
    this.#clock = clock;
    const poll = (): void => this.poll();
    this.#alarm = clock.alarm?.(poll) ?? timerAlarm(poll);
  }

  get intervalMs(): number {
    return this.#intervalMs;
  }

  get phaseMs(): number {
    return this.#phaseMs;
  }

  get skippedTotal(): number {
    return this.#skipped;
  }

  /** Ticks when the wall clock is congruent to `phaseMs` modulo `intervalMs`. */
  follow(intervalMs: number, phaseMs: number): void {
    if (intervalMs === this.#intervalMs && phaseMs === this.#phaseMs) return;
    this.#intervalMs = intervalMs;
    this.#phaseMs = phaseMs;
    const sinceMs = this.#clock.wallMs() - phaseMs;
    const untilMs = intervalMs - (((sinceMs % intervalMs) + intervalMs) % intervalMs);
    this.#nextMs = this.#clock.monotonicMs() + untilMs;
    this.#arm();
  }

  stop(): void {
    this.#alarm.clear();
    this.#intervalMs = 0;
  }

  /** Runs the tick if it is due; the alarm calls this. */
  poll(): void {
    if (this.#intervalMs === 0) return;
    const now = this.#clock.monotonicMs();
    if (now < this.#nextMs) return this.#arm();
    const late = Math.floor((now - this.#nextMs) / this.#intervalMs);
    this.#skipped += late;
    this.#nextMs += (late + 1) * this.#intervalMs;
    this.#onTick();
    this.#arm();
  }

  #arm(): void {
    this.#alarm.set(Math.max(1, Math.ceil(this.#nextMs - this.#clock.monotonicMs())));
  }
}

function timerAlarm(ring: () => void): Alarm {
  let timer: NodeJS.Timeout | undefined;
  return {
    set(delayMs) {
      clearTimeout(timer);
      timer = setTimeout(ring, delayMs);
    },
    clear() {
      clearTimeout(timer);
    },
  };
}
