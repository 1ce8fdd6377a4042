import type { Store } from '../store/store.ts';
import { SeqRanges } from '../wire/seq-ranges.ts';

interface Run {
  readonly seqs: SeqRanges;
  newestMs: number;
}

/**
 * Which frames have been stored, by (target, incarnation, seq). A frame comes again when an
 * acknowledgement was lost on its way to the collector or to the agent; the agent's ring bounds
 * how late that can be.
 */
export class FrameMemory {
  readonly #targets = new Map<bigint, Map<bigint, Run>>();
  readonly #keepMs: number;

  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  get targets(): number {
    return this.#targets.size;
  }

  /** Remembers a frame; false if it was there already. */
  add(target: bigint, incarnation: bigint, seq: number, timestampMs: number): boolean {
    const run = this.#run(target, incarnation);
    run.newestMs = Math.max(run.newestMs, timestampMs);
    return run.seqs.add(seq);
  }

  addRange(
    target: bigint,
    incarnation: bigint,
    firstSeq: number,
    lastSeq: number,
    newestMs: number,
  ): void {
    const run = this.#run(target, incarnation);
    run.newestMs = Math.max(run.newestMs, newestMs);
    run.seqs.addRange(firstSeq, lastSeq);
  }

  /** Forgets runs of agents that have not been heard of for the time kept. */
  forget(nowMs: number): void {
    for (const [target, runs] of this.#targets) {
      for (const [incarnation, run] of runs) {
        if (nowMs - run.newestMs > this.#keepMs) runs.delete(incarnation);
      }
      if (runs.size === 0) this.#targets.delete(target);
    }
  }

  /**
   * Rebuilds the memory of a lane as it was before stream sequence `beforeSeq`: what a successor must
   * know to decide as its predecessor did.
   */
  async rebuild(
    store: Store,
    lane: { index: number; lanes: number; id: string; streamId: number },
    beforeSeq: number,
    sinceMs: number,
  ): Promise<void> {
    const rows = await store.rows<{
      target_id: string;
      incarnation: string;
      first_seq: string;
      last_seq: string;
      newest_ms: string;
    }>(
      `SELECT target_id, incarnation, min(seq) AS first_seq, max(seq) AS last_seq,
              toUnixTimestamp64Milli(max(stored)) AS newest_ms
       FROM (
         SELECT target_id, incarnation, seq, stored,
                seq - row_number() OVER (PARTITION BY target_id, incarnation ORDER BY seq) AS island
         FROM (
           SELECT target_id, incarnation, seq, max(timestamp) AS stored
           FROM frames
           WHERE timestamp >= fromUnixTimestamp64Milli({since:Int64})
             AND bitAnd(target_id, 255) % {lanes:UInt8} = {index:UInt8}
             AND NOT (lane = {lane:String} AND stream_id = {stream:UInt64}
                      AND stream_seq >= {before:UInt64})
           GROUP BY target_id, incarnation, seq
         )
       )
       GROUP BY target_id, incarnation, island`,
      {
        since: Math.floor(sinceMs),
        lanes: lane.lanes,
        index: lane.index,
        lane: lane.id,
        stream: lane.streamId,
        before: beforeSeq,
      },
    );
    for (const row of rows) {
      const first = Number(row.first_seq);
      const last = Number(row.last_seq);
      const newestMs = Number(row.newest_ms);
      this.addRange(BigInt(row.target_id), BigInt(row.incarnation), first, last, newestMs);
    }
  }

  #run(target: bigint, incarnation: bigint): Run {
    let runs = this.#targets.get(target);
    if (runs === undefined) {
      runs = new Map();
      this.#targets.set(target, runs);
    }
    let run = runs.get(incarnation);
    if (run === undefined) {
      run = { seqs: new SeqRanges(), newestMs: 0 };
      runs.set(incarnation, run);
    }
    return run;
  }
}
