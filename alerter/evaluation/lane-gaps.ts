import type { Logger } from 'pino';
import type { Bus } from '../../pipeline/bus/bus.ts';
import type { LaneEvaluatorCounters } from './lane-counters.ts';

/** What to make of numbers of a lane that a reader did not hand over. */
export class LaneGaps {
  readonly #bus: Bus;
  readonly #stream: string;
  readonly #log: Logger;
  readonly #counters: LaneEvaluatorCounters;
  /** Where the lane was read a second time. */
  #readAgainAfter = 0;

  constructor(parts: { bus: Bus; log: Logger; counters: LaneEvaluatorCounters }, stream: string) {
    this.#bus = parts.bus;
    this.#log = parts.log;
    this.#counters = parts.counters;
    this.#stream = stream;
  }

  /**
   * Whether a reader that went on from `laneSeq` to `seq` left out messages that are there, as nats-server 2.9 may do
   * when a block of its file is read while it is being written. It is asked for them once; what it leaves out again
   * is missed.
   */
  async mustReadAgain(laneSeq: number, seq: number): Promise<boolean> {
    if (laneSeq === 0 || seq === laneSeq + 1 || laneSeq === this.#readAgainAfter) return false;
    const { state } = await this.#bus.streamInfo(this.#stream);
    if (state.first_seq >= seq) return false;
    this.#readAgainAfter = laneSeq;
    this.#log.warn({ laneSeq, seq }, 'the server left out messages: reading the lane again');
    return true;
  }

  /** Evaluation goes on from `laneSeq` to `seq`. */
  passed(laneSeq: number, seq: number): void {
    const missed = laneSeq === 0 ? 0 : seq - laneSeq - 1;
    if (missed <= 0) return;
    this.#counters.missedMessages += missed;
    const what = 'the lane was trimmed before it was evaluated: storage came first';
    this.#log.error({ missed, laneSeq, seq }, what);
  }
}
