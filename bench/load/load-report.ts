import type { CatalogueKind } from '../fleet/fleet-protocol.ts';

/** The parts whose CPU and memory are told apart; ClickHouse's time after the load has ended is told by itself. */
export const COMPONENTS = ['collector', 'nats', 'writer', 'clickhouse', 'alerter'] as const;
export type Component = (typeof COMPONENTS)[number];

/** Shorter measurements have no trend. */
export const TREND_SECONDS_MIN = 300;

export interface Quantiles {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Microseconds of CPU for each sample that was stored. */
export interface CpuPerSample extends Readonly<Record<Component, number>> {
  /** All components, `clickhouse_drain` included, `simulator` not. */
  readonly total: number;
  /** What merges cost after the last frame was stored, until there is nothing left to merge. */
  readonly clickhouse_drain: number;
  /** The simulated fleet's own. */
  readonly simulator: number;
  /**
   * All that the machine was busy with, interrupts included, less what the same fleet costs when it talks to a
   * sink that only acknowledges. NaN, null in JSON, if that was not measured.
   */
  readonly machine: number;
}

/** One second or so of a run. Rates are per second, sizes in bytes, CPU in cores. */
export interface TimelineRow {
  /** Since the measurement began: negative while warming up. */
  readonly seconds: number;
  readonly samples_sent_per_second: number;
  readonly samples_stored_per_second: number;
  /** Age of the newest sample that a query finds, by target asked; the median. */
  readonly freshness_ms: number | undefined;
  readonly cpu_cores: Readonly<Record<Component | 'simulator' | 'machine', number>>;
  readonly rss_bytes: Readonly<Record<Component | 'simulator', number>>;
  /** What waits on the road: agents' rings, batches and publishes, streams, the writer's buffer. */
  readonly queue_bytes: Readonly<Record<'rings' | 'collector' | 'streams' | 'writer', number>>;
  /** Messages that the alerter has not evaluated. */
  readonly alerter_lag_messages: number;
  /** Active parts of `samples`. */
  readonly parts: number;
}

export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly memory_bytes: number;
  readonly kernel: string;
  readonly versions: Readonly<Record<'node' | 'nats' | 'clickhouse' | 'rollcall', string>>;
  /** Of the tree that was measured; `-dirty` if it was not committed. */
  readonly commit: string;
}

/** The processes of ours, whose threads and descriptors are looked at. */
export const MEMBERS = ['collector', 'writer', 'alerter'] as const;
export type MemberRole = (typeof MEMBERS)[number];

/** What changes while nothing should, from least squares over the second half of a long measurement. */
export interface Trend {
  /** Of the measurement: where the second half begins. */
  readonly from_seconds: number;
  readonly rss_bytes_per_minute: Readonly<Record<Component, number>>;
  readonly freshness_ms_per_minute: number;
  readonly parts_per_minute: number;
}

/** Open files of the process of a role that has most. */
export interface Descriptors {
  readonly open: number;
  /** What a process may open; not above 2^53. */
  readonly limit: number;
}

/** Times as in ISO 8601. */
export interface SlowPage {
  readonly alertname: string;
  readonly instance: string;
  readonly starts_at: string;
  readonly received_at: string;
  readonly delay_ms: number;
}

export interface LoadReport {
  readonly machine: Machine;
  /** When the run began, as in ISO 8601. */
  readonly started_at: string;
  /** What was typed. */
  readonly command: string;
  readonly seed: number;
  readonly agents: number;
  readonly metrics: number;
  readonly interval_ms: number;
  /** Of the measurement, without warm-up and drain. */
  readonly seconds: number;
  readonly warm_up_seconds: number;
  readonly drain_seconds: number;
  /** Mutual TLS between collectors and servers. */
  readonly tls: boolean;
  /** Whether every server has series of its own, as real ones do. */
  readonly catalogues: CatalogueKind;
  readonly processes: Readonly<Record<'collector' | 'writer' | 'alerter', number>>;
  readonly rules: number;
  readonly samples_per_second: number;
  readonly samples_sent: number;
  readonly samples_stored: number;
  readonly samples_dropped: number;
  readonly samples_lost: number;
  readonly samples_duplicated: number;
  /** Stored with another value, time or number than they were sent with. */
  readonly samples_changed: number;
  /** Ticks that agents skipped because they were late. */
  readonly ticks_skipped: number;
  readonly cpu_us_per_sample: CpuPerSample;
  readonly rss_peak_bytes: Readonly<Record<Component | 'total' | 'simulator', number>>;
  /** What collectors had resident at most, less what they had before their first target, by connection. */
  readonly collector_bytes_per_connection: number;
  /** Null if it was measured for less than `TREND_SECONDS_MIN`: a heap that fills says nothing. */
  readonly trend: Trend | null;
  /** Of all cores together while it was measured, 0 to 1. */
  readonly machine_busy_share: number;
  /** Of one core, by the busiest thread of the role while it was measured, 0 to 1. */
  readonly busiest_thread_share: Readonly<Record<MemberRole, number>>;
  readonly descriptors: Readonly<Record<MemberRole, Descriptors>>;
  readonly wire_bytes_per_sample: number;
  readonly disk_bytes_per_sample: number;
  readonly parts: number;
  readonly freshness_ms: Quantiles;
  readonly alert_latency_ms: Quantiles;
  readonly pages: {
    readonly paged: number;
    readonly missed: number;
    readonly repeated: number;
    readonly false: number;
    /** Those that came latest after the sample they are about, the slowest first. */
    readonly slowest: readonly SlowPage[];
  };
  readonly timeline: readonly TimelineRow[];
}
