import type { Machine } from '../load/load-report.ts';
import type { PeerName } from './peer.ts';
import type { Stage } from './peers-options.ts';
import type { QuestionKind } from './question.ts';

export interface PartReport {
  readonly part: string;
  /** Microseconds of CPU for each sample that was stored, idling included. */
  readonly cpu_us_per_sample: number;
  /** Cores that it used when there were no targets. */
  readonly idle_cores: number;
  readonly rss_peak_bytes: number;
}

/** What it takes a system to watch the fleet. */
export interface IngestReport {
  readonly seconds: number;
  /** Targets times metrics, for every interval of the measurement. */
  readonly samples_expected: number;
  /** Samples that the system says it has stored while it was measured, its own about targets included. */
  readonly samples_stored: number;
  readonly samples_per_second: number;
  /** All of it: what is used without targets and what is left to be done when the targets are silent included. */
  readonly cpu_us_per_sample: number;
  /** The same without what is used when there are no targets. */
  readonly cpu_us_per_sample_above_idle: number;
  /** Part of both: what was left to be done. 0 where it was not looked at. */
  readonly drain_us_per_sample: number;
  readonly idle_cores: number;
  readonly idle_rss_bytes: number;
  readonly rss_peak_bytes: number;
  readonly rss_peak_bytes_per_target: number;
  readonly parts: readonly PartReport[];
  /** What the simulated servers used for each of these samples; no part of anything above. */
  readonly simulator_us_per_sample: number;
}

/** What it takes to keep the history. */
export interface DiskReport {
  readonly samples: number;
  /** As the system says. */
  readonly samples_stored: number;
  readonly bytes: number;
  readonly bytes_per_sample: number;
  /** Beside that, of minutes and hours as far as they have been made; 0 in systems that have none. */
  readonly rollup_bytes: number;
  /** Until everything was stored, and then merged. */
  readonly load_seconds: number;
  readonly settle_seconds: number;
}

export interface Latency {
  readonly runs: number;
  readonly p50_ms: number;
  readonly p95_ms: number;
  readonly max_ms: number;
}

/** Answers while the whole fleet was being watched. */
export type QueryReport = Readonly<Record<QuestionKind, Latency>>;

/** What was found of one system; a stage that was not asked for is missing. */
export interface PeerReport {
  readonly ingest?: IngestReport;
  readonly disk?: DiskReport;
  readonly queries?: QueryReport;
}

export interface PeersReport {
  readonly machine: Machine;
  /** Of all programs. */
  readonly versions: Readonly<Record<string, string>>;
  readonly targets: number;
  readonly metrics: number;
  readonly interval_ms: number;
  readonly seconds: number;
  readonly warm_up_seconds: number;
  readonly history_hosts: number;
  readonly history_hours: number;
  /** Evaluated by Rollcall while it was measured; the peers have none. */
  readonly rules: number;
  readonly stages: readonly Stage[];
  readonly peers: Readonly<Record<PeerName, PeerReport>>;
  /** What is wrong with the run: answers that differ, samples that are missing. */
  readonly problems: readonly string[];
}
