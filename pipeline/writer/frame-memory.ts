import type { Store } from '../store/store.ts';
import { highOf, IdMap, lowOf } from '../wire/id-map.ts';
import { SeqRanges } from '../wire/seq-ranges.ts';
import type { StoredFrame } from './stored-frame.ts';

/** What a frame is known by, and when it was taken. */
export type KnownFrame = RunId & Pick<StoredFrame, 'seq' | 'timestampMs'>;

/** One run of an agent: (target, incarnation), and their halves. */
type RunId = Pick<
  StoredFrame,
  'target' | 'targetLow' | 'targetHigh' | 'incarnation' | 'incarnationLow' | 'incarnationHigh'
>;

interface Run {
  readonly target: bigint;
  readonly incarnationLow: number;
  readonly incarnationHigh: number;
  readonly seqs: SeqRanges;
  /** Every stored frame with this timestamp or a later one is among `seqs`. */
  floorMs: number;
  /** When a frame of it last came, by our monotonic clock. */
  heardMs: number;
}

interface Lookup {
  readonly target: bigint;
  readonly incarnation: bigint;
  /** The earliest frame of the run in the insert. */
  sinceMs: number;
}

interface RunRow {
  readonly target_id: string;
  readonly incarnation: string;
  readonly firsts: readonly string[];
  readonly lasts: readonly string[];
}

/** As parameters of a query: two numbers of at most 20 digits a run, far below ClickHouse's limits. */
const RUNS_PER_LOOKUP_MAX = 1000;
/** An agent whose numbers have more gaps is looked up each time instead. */
const GAPS_MAX = 1000;
/** About 700 bytes each. */
const RUNS_MAX = 500_000;
const HOUR_MS = 3_600_000;

/**
 * The runs of one lookup, each with the ranges of its stored numbers. Both tables are ordered by (target,
 * incarnation), and parts that end before `since` are not read.
 */
const LOOKUP = `
  SELECT target_id, incarnation,
         arrayFilter((seq, previous) -> seq != previous + 1, seqs,
                     arrayPushFront(arrayPopBack(seqs), seqs[1])) AS firsts,
         arrayFilter((seq, next) -> seq + 1 != next, seqs,
                     arrayPushBack(arrayPopFront(seqs), 0)) AS lasts
  FROM (
    SELECT target_id, incarnation, arrayCompact(arraySort(groupArray(seq))) AS seqs
    FROM (
      SELECT target_id, incarnation, seq, timestamp, closing FROM frames
      UNION ALL
      SELECT target_id, incarnation, seq, timestamp, closing FROM frames_recent
    )
    WHERE (target_id, incarnation) IN (
            SELECT run.1, run.2 FROM (
              SELECT arrayJoin(arrayZip({targets:Array(UInt64)}, {incarnations:Array(UInt64)}))
                AS run))
      AND timestamp >= fromUnixTimestamp64Milli({since:Int64})
      AND NOT has({hides:Array(UInt64)}, closing)
    GROUP BY target_id, incarnation
  )`;

/**
 * Which frames have been stored, by (target, incarnation, seq). A frame comes again when an
 * acknowledgement was lost on its way, as late as the agent's ring allows: hours.
 *
 * The tables `frames` and `frames_recent` are the memory, and this is a window onto it. For each run there is a floor, a time from
 * which on all of its stored frames are known; a frame keeps its timestamp, so one that comes again
 * falls on the same side. Frames of a run that is not here, or from below its floor, are looked up before they are
 * judged. Runs that were silent for long are forgotten, and looked up when they speak again.
 */
export class FrameMemory {
  /** A target has one run, its collector's another: the newest ones come last. */
  #targets = new IdMap<Run[]>();
  readonly #keepMs: number;
  readonly #runsMax: number;
  #runs = 0;
  #lookups = 0;
  #lookedUpRuns = 0;
  #lookupMs = 0;

  /** `keepMs`: how long a silent run stays. */
  constructor(keepMs: number, runsMax = RUNS_MAX) {
    this.#keepMs = keepMs;
    this.#runsMax = runsMax;
  }

  get runs(): number {
    return this.#runs;
  }

  /** Queries so far. */
  get lookups(): number {
    return this.#lookups;
  }

  /** Runs that were asked for in them. */
  get lookedUpRuns(): number {
    return this.#lookedUpRuns;
  }

  get lookupSeconds(): number {
    return this.#lookupMs / 1000;
  }

  /**
   * Looks up what must be known to judge these frames. May be repeated when it fails.
   *
   * @param hides closings whose rows do not count: their frames come again
   * @throws RollcallError `clickhouse_failed`
   */
  async learn(
    store: Store,
    frames: readonly KnownFrame[],
    hides: readonly bigint[],
    nowMs: number,
  ): Promise<void> {
    const missing = this.#missing(frames);
    if (missing.length === 0) return;
    const startMs = performance.now();
    try {
      for (let at = 0; at < missing.length; at += RUNS_PER_LOOKUP_MAX) {
        await this.#lookUp(store, missing.slice(at, at + RUNS_PER_LOOKUP_MAX), hides, nowMs);
      }
    } finally {
      this.#lookupMs += performance.now() - startMs;
    }
  }

  /** The frames that have not been stored, each once; they count as stored from now on. All of them have been looked up. */
  takeFresh<T extends KnownFrame>(frames: readonly T[], nowMs: number): T[] {
    const crowded = new Set<Run>();
    const fresh = frames.filter((frame) => {
      const run = this.#find(frame)!;
      if (!run.seqs.add(frame.seq)) return false;
      run.heardMs = nowMs;
      if (run.seqs.count > GAPS_MAX) crowded.add(run);
      return true;
    });
    for (const run of crowded) this.#drop(run);
    return fresh;
  }

  /** Forgets runs that have been silent for the time kept, and the most silent ones above the cap. */
  forget(nowMs: number): void {
    this.#dropSilent(nowMs - this.#keepMs);
    if (this.#runs <= this.#runsMax) return;
    const heard: number[] = [];
    for (const runs of this.#targets.values()) {
      for (const { heardMs } of runs) heard.push(heardMs);
    }
    heard.sort((a, b) => a - b);
    // A tenth more than needed, so that it is not done again for the next run.
    const excess = this.#runs - Math.floor(0.9 * this.#runsMax);
    this.#dropSilent(heard[excess - 1]!);
  }

  clear(): void {
    this.#targets = new IdMap();
    this.#runs = 0;
  }

  #missing(frames: readonly KnownFrame[]): Lookup[] {
    const missing = new Map<bigint, Map<bigint, Lookup>>();
    for (const frame of frames) {
      const run = this.#find(frame);
      if (run !== undefined && frame.timestampMs >= run.floorMs) continue;
      const { target, incarnation, timestampMs } = frame;
      let lookups = missing.get(target);
      if (lookups === undefined) missing.set(target, (lookups = new Map<bigint, Lookup>()));
      const lookup = lookups.get(incarnation);
      if (lookup === undefined) {
        lookups.set(incarnation, { target, incarnation, sinceMs: timestampMs });
      } else if (timestampMs < lookup.sinceMs) lookup.sinceMs = timestampMs;
    }
    return [...missing.values()].flatMap((lookups) => [...lookups.values()]).toSorted(byReach);
  }

  async #lookUp(
    store: Store,
    lookups: readonly Lookup[],
    hides: readonly bigint[],
    nowMs: number,
  ): Promise<void> {
    const sinceMs = lookups.reduce((since, lookup) => Math.min(since, lookup.sinceMs), Infinity);
    this.#lookups += 1;
    this.#lookedUpRuns += lookups.length;
    const rows = await store.rows<RunRow>(LOOKUP, {
      targets: lookups.map(({ target }) => target),
      incarnations: lookups.map(({ incarnation }) => incarnation),
      since: sinceMs,
      hides,
    });
    for (const { target, incarnation } of lookups) {
      const run = this.#run(target, incarnation, nowMs);
      run.floorMs = Math.min(run.floorMs, sinceMs);
    }
    for (const row of rows) {
      const { seqs } = this.#run(BigInt(row.target_id), BigInt(row.incarnation), nowMs);
      row.firsts.forEach((first, i) => seqs.addRange(Number(first), Number(row.lasts[i]!)));
    }
  }

  #find(id: RunId): Run | undefined {
    const runs = this.#targets.get(id.targetLow, id.targetHigh);
    return runs === undefined ? undefined : runOf(runs, id.incarnationLow, id.incarnationHigh);
  }

  #run(target: bigint, incarnation: bigint, nowMs: number): Run {
    const [incarnationLow, incarnationHigh] = [lowOf(incarnation), highOf(incarnation)];
    const runs = this.#targets.find(target);
    const known = runs && runOf(runs, incarnationLow, incarnationHigh);
    if (known !== undefined) return known;
    const seqs = new SeqRanges();
    const run = {
      target,
      incarnationLow,
      incarnationHigh,
      seqs,
      floorMs: Infinity,
      heardMs: nowMs,
    };
    if (runs === undefined) this.#targets.set(target, [run]);
    else runs.push(run);
    this.#runs += 1;
    return run;
  }

  #dropSilent(sinceMs: number): void {
    for (const run of [...this.#targets.values()].flat()) {
      if (run.heardMs <= sinceMs) this.#drop(run);
    }
  }

  #drop(run: Run): void {
    const runs = this.#targets.find(run.target)!;
    runs.splice(runs.indexOf(run), 1);
    this.#runs -= 1;
    if (runs.length === 0) this.#targets.delete(run.target);
  }
}

function runOf(runs: readonly Run[], low: number, high: number): Run | undefined {
  for (let at = runs.length - 1; at >= 0; at -= 1) {
    const run = runs[at]!;
    if (run.incarnationLow === low && run.incarnationHigh === high) return run;
  }
  return undefined;
}

/** Runs that reach back about as far side by side, and among them neighbours in the table. */
function byReach(a: Lookup, b: Lookup): number {
  const hours = Math.floor(a.sinceMs / HOUR_MS) - Math.floor(b.sinceMs / HOUR_MS);
  if (hours !== 0) return hours;
  return a.target < b.target ? -1 : Number(a.target > b.target);
}
