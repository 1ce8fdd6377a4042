import type { Store } from '../store/store.ts';
import type { Waiting } from './waiting-closings.ts';

const HOUR_MS = 3_600_000;
/** Closings of one roll-up: their list goes along with every statement. */
const CLOSINGS_MAX = 1000;

/** What is rolled up together. */
export interface RollupBatch {
  readonly closings: readonly bigint[];
  /** Hours that have samples in them, s since 1970. */
  readonly hours: readonly number[];
  /** As the frames say. */
  readonly samples: number;
  /** By run: what is rolled up afterwards. */
  readonly below: ReadonlyMap<bigint, bigint>;
  /** Whether there is more to do. */
  readonly isCut: boolean;
}

interface ClosingRow {
  readonly closing: string;
  readonly is_later: number;
  readonly samples: string;
  readonly hours: readonly number[];
}

/** A closing belongs to a later hour when most of its frames do: clocks may be ahead, and some frames come late. */
const CLOSINGS = `
  SELECT closing, countIf(timestamp >= fromUnixTimestamp64Milli({end:Int64}, 'UTC')) * 2 > count() AS is_later,
    sum(samples) AS samples, groupUniqArray(toUnixTimestamp(toStartOfHour(timestamp))) AS hours
  FROM frames
  WHERE closing IN {closings:Array(UInt64)}
  GROUP BY closing`;

const HOURS = `
  SELECT groupUniqArray(toUnixTimestamp(toStartOfHour(minute))) AS hours
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
  const hours = new Set<number>();
  let samples = 0;
  let isCut = false;
  const looked = await lookAt(store, firstOf(runs.map((run) => run.closings)), endMs);
  for (const { run, limit, closings: ofRun } of runs) {
    const next = ofRun.find(
      (closing) => !looked.has(closing) || looked.get(closing)!.is_later === 1,
    );
    isCut ||= next !== undefined && !looked.has(next);
    const done = next === undefined ? ofRun : ofRun.slice(0, ofRun.indexOf(next));
    for (const closing of done) {
      const row = looked.get(closing)!;
      closings.push(closing);
      samples += Number(row.samples);
      for (const hour of row.hours) hours.add(hour);
    }
    const reached = next ?? limit;
    if (reached > run + 1n || below.has(run)) after.set(run, reached);
  }
  const unsaid = closings.filter((closing) => looked.get(closing)!.hours.length === 0);
  for (const hour of await hoursOf(store, unsaid)) hours.add(hour);
  const sorted = [...Uint32Array.from(hours).toSorted()];
  return { closings, hours: sorted, samples, below: after, isCut };
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
      return [closing, { closing: `${closing}`, is_later: 0, samples: '0', hours: [] }];
    }),
  );
  if (closings.length === 0) return looked;
  const rows = await store.rows<ClosingRow>(CLOSINGS, { closings, end: endMs });
  for (const row of rows) looked.set(BigInt(row.closing), row);
  return looked;
}

/** Frames may be kept for a shorter time than their samples: those of a closing without any are looked for. */
async function hoursOf(store: Store, closings: readonly bigint[]): Promise<readonly number[]> {
  if (closings.length === 0) return [];
  const [row] = await store.rows<{ hours: number[] }>(HOURS, { closings });
  return row!.hours;
}

/** When the last hour ended that is over, and whose closings have had their time. */
export function lastHourEndMs(nowMs: number, graceMs: number): number {
  return Math.floor((nowMs - graceMs) / HOUR_MS) * HOUR_MS;
}
