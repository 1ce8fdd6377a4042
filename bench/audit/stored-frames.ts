import { REPORT_CATALOGUE } from '../../collector/target-report.ts';
import type { Store } from '../../pipeline/store/store.ts';
import { INSTANCE_PREFIX } from '../fleet/fleet.ts';
import { SERIES_LABEL } from '../fleet/synthetic-source.ts';

/** What the database says of one frame of the fleet. */
export interface StoredFrame {
  readonly instance: string;
  /** 0 where samples were found that no row of `frames` speaks of. */
  readonly incarnation: bigint;
  readonly seq: number;
  readonly timestampMs: number;
  /** Rows in `frames`. */
  readonly copies: number;
  /** What `frames` says the frame had, with what its collector said of the target. */
  readonly samples: number;
  /** What the view `metrics` shows for that instant, and its checksum (`../fleet/checksum.ts`). */
  readonly rows: number;
  readonly low: number;
  readonly high: number;
}

interface Row {
  readonly instance: string;
  readonly incarnation: string;
  readonly seq: string;
  readonly time_ms: string;
  readonly copies: string;
  readonly samples: number;
  readonly row_count: string;
  readonly low: string;
  readonly high: string;
}

/** Not what collectors say of their targets, nor what members of the centre say of themselves. */
const IS_OF_FLEET = `catalogue != ${REPORT_CATALOGUE.hash}
        AND startsWith(dictGet('{database}.targets_by_id', 'instance', target_id), '${INSTANCE_PREFIX}')`;

const EVER = "(start = '1970-01-01 00:00:00', end = '2100-01-01 00:00:00')";

/** How values are found that belong to frames, and what each weighs in a checksum. */
export type ValueRoute = 'view' | 'ids';

/** Through `metrics`, the view of dashboards, by the label that tells synthetic series apart. */
const BY_VIEW = `
        SELECT
            instance,
            time,
            reinterpretAsUInt64(value) AS bits,
            2 * toUInt64(labels['${SERIES_LABEL}']) + 1 AS weight
        FROM metrics${EVER}
        WHERE startsWith(name, 'sim_') AND cityHash64(instance) % {parts:UInt32} = {part:UInt32}`;

/** By ids, for millions of samples a second: the weight is the low half of the metric's id, made odd. */
const BY_IDS = `
        SELECT
            dictGet('{database}.targets_by_id', 'instance', target_id) AS instance,
            time,
            reinterpretAsUInt64(value) AS bits,
            bitOr(bitAnd(metric_id, 4294967295), 1) AS weight
        FROM samples_between${EVER}
        WHERE metric_id IN (
                SELECT metric_id FROM series WHERE startsWith(name, 'sim_') OR startsWith(name, 'node_')
            )
            AND target_id IN (
                SELECT id FROM targets_current
                WHERE startsWith(instance, '${INSTANCE_PREFIX}')
                    AND cityHash64(instance) % {parts:UInt32} = {part:UInt32}
            )`;

/*
 * Samples do not know incarnation and seq: these come from the frames. Sums of UInt64 wrap around,
 * which the remainder does not notice.
 */
const queryFor = (route: ValueRoute): string => `
WITH seen AS
(
    SELECT
        instance,
        toUnixTimestamp64Milli(time) AS time_ms,
        count() AS row_count,
        sum(bitAnd(bits, 4294967295) * weight) % 4294967296 AS low,
        sum(bitShiftRight(bits, 32) * weight) % 4294967296 AS high
    FROM
    (${route === 'view' ? BY_VIEW : BY_IDS}
    )
    GROUP BY instance, time_ms
),
told AS
(
    SELECT
        dictGet('{database}.targets_by_id', 'instance', target_id) AS instance,
        incarnation,
        seq,
        toUnixTimestamp64Milli(min(timestamp)) AS time_ms,
        count() AS copies,
        any(samples) AS samples
    FROM stored_frames
    WHERE ${IS_OF_FLEET} AND cityHash64(instance) % {parts:UInt32} = {part:UInt32}
    GROUP BY instance, incarnation, seq
)
SELECT
    instance, incarnation, seq, time_ms, copies, samples, row_count, low, high
FROM told FULL OUTER JOIN seen USING (instance, time_ms)
`;

/** Agents whose frames are asked for at once. */
const AGENTS_PER_QUERY = 2000;

/** Everything that the database has of simulated agents, in no particular order. */
export async function* storedFrames(
  store: Store,
  agents: number,
  route: ValueRoute = 'view',
): AsyncGenerator<StoredFrame[]> {
  const parts = Math.ceil(agents / AGENTS_PER_QUERY);
  for (let part = 0; part < parts; part += 1) {
    const rows = await store.rows<Row>(queryFor(route), { parts, part });
    yield rows.map((row) => ({
      instance: row.instance,
      incarnation: BigInt(row.incarnation),
      seq: Number(row.seq),
      timestampMs: Number(row.time_ms),
      copies: Number(row.copies),
      samples: row.samples,
      rows: Number(row.row_count),
      low: Number(row.low),
      high: Number(row.high),
    }));
  }
}

/** Frames of simulated agents that have been stored so far, repeats included. */
export async function countStored(store: Store): Promise<number> {
  const [row] = await store.rows<{ frames: string }>(
    `SELECT count() AS frames FROM stored_frames WHERE ${IS_OF_FLEET}`,
  );
  return Number(row?.frames ?? 0);
}

/** Frames of simulated agents whose minute has not been stored for good. */
export async function countOpen(store: Store): Promise<number> {
  const [row] = await store.rows<{ frames: string }>(
    `WITH (SELECT open FROM closings) AS open
     SELECT count() AS frames FROM frames_recent_then WHERE has(open, closing) AND ${IS_OF_FLEET}`,
  );
  return Number(row?.frames ?? 0);
}

/**
 * The longest time between two consecutive samples of `up` of a target, over all of them, ms: how long
 * nobody looked after it. 0 if there are none.
 */
export async function longestGapOfUpMs(
  store: Store,
  fromMs: number,
  toMs: number,
): Promise<number> {
  const [row] = await store.rows<{ gap: number | string }>(
    `SELECT max(gap) AS gap FROM
     (
         SELECT
             toUnixTimestamp64Milli(time)
                 - lagInFrame(toUnixTimestamp64Milli(time), 1, toUnixTimestamp64Milli(time))
                   OVER (PARTITION BY instance ORDER BY time
                         ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS gap
         FROM metrics${EVER}
         WHERE name = 'up' AND startsWith(instance, '${INSTANCE_PREFIX}')
             AND toUnixTimestamp64Milli(time) BETWEEN {fromMs:Int64} AND {toMs:Int64}
     )`,
    { fromMs, toMs },
  );
  return Number(row?.gap ?? 0);
}
