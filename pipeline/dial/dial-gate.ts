export interface Dialling {
  /** Begins to dial. */
  dial(): void;
}

/**
 * Lets at most `perSecond` dials begin each second and `inFlightMax` be open at once; the rest wait in
 * order. A dial that is let through must be ended with `done`.
 */
export class DialGate {
  readonly #perSecond: number;
  readonly #inFlightMax: number;
  readonly #waiting = new Set<Dialling>();
  #tokens: number;
  #refilledMs: number;
  #inFlight = 0;

  constructor(perSecond: number, inFlightMax: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#inFlightMax = inFlightMax;
    this.#tokens = perSecond / 10;
    this.#refilledMs = nowMs;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Lets it dial at the next `release` that has room for it. */
  request(who: Dialling): void {
    this.#waiting.add(who);
  }

  /** Withdraws a request that has not begun. */
  withdraw(who: Dialling): void {
    this.#waiting.delete(who);
  }

  /** A dial ended, well or badly. */
  done(): void {
    this.#inFlight -= 1;
  }

  /** Begins what the rate allows by now; to be called on the ticker. */
  release(nowMs: number): void {
    const earned = (Math.max(0, nowMs - this.#refilledMs) * this.#perSecond) / 1000;
    this.#refilledMs = nowMs;
    // A tenth of a second may be saved up: enough for the ticker, too little for a stampede.
    this.#tokens = Math.min(this.#tokens + earned, Math.max(1, this.#perSecond / 10));
    for (const who of this.#waiting) {
      if (this.#tokens < 1 || this.#inFlight >= this.#inFlightMax) return;
      this.#waiting.delete(who);
      this.#tokens -= 1;
      this.#inFlight += 1;
      who.dial();
    }
  }
}
