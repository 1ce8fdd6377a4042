import { bytes, count, MISSING, short } from '../../cli/up/quantity.ts';
import { COMPONENTS } from '../load/load-report.ts';
import type { Step } from '../step/step-report.ts';
import { cpuMicros, percent, quantile } from './load-summary.ts';

/** The columns of a table of steps, for both its page and its terminal. */
export const STEP_TITLES: readonly string[] = [
  'agents',
  'samples/s',
  'µs a sample',
  ...COMPONENTS,
  'fresh p99',
  'alert p99',
  'memory',
  'busy',
];

/** One step's figures, in the order of `STEP_TITLES`. */
export function stepCells({ agents, load }: Step): string[] {
  if (load === null) return [count(agents), ...STEP_TITLES.slice(1).map(() => MISSING)];
  const { cpu_us_per_sample: cpu } = load;
  return [
    count(agents),
    short(load.samples_per_second),
    cpuMicros(cpu.total),
    ...COMPONENTS.map((name) =>
      cpuMicros(name === 'clickhouse' ? cpu.clickhouse + cpu.clickhouse_drain : cpu[name]),
    ),
    quantile(load.freshness_ms, 'p99'),
    quantile(load.alert_latency_ms, 'p99'),
    bytes(load.rss_peak_bytes.total),
    percent(load.machine_busy_share),
  ];
}
