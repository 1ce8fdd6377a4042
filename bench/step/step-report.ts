import type { LoadReport, Machine } from '../load/load-report.ts';

/** What a step must keep to; beyond any of these it gives. */
export interface StepBounds {
  readonly freshness_p99_ms_max: number;
  readonly alert_latency_p99_ms_max: number;
  /** Of all cores, 0 to 1. */
  readonly machine_busy_share_max: number;
  /** Of one core, by any thread of a collector, writer or alerter, 0 to 1. */
  readonly thread_busy_share_max: number;
  /** Open files of a process, of what it may open, 0 to 1. */
  readonly descriptors_share_max: number;
  /** Frames that were sent, of those that should have been, 0 to 1. */
  readonly frames_share_min: number;
  /** A queue may hold so many seconds of traffic more at the end of the measurement than at its beginning. */
  readonly queue_growth_seconds_max: number;
}

/** Something beyond a bound: a resource that is used up, or what users notice of it. */
export interface Finding {
  readonly kind: 'resource' | 'symptom';
  /** Such as `machine CPU` or `freshness`. */
  readonly what: string;
  /** What was measured, and the bound. */
  readonly evidence: string;
}

export interface Step {
  readonly agents: number;
  /** Null if the system did not come up; then a finding says why. */
  readonly load: LoadReport | null;
  readonly findings: readonly Finding[];
}

export interface StepReport {
  /** Null if not even the first step came up. */
  readonly machine: Machine | null;
  readonly started_at: string;
  readonly command: string;
  readonly bounds: StepBounds;
  readonly steps: readonly Step[];
  /** The most agents that were carried within all bounds; 0 if none were. */
  readonly agents_carried: number;
  /** The number that was too many; null if nothing gave. */
  readonly agents_gave: number | null;
  readonly verdict: string;
}
