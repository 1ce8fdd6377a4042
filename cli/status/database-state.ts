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
}

const ROWS_MAX = 20;

/** Undefined if ClickHouse does not answer, or has not got the tables. */
export async function readDatabase(store: Store): Promise<DatabaseState | undefined> {
  try {
    const [freshness, alertLines, notificationLines, instances, membership] = await Promise.all([
      freshnessSeconds(store),
      alerts(store),
      notifications(store),
      down(store),
      readMembership(store),
    ]);
    return {
      freshnessSeconds: freshness,
      alerts: alertLines,
      notifications: notificationLines,
      down: instances,
      ...membership,
    };
  } catch {
    return undefined;
  }
}

async function freshnessSeconds(store: Store): Promise<number | undefined> {
  const [row] = await store.rows<{ newest_ms: string }>(
    `SELECT toUnixTimestamp64Milli(max(timestamp)) AS newest_ms
     FROM frames WHERE timestamp > now() - INTERVAL 1 HOUR`,
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

async function down(store: Store): Promise<string[]> {
  const rows = await store.rows<{ instance: string }>(
    `SELECT instance FROM metric(name = 'up')
     WHERE time > now64(3) - INTERVAL 15 SECOND AND instance != ''
     GROUP BY instance HAVING argMax(value, time) = 0 ORDER BY instance LIMIT ${ROWS_MAX}`,
  );
  return rows.map(({ instance }) => instance);
}
