import { reasonOf } from '../../pipeline/error.ts';
import type { Store } from '../../pipeline/store/store.ts';
import type { AlertLine, NotificationLine } from '../up/snapshot.ts';
import { readMembership } from './members.ts';
import type { Membership } from './members.ts';

/** What ClickHouse knows of the road's state. */
export interface DatabaseState extends Membership {
  readonly freshnessSeconds: number | undefined;
  readonly alerts: readonly AlertLine[];
  readonly notifications: readonly NotificationLine[];
  /** Instances that do not answer, at most 20 of them. */
  readonly down: readonly string[];
  /** Instances of which nothing is said, at most 20 of them. */
  readonly unheard: readonly string[];
}

const ROWS_MAX = 20;

/** ClickHouse answers, but not this; what a person can do about it. */
export interface DatabaseFault {
  readonly fault: string;
}

/** Undefined if ClickHouse does not answer. */
export async function readDatabase(
  store: Store,
): Promise<DatabaseState | DatabaseFault | undefined> {
  try {
    const [freshness, alertLines, notificationLines, silentTargets, membership] = await Promise.all(
      [
        freshnessSeconds(store),
        alerts(store),
        notifications(store),
        down(store),
        readMembership(store),
      ],
    );
    return {
      freshnessSeconds: freshness,
      alerts: alertLines,
      notifications: notificationLines,
      ...silentTargets,
      ...membership,
    };
  } catch (error) {
    const answers = await store.ping().catch(() => false);
    return answers ? { fault: faultOf(error) } : undefined;
  }
}

/** As ClickHouse names them: the schema is not there, or is that of another version. */
const SCHEMA_ERRORS = /UNKNOWN_(DATABASE|TABLE|IDENTIFIER|FUNCTION)|NO_SUCH_COLUMN/;

function faultOf(error: unknown): string {
  const { type = '' } = ((error as Error).cause ?? {}) as { type?: string };
  if (!SCHEMA_ERRORS.test(type)) return reasonOf(error);
  return 'it lacks tables, or has those of another version: "./rollcall migrate" makes them';
}

async function freshnessSeconds(store: Store): Promise<number | undefined> {
  const [row] = await store.rows<{ newest_ms: string }>(
    `SELECT toUnixTimestamp64Milli(max(timestamp)) AS newest_ms
     FROM stored_frames WHERE timestamp > now() - INTERVAL 1 HOUR`,
  );
  const newestMs = Number(row?.newest_ms ?? 0);
  return newestMs > 0 ? (Date.now() - newestMs) / 1000 : undefined;
}

async function alerts(store: Store): Promise<AlertLine[]> {
  const rows = await store.rows<{
    alert: string;
    state: string;
    instance: string;
    since_ms: string;
  }>(
    `SELECT alert, state, labels['instance'] AS instance,
            toUnixTimestamp64Milli(since) AS since_ms
     FROM alerts ORDER BY state, since DESC LIMIT ${ROWS_MAX}`,
  );
  return rows.map(({ alert, state, instance, since_ms: sinceMs }) => {
    return { name: alert, state, instance, sinceMs: Number(sinceMs) };
  });
}

async function notifications(store: Store): Promise<NotificationLine[]> {
  const rows = await store.rows<{
    time_ms: string;
    receiver: string;
    status: string;
    alert: string;
    outcome: string;
  }>(
    `SELECT toUnixTimestamp64Milli(time) AS time_ms, receiver, status, alert, outcome
     FROM notifications ORDER BY time DESC LIMIT ${ROWS_MAX}`,
  );
  return rows.map(({ time_ms: timeMs, ...rest }) => ({ timeMs: Number(timeMs), ...rest }));
}

/**
 * What is said of a target at each of its intervals is the present for three of them. At first nothing is
 * said of one that has not been reached.
 */
async function down(store: Store): Promise<Pick<DatabaseState, 'down' | 'unheard'>> {
  const current = `
    SELECT instance, greatest(15000, 3 * interval_ms) AS fresh_ms
    FROM targets_current WHERE NOT is_deleted AND address != ''`;
  const [longest] = await store.rows<{ seconds: number }>(
    `SELECT toUInt32(ceil(max(fresh_ms) / 1000)) AS seconds FROM (${current})`,
  );
  const rows = await store.rows<{ instance: string; is_heard: boolean }>(
    `WITH current AS (${current})
     SELECT instance, toBool(newest > now64(3) - toIntervalMillisecond(fresh_ms)) AS is_heard
     FROM current LEFT JOIN
       (SELECT instance, max(time) AS newest, argMax(value, time) AS last
        FROM metric(name = 'up', start = now() - {over:UInt32}, end = now() + 86400)
        GROUP BY instance) AS said USING (instance)
     WHERE NOT is_heard OR last = 0
     ORDER BY instance LIMIT ${ROWS_MAX} BY is_heard`,
    { over: longest?.seconds ?? 0 },
  );
  const [heard, unheard] = [true, false].map((is) =>
    rows.filter((row) => row.is_heard === is).map(({ instance }) => instance),
  );
  return { down: heard!, unheard: unheard! };
}
