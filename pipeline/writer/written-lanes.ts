import { KeptTotals } from '../telemetry/kept-totals.ts';
import type { LaneCounters, LaneWriter } from './lane-writer.ts';

/**
 * The lanes this process writes, and has written: lanes come and go, and what was counted for them
 * stays counted.
 */
export class WrittenLanes {
  readonly #writers = new Map<string, LaneWriter>();
  readonly #totals: KeptTotals<LaneCounters>;

  /** `totals`: what is counted; anything else is a level, and goes with the lane. */
  constructor(totals: readonly (keyof LaneCounters)[]) {
    this.#totals = new KeptTotals(totals);
  }

  /** Counts a lane's writer in until its work is done. */
  async follow(writer: LaneWriter, work: Promise<void>): Promise<void> {
    const { laneId } = writer;
    this.#writers.set(laneId, writer);
    try {
      await work;
    } finally {
      this.#writers.delete(laneId);
      this.#totals.keep(laneId, writer.counters);
    }
  }

  /** The totals of a field, by lane, of all that it writes or has written. */
  totals(field: keyof LaneCounters): ReadonlyMap<string, number> {
    return this.#totals.of(field, this.current());
  }

  /** What the lanes that it writes now have counted. */
  *current(): Generator<readonly [laneId: string, counters: LaneCounters]> {
    for (const [laneId, { counters }] of this.#writers) yield [laneId, counters];
  }
}
