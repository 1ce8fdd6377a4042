import type { Test } from 'tap';
import type { Store } from '../../store/store.ts';
import type { RunLedger } from '../run-ledger.ts';

export const HOUR_MS = 3_600_000;
export const MINUTE_MS = 60_000;
const NEVER = new AbortController().signal;

/** What a look of a `Rollup` in a test is not ended by. */
export const UNTOLD = NEVER;

/** Beginning of the hour that many hours before this one, ms. */
export function hourMs(before: number): number {
  return (Math.floor(Date.now() / HOUR_MS) - before) * HOUR_MS;
}

/** Of one series, minute by minute: three samples of which the last is not the largest. */
function minuteRow(closing: bigint, minuteMs: number, series: number): object {
  const minute = minuteMs / MINUTE_MS;
  return {
    metric_id: String(series % 3),
    target_id: String(series),
    minute: minuteMs / 1000,
    offsets_ms: [0, 20_000, 40_000],
    // Scales change from minute to minute.
    scale: minute % 3,
    first: minute * series,
    steps: [7, -(minute % 11)],
    others: [],
    closing: `${closing}`,
  };
}

/** Minutes of one closing: fewer rows in the ledger than there would be. */
const MINUTES_MAX = 10;

/** Inserts closings as a writer does, of ten minutes each, and commits them one after the other. */
export async function commitMinutes(
  store: Store,
  ledger: RunLedger,
  minutesMs: readonly number[],
  series = 4,
): Promise<void> {
  await insertMinutes(store, ledger.closing, minutesMs, series);
  for (let at = 0; at < minutesMs.length; at += MINUTES_MAX) {
    await ledger.commit({ fromSeq: 1, toSeq: 1 });
  }
}

/** The rows of such closings. */
export async function insertMinutes(
  store: Store,
  first: bigint,
  minutesMs: readonly number[],
  series = 4,
): Promise<void> {
  const all = Array.from({ length: series }, (_, index) => index);
  const closings = minutesMs.map((minuteMs, index) => {
    return [first + BigInt(Math.floor(index / MINUTES_MAX)), minuteMs] as const;
  });
  await store.insertRows(
    'series_minutes',
    closings.flatMap(([closing, minuteMs]) => all.map((one) => minuteRow(closing, minuteMs, one))),
  );
  await store.insertRows(
    'frames',
    closings.flatMap(([closing, minuteMs]) =>
      all.map((one) => ({
        target_id: `${one}`,
        seq: `${closing}`,
        timestamp: minuteMs,
        samples: 3,
        closing: `${closing}`,
      })),
    ),
  );
}

/** Minutes of an hour. */
export function minutesOf(startMs: number, count = 60): number[] {
  return Array.from({ length: count }, (_, minute) => startMs + minute * MINUTE_MS);
}

/** A text that is compared, and a total that is about the same, for it depends on the order. */
type Row = readonly [text: string, total: number];

/** What the view shows, by series and step. Which zero is the smallest is nobody's business: `+ 0`. */
async function shown(store: Store, step: number, startMs: number, endMs: number): Promise<Row[]> {
  const rows = await store.rows<Record<string, string>>(
    `SELECT concat(metric_id, ' ', target_id, ' ', time) AS key, toString(count) AS count,
       toString(minimum + 0) AS least, toString(maximum + 0) AS most, toString(last) AS last, toString(total) AS total
     FROM rollup_between(start = {start:Int64}, end = {end:Int64}, step = ${step})
     ORDER BY key`,
    { start: startMs, end: endMs },
  );
  return rows.map(rowOf);
}

/** The same, worked out of the samples. */
async function wanted(store: Store, step: number, startMs: number, endMs: number): Promise<Row[]> {
  const rows = await store.rows<Record<string, string>>(
    `SELECT concat(metric_id, ' ', target_id, ' ', begin) AS key, toString(count()) AS count,
       toString(if(countIf(NOT isNaN(value)) = 0, nan, minIf(value, NOT isNaN(value))) + 0) AS least,
       toString(if(countIf(NOT isNaN(value)) = 0, nan, maxIf(value, NOT isNaN(value))) + 0) AS most,
       toString(argMax(value, time)) AS last, toString(sum(value)) AS total
     FROM (SELECT *, toDateTime64(toStartOfInterval(time, toIntervalSecond(${step})), 3, 'UTC') AS begin
           FROM samples_between(start = {start:Int64}, end = {end:Int64}))
     GROUP BY metric_id, target_id, begin
     ORDER BY key`,
    { start: startMs, end: endMs },
  );
  return rows.map(rowOf);
}

function rowOf(row: Record<string, string>): Row {
  const { key, count, least, most, last, total } = row;
  return [`${key}: ${count} ${least} ${most} ${last}`, Number(total)];
}

/** Both agree, by the minute and by the hour; the range begins and ends with hours. */
export async function sameAnswers(
  t: Test,
  store: Store,
  startMs: number,
  endMs: number,
  what: string,
): Promise<void> {
  for (const step of [60, 3600]) {
    const of = await shown(store, step, startMs, endMs);
    const should = await wanted(store, step, startMs, endMs);
    const texts = (rows: Row[]): string[] => rows.map(([text]) => text);
    t.same(texts(of), texts(should), `${what}, steps of ${step} s`);
    const wrong = of.filter(([, total], index) => !isAbout(total, should[index]?.[1] ?? 0));
    t.same(wrong, [], `${what}, totals of steps of ${step} s`);
    t.ok(of.length > 0, `${what}: there is something`);
  }
}

function isAbout(a: number, b: number): boolean {
  return Object.is(a, b) || Math.abs(a - b) <= 1e-12 * Math.abs(b);
}

/** What roll-ups of a range hold that count. */
export async function rolledUpSamples(store: Store): Promise<number> {
  const [row] = await store.rows<{ n: string }>(
    `WITH (SELECT (newest, hides) FROM rollups) AS rolled
     SELECT sum(count) AS n FROM rollup_hours
     WHERE rollup <= rolled.1 AND NOT has(rolled.2, rollup)`,
  );
  return Number(row!.n);
}
