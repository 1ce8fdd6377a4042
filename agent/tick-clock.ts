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

/** A tick is on time if it is less than one of so many parts of an interval away from its instant. */
const ON_TIME_SHARE = 100;

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

  /**
   * The time of a tick that runs now, ms since 1970: the instant it was meant for, unless that is a hundredth of an interval
   * away or more. A grid that is kept to costs a database nothing; jitter of milliseconds costs it as much as values do.
   */
  stampMs(): number {
    const nowMs = Math.round(this.#clock.wallMs());
    const intervalMs = this.#intervalMs;
    if (intervalMs === 0) return nowMs;
    const pastMs = (((nowMs - this.#phaseMs) % intervalMs) + intervalMs) % intervalMs;
    const lateMs = pastMs <= intervalMs / 2 ? pastMs : pastMs - intervalMs;
    return Math.abs(lateMs) < intervalMs / ON_TIME_SHARE ? nowMs - lateMs : nowMs;
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
