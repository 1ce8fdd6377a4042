import type { Store } from '../store/store.ts';

/** Closings of one run of a lane that are not rolled up. */
export interface WaitingRun {
  readonly run: bigint;
  /** All below it are rolled up, or can be: they are committed, or hidden for good. */
  readonly limit: bigint;
  /** Those whose rows count, ascending. */
  readonly closings: readonly bigint[];
}

/** What lanes have committed, as far as that is settled. */
export interface Waiting {
  readonly runs: readonly WaitingRun[];
  /** Whether there are committed closings that cannot be looked at now. */
  readonly isPartial: boolean;
}

interface RunRow {
  readonly run: string;
  readonly newest: string;
  readonly hides: readonly string[];
  readonly is_head: number;
  readonly is_deferred: number;
  readonly is_fresh: number;
  readonly is_over: number;
}

/**
 * Runs that count. One that has begun is the head of its lane; as long as a higher epoch has claimed the lane and not
 * begun, it is open which of the head's closings that one will hide. The newest closing waits until no insert of an
 * earlier claim can be under way. Of what was over a day before the oldest minute there are no rows.
 */
const RUNS = `
  WITH
    (SELECT min(min_time) FROM system.parts
     WHERE database = {database:String} AND table = 'series_minutes' AND active) AS oldest
  SELECT run, newest, if(epoch = head, hides, []) AS hides,
    epoch = head AS is_head,
    claimed > head AND touched > now() - INTERVAL 1 DAY AS is_deferred,
    at > now() - INTERVAL 10 MINUTE AS is_fresh,
    epoch != head AND toUnixTimestamp(oldest) > 0 AND at < oldest - INTERVAL 1 DAY AS is_over
  FROM (
    SELECT epoch, run, max(number) AS newest, argMax(hides, number) AS hides, max(written_at) AS at,
           maxIf(epoch, max(number) > 0) OVER (PARTITION BY lane, stream_id) AS head,
           max(epoch) OVER (PARTITION BY lane, stream_id) AS claimed,
           max(max(written_at)) OVER (PARTITION BY lane, stream_id) AS touched
    FROM lane_runs
    WHERE lane != 'log'
    GROUP BY lane, stream_id, epoch, run
  )
  WHERE newest > 0 AND epoch <= head`;

/**
 * The closings that are committed for good and not rolled up.
 *
 * @param below by run: what is rolled up
 * @throws RollcallError `clickhouse_failed`
 */
export async function waitingClosings(
  store: Store,
  below: ReadonlyMap<bigint, bigint>,
): Promise<Waiting> {
  const rows = await store.rows<RunRow>(RUNS, { database: store.database });
  const hidden = new Set(rows.flatMap(({ hides }) => hides.map(BigInt)));
  const known = rows.filter((row) => row.is_over === 0);
  const runs = known.map((row) => waitingRun(row, below.get(BigInt(row.run)), hidden));
  return { runs, isPartial: known.some((row) => row.is_deferred === 1) };
}

function waitingRun(
  row: RunRow,
  below: bigint | undefined,
  hidden: ReadonlySet<bigint>,
): WaitingRun {
  const run = BigInt(row.run);
  const from = below ?? run + 1n;
  if (row.is_deferred === 1) return { run, limit: from, closings: [] };
  const held = row.is_head === 1 && row.is_fresh === 1 ? 1n : 0n;
  const committed = run + BigInt(row.newest) - held;
  const closings: bigint[] = [];
  for (let closing = from; closing < committed; closing += 1n) {
    if (!hidden.has(closing)) closings.push(closing);
  }
  return { run, limit: committed > from ? committed : from, closings };
}
