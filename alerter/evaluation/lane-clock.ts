/** An instant of a lane: everything in it comes from the stream, so every reader finds the same. */
export interface LaneTime {
  /** The lane clock, ms. Only differences count. */
  readonly laneMs: number;
  /** When JetStream took the message, by its own clock, ms. */
  readonly arrivalMs: number;
}

/**
 * The time that passes in a lane, told by the times at which JetStream took its messages. It never goes
 * back, and no message moves it by more than a step: so neither a step of the NATS server's clock nor
 * an hour in which nobody could publish makes anything old at once.
 */
export class LaneClock {
  #now: LaneTime | undefined;

  /** Undefined until something was read. */
  get now(): LaneTime | undefined {
    return this.#now;
  }

  /** Goes on where a predecessor's clock was. */
  resume(now: LaneTime): void {
    this.#now = now;
  }

  /** A message has been read. */
  advance(arrivalMs: number, stepMsMax: number): LaneTime {
    const before = this.#now ?? { laneMs: arrivalMs, arrivalMs };
    const stepMs = Math.min(Math.max(0, arrivalMs - before.arrivalMs), stepMsMax);
    this.#now = { laneMs: before.laneMs + stepMs, arrivalMs };
    return this.#now;
  }
}
