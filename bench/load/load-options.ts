import type { Role } from '../system/system.ts';
import type { TimelineRow } from './load-report.ts';

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
  readonly seed: number;
  readonly say: (progress: string) => void;
  readonly onRow: (row: TimelineRow) => void;
}
