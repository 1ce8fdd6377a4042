import type { Role } from '../system/system.ts';
import type { CatalogueKind } from '../fleet/fleet-protocol.ts';
import type { TimelineRow } from './load-report.ts';

/** How thorough the parts around the measurement are. */
export interface LoadWaits {
  /** How long the simulated servers' own cost is measured, and longer if intervals are long; 0: not at all. */
  readonly simulatorMs: number;
  /** How long ClickHouse must have merged nothing before it is believed to be done. */
  readonly mergesStillMs: number;
}

export const LOAD_WAITS: LoadWaits = { simulatorMs: 10_000, mergesStillMs: 20_000 };

export interface LoadBenchOptions {
  /** Where data and logs stay after the run; they go away if it is left out. */
  readonly keepIn: string | undefined;
  readonly natsProgram: string;
  /** Where fetched programs and libraries are kept. */
  readonly cacheDir: string;
  readonly agents: number;
  /** Series of each agent. */
  readonly metrics: number;
  readonly intervalMs: number;
  /** How long it is measured, and how long everything runs before that. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly processes: Readonly<Record<Role, number>>;
  /** Prometheus rule file; the bench's own if left out. */
  readonly rulesFile: string | undefined;
  readonly isTls: boolean;
  readonly catalogues: CatalogueKind;
  readonly seed: number;
  /** What was typed, for the report. */
  readonly command: string;
  readonly waits: LoadWaits;
  readonly say: (progress: string) => void;
  readonly onRow: (row: TimelineRow) => void;
}
