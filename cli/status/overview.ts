import type { Store } from '../../pipeline/store/store.ts';
import type { Config } from '../config/settings.ts';
import type { AlertLine, NotificationLine, QueueDepth } from '../up/snapshot.ts';
import { Scrape } from './scrape.ts';

/** The state of the road, as its processes and the database tell it. */
export interface Overview {
  /** Names of the components that do not answer. */
  readonly silent: readonly string[];
  readonly targetsUp: number | undefined;
  readonly targetsDown: number | undefined;
  readonly samplesInPerSecond: number | undefined;
  readonly samplesStoredPerSecond: number | undefined;
  readonly freshnessSeconds: number | undefined;
  readonly queues: readonly QueueDepth[];
  readonly alerts: readonly AlertLine[];
  readonly notifications: readonly NotificationLine[];
}

export type OverviewConfig = Pick<
  Config,
  'nats' | 'collector' | 'writer' | 'alerter' | 'clickhouse' | 'general'
>;

interface Totals {
  readonly atMs: number;
  readonly samplesIn: number | undefined;
  readonly samplesStored: number | undefined;
}

const ROWS_MAX = 20;
/** Targets speak every few seconds: over a shorter time rates would jump. */
const RATE_OVER_MS = 30_000;

/** Takes overviews; rates are over the last half minute, or as long as it has been looking. */
export class OverviewTaker {
  readonly #config: OverviewConfig;
  readonly #store: Store;
  readonly #history: Totals[] = [];

  constructor(config: OverviewConfig, store: Store) {
    this.#config = config;
    this.#store = store;
  }

  /** Never throws: what cannot be had is undefined or empty. */
  async take(): Promise<Overview> {
    const { collector: c, writer: w, alerter: a } = this.#config;
    const [collector, writer, alerter, stored] = await Promise.all([
      Scrape.of(c.metricsListen),
      Scrape.of(w.metricsListen),
      Scrape.of(a.metricsListen),
      this.#fromDatabase(),
    ]);
    const rates = this.#rates({
      atMs: performance.now(),
      samplesIn: collector?.sum('rollcall_collector_samples_total'),
      samplesStored: writer?.sum('rollcall_writer_samples_total'),
    });
    const up = collector?.sum('rollcall_collector_targets_up');
    const all = collector?.sum('rollcall_collector_targets_assigned');
    return {
      silent: silentOf({ collector, writer, alerter, clickhouse: stored }),
      targetsUp: up,
      targetsDown: up === undefined || all === undefined ? undefined : all - up,
      ...rates,
      freshnessSeconds: stored?.freshnessSeconds,
      queues: this.#queues(collector, writer, alerter),
      alerts: stored?.alerts ?? [],
      notifications: stored?.notifications ?? [],
    };
  }

  #rates(now: Totals): Pick<Overview, 'samplesInPerSecond' | 'samplesStoredPerSecond'> {
    const history = this.#history;
    history.push(now);
    while (history.length > 2 && now.atMs - history[0]!.atMs > RATE_OVER_MS) history.shift();
    const before = history.length > 1 ? history[0] : undefined;
    const rate = (later?: number, earlier?: number): number | undefined => {
      if (before === undefined || later === undefined || earlier === undefined) return undefined;
      // A restarted process counts from 0 again.
      return Math.max(0, later - earlier) / ((now.atMs - before.atMs) / 1000);
    };
    return {
      samplesInPerSecond: rate(now.samplesIn, before?.samplesIn),
      samplesStoredPerSecond: rate(now.samplesStored, before?.samplesStored),
    };
  }

  #queues(collector?: Scrape, writer?: Scrape, alerter?: Scrape): QueueDepth[] {
    const { collector: c, writer: w, nats } = this.#config;
    return [
      {
        name: 'unacknowledged',
        unit: 'bytes',
        value: collector?.sum('rollcall_collector_publish_in_flight_bytes'),
        max: c.publishBytesInFlightMax,
      },
      {
        name: 'not stored',
        unit: 'bytes',
        value: writer?.sum('rollcall_writer_buffer_bytes'),
        max: w.bufferBytesMax * nats.lanes,
      },
      count('writer lag', writer?.sum('rollcall_writer_lag_messages')),
      count('alerter lag', alerter?.sum('rollcall_alerter_lag_messages')),
      count('pages waiting', alerter?.sum('rollcall_alerter_delivery_lag_records')),
    ];
  }

  async #fromDatabase(): Promise<
    Pick<Overview, 'freshnessSeconds' | 'alerts' | 'notifications'> | undefined
  > {
    try {
      const [freshness, alerts, notifications] = await Promise.all([
        this.#freshnessSeconds(),
        this.#alerts(),
        this.#notifications(),
      ]);
      return { freshnessSeconds: freshness, alerts, notifications };
    } catch {
      return undefined;
    }
  }

  async #freshnessSeconds(): Promise<number | undefined> {
    const [row] = await this.#store.rows<{ newest_ms: string }>(
      `SELECT toUnixTimestamp64Milli(max(timestamp)) AS newest_ms
       FROM frames WHERE timestamp > now() - INTERVAL 1 HOUR`,
    );
    const newestMs = Number(row?.newest_ms ?? 0);
    return newestMs > 0 ? (Date.now() - newestMs) / 1000 : undefined;
  }

  async #alerts(): Promise<AlertLine[]> {
    const rows = await this.#store.rows<{
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

  async #notifications(): Promise<NotificationLine[]> {
    const rows = await this.#store.rows<{
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
}

function count(name: string, value: number | undefined): QueueDepth {
  return { name, unit: 'count', value, max: undefined };
}

function silentOf(parts: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(parts).filter((name) => parts[name] === undefined);
}
