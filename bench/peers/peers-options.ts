import type { Role } from '../system/system.ts';

export const STAGES = ['ingest', 'disk', 'queries'] as const;
export type Stage = (typeof STAGES)[number];

export interface PeerPrograms {
  readonly nats: string;
  readonly prometheus: string;
  readonly promtool: string;
  readonly victoriaMetrics: string;
}

export interface PeersOptions {
  readonly programs: PeerPrograms;
  /** Where data and logs stay after the run; they go away if it is left out. */
  readonly keepIn: string | undefined;
  readonly stages: ReadonlySet<Stage>;
  readonly targets: number;
  /** Series of each target, at least `METRICS_MIN`. */
  readonly metrics: number;
  readonly intervalMs: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** How long each system is watched without targets. */
  readonly idleSeconds: number;
  readonly historyHosts: number;
  readonly historyMs: number;
  /** Of each question. */
  readonly queryRuns: number;
  /** Nothing more is merged once nothing has been for so long. */
  readonly stillMs: number;
  readonly processes: Readonly<Record<Role, number>>;
  readonly seed: number;
  readonly say: (progress: string) => void;
}

/** The breaches and all recorded series that vary: what is asked for is among them. */
export const METRICS_MIN = 102;
