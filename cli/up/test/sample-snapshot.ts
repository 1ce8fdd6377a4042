import type { ServiceState, ServiceStatus } from '../service.ts';
import type { Snapshot } from '../snapshot.ts';

export const NOW_MS = Date.UTC(2026, 0, 2, 14, 3, 22);

export function service(
  name: string,
  state: ServiceState,
  pid: number | undefined,
  secondsAgo: number,
  restarts = 0,
): ServiceStatus {
  return { name, state, pid, restarts, sinceMs: NOW_MS - secondsAgo * 1000 };
}

/** A busy system with one restart and a few alerts. */
export const SAMPLE: Snapshot = {
  nowMs: NOW_MS,
  title: 'staging',
  services: [
    service('nats-server', 'ready', 4101, 724),
    service('clickhouse', 'ready', 4102, 723),
    service('collector', 'ready', 4103, 721),
    service('writer', 'restarting', undefined, 2, 3),
    service('alerter', 'ready', 4105, 719),
    service('agent', 'ready', 4106, 718),
  ],
  targetsUp: 49_988,
  targetsDown: 12,
  samplesInPerSecond: 1_998_400,
  samplesStoredPerSecond: 1_250_000,
  freshnessSeconds: 3.21,
  queues: [
    { name: 'lane 0', unit: 'bytes', value: 12 * 1024 * 1024, max: 1024 ** 3 },
    { name: 'lane 1', unit: 'bytes', value: 900 * 1024 * 1024, max: 1024 ** 3 },
    { name: 'writer', unit: 'count', value: 0, max: 1000 },
    { name: 'alerter', unit: 'count', value: undefined, max: 1000 },
  ],
  alerts: [
    { name: 'DiskFills', instance: 'db-3:9100', state: 'pending', sinceMs: NOW_MS - 45_000 },
    { name: 'HostDown', instance: 'web-12:9100', state: 'firing', sinceMs: NOW_MS - 187_000 },
    { name: 'ClockSkew', instance: undefined, state: 'firing', sinceMs: NOW_MS - 7_500_000 },
  ],
  notifications: [
    {
      timeMs: NOW_MS - 187_000,
      receiver: 'ops-webhook',
      status: 'firing',
      alert: 'HostDown',
      outcome: 'delivered',
    },
    {
      timeMs: NOW_MS - 60_000,
      receiver: 'ops-webhook',
      status: 'resolved',
      alert: 'LinkFlaps',
      outcome: 'failed: 503, retried in 4 s',
    },
  ],
  hints: ['Ctrl-C stops everything; logs are in data/logs'],
};

export const EMPTY: Snapshot = {
  nowMs: NOW_MS,
  services: [],
  targetsUp: undefined,
  targetsDown: undefined,
  samplesInPerSecond: undefined,
  samplesStoredPerSecond: undefined,
  freshnessSeconds: undefined,
  queues: [],
  alerts: [],
  notifications: [],
  hints: [],
};
