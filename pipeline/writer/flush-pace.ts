/** Flushes take at most this share of a lane's time. */
const SHARE_MAX = 0.25;
/** But they are no further apart than so many intervals. */
const INTERVALS_MAX = 4;

/**
 * When a lane is flushed next: an interval after the last time, and later when that took long. Under load there is more in
 * each insert then, which makes a sample cheaper.
 */
export class FlushPace {
  readonly #intervalMs: number;
  #beganMs: number;
  #pauseMs: number;

  constructor(intervalMs: number, nowMs: number) {
    this.#intervalMs = intervalMs;
    this.#beganMs = nowMs;
    this.#pauseMs = intervalMs;
  }

  /** Until the next flush is due; 0 or less: it is. */
  leftMs(nowMs: number): number {
    return this.#beganMs + this.#pauseMs - nowMs;
  }

  flushed(beganMs: number, endedMs: number): void {
    this.#beganMs = beganMs;
    const restMs = (endedMs - beganMs) / SHARE_MAX;
    this.#pauseMs = Math.min(Math.max(this.#intervalMs, restMs), INTERVALS_MAX * this.#intervalMs);
  }
}
