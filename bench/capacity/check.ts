import { COMPONENTS } from '../load/load-report.ts';
import type { Component, LoadReport } from '../load/load-report.ts';
import { coresOf } from './coefficients.ts';
import type { Coefficients } from './coefficients.ts';
import { coresAt } from './plan.ts';

/** One figure of one run, as the model has it and as it was measured. */
export interface Prediction {
  readonly agents: number;
  readonly component: Component;
  readonly figure: 'cores' | 'memory_bytes';
  readonly predicted: number;
  readonly measured: number;
  /** `predicted / measured - 1` */
  readonly error: number;
}

/** Holds the model against runs that were measured. */
export function checkAgainst(
  coefficients: Coefficients,
  reports: readonly LoadReport[],
): Prediction[] {
  return reports.flatMap((report) =>
    COMPONENTS.flatMap((component) => {
      const { agents, metrics, samples_per_second: samples } = report;
      const { fixed_bytes: fixed, bytes_per_agent: each } = coefficients.memory[component];
      const cores = coresAt(coefficients, component, { samples, frames: samples / metrics });
      const at = { agents, component };
      return [
        { ...at, figure: 'cores', ...compared(cores, coresOf(report, component)) } as const,
        {
          ...at,
          figure: 'memory_bytes',
          ...compared(fixed + each * agents, report.rss_peak_bytes[component]),
        } as const,
      ];
    }),
  );
}

function compared(
  predicted: number,
  measured: number,
): Pick<Prediction, 'predicted' | 'measured' | 'error'> {
  return { predicted, measured, error: predicted / measured - 1 };
}
