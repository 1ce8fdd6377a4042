import { SeqRanges } from '../pipeline/wire/seq-ranges.ts';

/**
 * What one fleet still has to get. It outlives the fleet's connections, and ends only with the
 * agent.
 */
export class FleetCursor {
  readonly fleet: string;
  /** Which of the fleet's targets the agent is. */
  target: string;
  /** The interval the fleet asked for, ms. */
  intervalMs: number;
  phaseMs: number;
  /** Frames this fleet never acknowledged before the ring had to drop them. */
  droppedTotal = 0;
  /** Frames never acknowledged before the agent became another target. */
  renamedTotal = 0;
  /** Frames that this fleet has, or does not want. */
  readonly #settled = new SeqRanges();
  #startSeq: number;
  /** The first tick is always due. */
  #ticksSinceDue = Infinity;

  /** The fleet is owed every frame from `startSeq` on. */
  constructor(
    fleet: string,
    target: string,
    startSeq: number,
    intervalMs: number,
    phaseMs: number,
  ) {
    this.fleet = fleet;
    this.target = target;
    this.#startSeq = startSeq;
    this.intervalMs = intervalMs;
    this.phaseMs = phaseMs;
  }

  /** The oldest frame that is owed. */
  get firstOwedSeq(): number {
    const { min, max } = this.#settled;
    if (min === undefined || min > this.#startSeq) return this.#startSeq;
    const first = this.#settled[Symbol.iterator]().next().value;
    return (first?.[1] ?? max!) + 1;
  }

  owes(seq: number): boolean {
    return seq >= this.#startSeq && !this.#settled.has(seq);
  }

  /**
   * Decides at the tick whether the frame is due for this fleet, whose interval may be a multiple of the
   * agent's. It counts ticks: clocks waver, and no frame may be taken for undue because of that.
   */
  offer(seq: number, tickIntervalMs: number): boolean {
    this.#ticksSinceDue += 1;
    if (this.#ticksSinceDue < Math.round(this.intervalMs / tickIntervalMs)) {
      this.settle(seq, seq);
      return false;
    }
    this.#ticksSinceDue = 0;
    return true;
  }

  /** These frames need not be kept for this fleet any more. */
  settle(firstSeq: number, lastSeq: number): void {
    // An acknowledgement may come late, of what has been settled long ago.
    if (lastSeq < this.#startSeq) return;
    this.#settled.addRange(Math.max(firstSeq, this.#startSeq), lastSeq);
    const owed = this.firstOwedSeq;
    if (owed > this.#startSeq) {
      this.#startSeq = owed;
      this.#settled.trimBelow(owed);
    }
  }

  /** The agent becomes another target, which is not owed what it said before frame `startSeq`. */
  rename(target: string, startSeq: number): void {
    for (let seq = this.#startSeq; seq < startSeq; seq += 1) {
      if (this.owes(seq)) this.renamedTotal += 1;
    }
    this.settle(this.#startSeq, startSeq - 1);
    this.target = target;
  }

  /** The ring had to let a frame go. */
  drop(seq: number): void {
    if (this.owes(seq)) this.droppedTotal += 1;
    this.settle(seq, seq);
  }
}
