import type { Machine } from '../load/load-report.ts';

/** What it takes to keep samples in one layout. */
export interface LayoutReport {
  readonly name: string;
  readonly what: string;
  /** ClickHouse's CPU for inserting and for what it merges by itself, microseconds. */
  readonly cpu_us_per_sample: number;
  /** How often a row was written again by merges until they rested. */
  readonly rewrites: number;
  readonly parts_inserted: number;
  /** When merges rested. */
  readonly parts: number;
  readonly bytes_per_sample: number;
  /** With one part a partition. */
  readonly bytes_per_sample_merged: number;
  /** The median of ten, ms, before that. */
  readonly query_ms: Readonly<Record<QueryName, number>>;
}

export const QUERIES = ['hour_of_series', 'hour_of_metric', 'host_now'] as const;
export type QueryName = (typeof QUERIES)[number];

/** What it takes to keep the record of frames and minutes and hours, in the schema's layout. */
export interface RollupReport {
  /** Samples that were rolled up. */
  readonly samples: number;
  readonly seconds: number;
  /** ClickHouse's CPU, both tables, microseconds. */
  readonly cpu_us_per_sample: number;
  /** The same for writing what was rolled up once more. */
  readonly merge_us_per_sample: number;
  readonly bytes_per_series_minute: number;
  readonly bytes_per_series_hour: number;
}

/** What ClickHouse does with a recorded and varied history, and nothing else. */
export interface StorageReport {
  readonly machine: Machine;
  readonly hosts: number;
  readonly metrics: number;
  readonly interval_ms: number;
  readonly minutes: number;
  /** Inserts of each minute. */
  readonly slices: number;
  readonly samples: number;
  readonly layouts: readonly LayoutReport[];
  /** Of the record of frames, merged. */
  readonly frames_bytes_per_sample: number;
  readonly rollups: RollupReport;
}
