/**
 * Thousands of timeouts on one coarse ticker. Moving a deadline later, which every received frame
 * does, only stores a number; the wheel finds out when the old bucket comes round.
 *
 *     tick % 1024 →  [ ][d][ ][d,d][ ] …     one bucket is emptied each tick
 */
const BUCKETS = 1024;

export class Deadline {
  /** Tick at which it fires; 0 while it is not set. */
  dueTick = 0;
  /** Tick of the bucket it lies in; 0 while it lies in none. */
  bucketTick = 0;
  readonly fire: () => void;

  constructor(fire: () => void) {
    this.fire = fire;
  }

  get isSet(): boolean {
    return this.dueTick !== 0;
  }

  cancel(): void {
    this.dueTick = 0;
  }
}

export class DeadlineWheel {
  readonly tickMs: number;
  readonly #monotonicMs: () => number;
  readonly #startMs: number;
  readonly #buckets: Deadline[][] = Array.from({ length: BUCKETS }, () => []);
  #tick = 1;
  #interval: NodeJS.Timeout | undefined;

  /** `tickMs` is the resolution; `monotonicMs` a clock that never steps. */
  constructor(tickMs = 100, monotonicMs: () => number = () => performance.now()) {
    this.tickMs = tickMs;
    this.#monotonicMs = monotonicMs;
    this.#startMs = monotonicMs();
  }

  /** Follows the clock by itself until `stop`. */
  start(): void {
    this.#interval ??= setInterval(() => this.advance(), this.tickMs);
  }

  stop(): void {
    clearInterval(this.#interval);
    this.#interval = undefined;
  }

  /** (Re)sets a deadline to fire between `delayMs` and `delayMs` + 2 ticks from now. */
  set(deadline: Deadline, delayMs: number): void {
    const due = this.#nowTick() + 1 + Math.ceil(Math.max(0, delayMs) / this.tickMs);
    deadline.dueTick = due;
    if (deadline.bucketTick === 0 || due < deadline.bucketTick) this.#place(deadline);
  }

  /** Fires what is due. */
  advance(): void {
    const now = this.#nowTick();
    while (this.#tick <= now) {
      const tick = this.#tick;
      this.#tick += 1;
      const bucket = this.#buckets[tick % BUCKETS]!;
      if (bucket.length === 0) continue;
      this.#buckets[tick % BUCKETS] = [];
      for (const deadline of bucket) this.#visit(deadline, tick);
    }
  }

  #visit(deadline: Deadline, tick: number): void {
    if (deadline.bucketTick !== tick) return; // was placed again, earlier
    deadline.bucketTick = 0;
    if (deadline.dueTick === 0) return;
    if (deadline.dueTick > tick) {
      this.#place(deadline);
      return;
    }
    deadline.dueTick = 0;
    deadline.fire();
  }

  #place(deadline: Deadline): void {
    const tick = Math.min(Math.max(deadline.dueTick, this.#tick), this.#tick + BUCKETS - 1);
    deadline.bucketTick = tick;
    this.#buckets[tick % BUCKETS]!.push(deadline);
  }

  #nowTick(): number {
    return 1 + Math.floor((this.#monotonicMs() - this.#startMs) / this.tickMs);
  }
}
