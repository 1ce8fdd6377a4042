import type { LaneCounters, LaneWriter } from './lane-writer.ts';

/** What is level rather than a total: it goes with the lane. */
const LEVELS: ReadonlySet<keyof LaneCounters> = new Set([
  'pending',
  'bufferBytes',
  'newestMs',
  'memoryRuns',
]);

/**
 * The lanes this process writes, and has written: lanes come and go, and what was counted for them
 * stays counted.
 */
export class WrittenLanes {
  readonly #writers = new Map<string, LaneWriter>();
  readonly #totals = new Map<string, LaneCounters>();

  /** Counts a lane's writer in until its work is done. */
  async follow(writer: LaneWriter, work: Promise<void>): Promise<void> {
    const { laneId } = writer;
    this.#writers.set(laneId, writer);
    try {
      await work;
    } finally {
      this.#writers.delete(laneId);
      this.#totals.set(laneId, sum(this.#totals.get(laneId), writer.counters, true));
    }
  }

  /** For each lane that this process writes or has written: what it counted. */
  *counters(): Generator<readonly [laneId: string, counters: LaneCounters]> {
    for (const laneId of new Set([...this.#totals.keys(), ...this.#writers.keys()])) {
      const writer = this.#writers.get(laneId);
      const past = this.#totals.get(laneId);
      yield [laneId, writer === undefined ? past! : sum(past, writer.counters, false)];
    }
  }

  /** Those that it writes now. */
  *current(): Generator<readonly [laneId: string, counters: LaneCounters]> {
    for (const [laneId, { counters }] of this.#writers) yield [laneId, counters];
  }
}

function sum(past: LaneCounters | undefined, now: LaneCounters, hasEnded: boolean): LaneCounters {
  const total = { ...now };
  for (const key of Object.keys(now) as (keyof LaneCounters)[]) {
    if (LEVELS.has(key)) total[key] = hasEnded ? 0 : now[key];
    else total[key] = (past?.[key] ?? 0) + now[key];
  }
  return total;
}
