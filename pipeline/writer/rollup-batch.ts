import type { Store } from '../store/store.ts';
import type { Waiting } from './waiting-closings.ts';

const HOUR_MS = 3_600_000;
/** Closings of one roll-up: their list goes along with every statement. */
const CLOSINGS_MAX = 1000;

/** What is rolled up together. */
export interface RollupBatch {
  readonly closings: readonly bigint[];
  /** How many samples they have of which hours, s since 1970, the earliest first. */
  readonly hours: ReadonlyMap<number, number>;
  /** By run: what is rolled up afterwards. */
  readonly below: ReadonlyMap<bigint, bigint>;
  /** Whether there is more to do. */
  readonly isCut: boolean;
}

interface ClosingRow {
  readonly closing: string;
  readonly is_later: number;
  readonly hours: readonly number[];
  /** Samples, by hour. */
  readonly counts: readonly string[];
}

/** A closing belongs to a later hour when most of its frames do: clocks may be ahead, and some frames come late. */
const CLOSINGS = `
  SELECT closing, countIf(timestamp >= fromUnixTimestamp64Milli({end:Int64}, 'UTC')) * 2 > count() AS is_later,
    sumMap([toUnixTimestamp(toStartOfHour(timestamp))], [toUInt64(samples)]) AS sums,
    tupleElement(sums, 1) AS hours, tupleElement(sums, 2) AS counts
  FROM frames
  WHERE closing IN {closings:Array(UInt64)}
  GROUP BY closing`;

/** Frames may be kept for a shorter time than their samples. */
const WITHOUT_FRAMES = `
  SELECT sumMap([toUnixTimestamp(toStartOfHour(minute))], [length(offsets_ms)]) AS sums,
    tupleElement(sums, 1) AS hours, tupleElement(sums, 2) AS counts
  FROM series_minutes
  WHERE closing IN {closings:Array(UInt64)}`;

/**
 * The next closings to roll up, run by run in their order, up to those of hours that are not over. So an hour
 * becomes one row of a series, and late samples one more.
 *
 * @param below by run: what is rolled up
 * @param endMs when the last hour ended that is over
 * @throws RollcallError `clickhouse_failed`
 */
export async function rollupBatch(
  store: Store,
  { runs }: Waiting,
  below: ReadonlyMap<bigint, bigint>,
  endMs: number,
): Promise<RollupBatch> {
  const after = new Map<bigint, bigint>();
  const closings: bigint[] = [];
  let isCut = false;
  const looked = await lookAt(store, firstOf(runs.map((run) => run.closings)), endMs);
  for (const { run, limit, closings: ofRun } of runs) {
    const next = ofRun.find(
      (closing) => !looked.has(closing) || looked.get(closing)!.is_later === 1,
    );
    isCut ||= next !== undefined && !looked.has(next);
    const done = next === undefined ? ofRun : ofRun.slice(0, ofRun.indexOf(next));
    closings.push(...done);
    const reached = next ?? limit;
    if (reached > run + 1n || below.has(run)) after.set(run, reached);
  }
  const said = closings.map((closing) => looked.get(closing)!);
  const unsaid = closings.filter((_, index) => said[index]!.hours.length === 0);
  const hours = hoursOf([...said, ...(await withoutFrames(store, unsaid))]);
  return { closings, hours, below: after, isCut };
}

type Hours = Pick<ClosingRow, 'hours' | 'counts'>;

function hoursOf(rows: readonly Hours[]): Map<number, number> {
  const sums = new Map<number, number>();
  for (const { hours, counts } of rows) {
    for (const [index, hour] of hours.entries()) {
      sums.set(hour, (sums.get(hour) ?? 0) + Number(counts[index]));
    }
  }
  return new Map([...sums].toSorted(([a], [b]) => a - b));
}

/** As many of each run, from its oldest on, as there is room for. */
function firstOf(runs: readonly (readonly bigint[])[]): bigint[] {
  const found: bigint[] = [];
  let left = CLOSINGS_MAX;
  const waiting = runs.filter(({ length }) => length > 0).toSorted((a, b) => a.length - b.length);
  for (const [index, closings] of waiting.entries()) {
    const share = Math.ceil(left / (waiting.length - index));
    const taken = closings.slice(0, share);
    found.push(...taken);
    left -= taken.length;
  }
  return found;
}

/** What the frames say of closings; of those without any that there are none. */
async function lookAt(
  store: Store,
  closings: readonly bigint[],
  endMs: number,
): Promise<Map<bigint, ClosingRow>> {
  const looked = new Map<bigint, ClosingRow>(
    closings.map((closing) => {
      return [closing, { closing: `${closing}`, is_later: 0, hours: [], counts: [] }];
    }),
  );
  if (closings.length === 0) return looked;
  const rows = await store.rows<ClosingRow>(CLOSINGS, { closings, end: endMs });
  for (const row of rows) looked.set(BigInt(row.closing), row);
  return looked;
}

async function withoutFrames(store: Store, closings: readonly bigint[]): Promise<Hours[]> {
  return closings.length === 0 ? [] : store.rows<Hours>(WITHOUT_FRAMES, { closings });
}

/** When the last hour ended that is over, and whose closings have had their time. */
export function lastHourEndMs(nowMs: number, graceMs: number): number {
  return Math.floor((nowMs - graceMs) / HOUR_MS) * HOUR_MS;
}
