import type { Store } from '../store/store.ts';

/** Some series of an hour. */
export interface RollupSlice {
  readonly rollup: bigint;
  readonly closings: readonly bigint[];
  /** s since 1970. */
  readonly hour: number;
  /** The range of metrics, both ends included. */
  readonly fromMetric: bigint;
  readonly toMetric: bigint;
}

const METRICS = 2n ** 64n;

/**
 * Whole numbers of several scales are brought to the finest of them, unless a number would then be too large to be
 * exact. All of a slice is in memory; to go by the order of the key instead needed more memory and time.
 */
const MINUTES = `
  INSERT INTO rollup_minutes
    (metric_id, target_id, hour, rollup, minutes, counts, lasts_ms, scale, first, steps, lower, upper, rest, others)
  WITH
    [1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000]::Array(Int64) AS powers,
    notEmpty(extras) OR largest * powers[finest + 1] >= 4503599627370496 AS is_other,
    finest = coarsest AS is_even,
    arrayMap(scale -> powers[finest - scale + 1], scales) AS factors,
    if(is_even, wholes, arrayMap((whole, factor) -> whole * factor, wholes, factors)) AS lasts
  SELECT metric_id, target_id, {hour:DateTime('UTC')}, {rollup:UInt64}, minutes, counts, lasts_ms,
    if(is_other, -1, finest),
    if(is_other, 0, lasts[1]),
    if(is_other, [], arrayDifference(lasts)),
    multiIf(is_other, [], is_even, below, arrayMap((gap, factor) -> gap * factor, below, factors)),
    multiIf(is_other, [], is_even, above, arrayMap((gap, factor) -> gap * factor, above, factors)),
    multiIf(is_other, [], is_even, rests, arrayMap((gap, factor) -> gap * factor, rests, factors)),
    multiIf(
      NOT is_other, [],
      notEmpty(extras), extras,
      arrayFlatten(arrayMap(
        (whole, scale, less, more, left, samples) -> [
          (whole - less) / powers[scale + 1],
          (whole + more) / powers[scale + 1],
          (whole * samples + left) / powers[scale + 1],
          whole / powers[scale + 1]],
        wholes, scales, below, above, rests, counts)))
  FROM (
    SELECT metric_id, target_id,
      groupArray(toUInt8(toMinute(minute))) AS minutes, groupArray(count) AS counts, groupArray(last_ms) AS lasts_ms,
      groupArray(scale) AS scales, max(scale) AS finest, min(scale) AS coarsest,
      max(greatest(abs(lowest), abs(highest)) / exp10(scale)) AS largest,
      groupArray(last) AS wholes, groupArray(last - lowest) AS below, groupArray(highest - last) AS above,
      groupArray(total - last * count) AS rests,
      groupArrayArray(extra) AS extras
    FROM series_minutes_folded
    WHERE metric_id BETWEEN {from:UInt64} AND {to:UInt64}
      AND minute >= {hour:DateTime('UTC')} AND minute < {hour:DateTime('UTC')} + 3600
      AND closing IN {closings:Array(UInt64)}
    GROUP BY metric_id, target_id, scale < 0
  )
  SETTINGS max_threads = 1`;

const HOURS = `
  INSERT INTO rollup_hours
    (metric_id, target_id, hour, rollup, count, minimum, maximum, total, last, last_ms)
  WITH
    arrayMap((minute, ms) -> toUInt32(minute) * 60000 + ms, minutes, lasts_ms) AS times,
    arrayMax(times) AS newest
  SELECT metric_id, target_id, hour, rollup,
    arraySum(counts), arrayMin(minimums), arrayMax(maximums), arraySum(totals),
    lasts[indexOf(times, newest)], newest
  FROM rollup_minutes
  WHERE metric_id BETWEEN {from:UInt64} AND {to:UInt64}
    AND hour = {hour:DateTime('UTC')}
    AND rollup = {rollup:UInt64}
  SETTINGS max_threads = 1`;

/**
 * The parts of a roll-up, hour by hour, of about `samplesMax` samples: metrics are hashes, so ranges of them are
 * about equal.
 *
 * @param hours how many samples there are of which
 */
export function* slicesOf(
  { rollup, closings }: Pick<RollupSlice, 'rollup' | 'closings'>,
  hours: ReadonlyMap<number, number>,
  samplesMax: number,
): Generator<RollupSlice> {
  for (const [hour, samples] of hours) {
    const parts = BigInt(Math.max(1, Math.ceil(samples / samplesMax)));
    for (let part = 0n; part < parts; part += 1n) {
      const fromMetric = (METRICS * part) / parts;
      const toMetric = (METRICS * (part + 1n)) / parts - 1n;
      yield { rollup, closings, hour, fromMetric, toMetric };
    }
  }
}

/**
 * Inserts a slice. It must not be inserted a second time, not even after a failure: some of it may be there.
 *
 * @throws RollcallError `clickhouse_failed`
 */
export async function insertRollup(store: Store, slice: RollupSlice): Promise<void> {
  const { rollup, closings, hour, fromMetric: from, toMetric: to } = slice;
  await store.run(MINUTES, { rollup, closings, hour, from, to });
  await store.run(HOURS, { rollup, hour, from, to });
}

/** @throws RollcallError `clickhouse_failed` */
export async function rolledUpRows(
  store: Store,
  rollup: bigint,
  hours: readonly number[],
): Promise<{ rows: number; samples: number }> {
  if (hours.length === 0) return { rows: 0, samples: 0 };
  const [row] = await store.rows<{ rows: string; samples: string }>(
    `SELECT count() AS rows, sum(count) AS samples FROM rollup_hours
     WHERE hour IN {hours:Array(DateTime('UTC'))} AND rollup = {rollup:UInt64}`,
    { rollup, hours },
  );
  return { rows: Number(row!.rows), samples: Number(row!.samples) };
}
