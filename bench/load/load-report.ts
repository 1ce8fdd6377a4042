/** The parts whose CPU and memory are told apart; ClickHouse's time after the load has ended is told by itself. */
export const COMPONENTS = ['collector', 'nats', 'writer', 'clickhouse', 'alerter'] as const;
export type Component = (typeof COMPONENTS)[number];

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
   * sink that only acknowledges.
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

export interface LoadReport {
  readonly machine: Machine;
  readonly agents: number;
  readonly metrics: number;
  readonly interval_ms: number;
  /** Of the measurement, without warm-up and drain. */
  readonly seconds: number;
  readonly warm_up_seconds: number;
  readonly drain_seconds: number;
  readonly is_tls: boolean;
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
  /** Growth of resident memory over the measurement, by least squares. */
  readonly rss_bytes_per_minute: Readonly<Record<Component, number>>;
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
  };
  readonly timeline: readonly TimelineRow[];
}
