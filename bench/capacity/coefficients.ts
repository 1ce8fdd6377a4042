import { RollcallError } from '../../pipeline/error.ts';
import { COMPONENTS, MEMBERS } from '../load/load-report.ts';
import type { Component, LoadReport, Machine, MemberRole } from '../load/load-report.ts';
import type { StorageReport } from '../storage/storage-report.ts';
import { fitted } from './fit.ts';

/** Cores of a component: `fixed_cores + (us_per_frame * frames/s + us_per_sample * samples/s) / 10^6`. */
export interface CpuCoefficients {
  readonly fixed_cores: number;
  readonly us_per_frame: number;
  readonly us_per_sample: number;
}

/** Resident memory of a component: `fixed_bytes + bytes_per_agent * agents`. */
export interface MemoryCoefficients {
  readonly fixed_bytes: number;
  readonly bytes_per_agent: number;
}

/** What runs at different loads say that a load costs. Everything is measured; nothing is rated. */
export interface Coefficients {
  readonly machine: Machine;
  /** What was measured: one entry a run. */
  readonly runs: readonly {
    readonly started_at: string;
    readonly agents: number;
    readonly metrics: number;
    readonly interval_ms: number;
  }[];
  readonly tls: boolean;
  readonly cpu: Readonly<Record<Component, CpuCoefficients>>;
  readonly memory: Readonly<Record<Component, MemoryCoefficients>>;
  /** Samples a second of one process of a role when its busiest thread has a whole core. */
  readonly samples_per_second_of_thread: Readonly<Record<MemberRole, number>>;
  /** Descriptors of a collector for each connection, and what a process may open. */
  readonly descriptors_per_connection: number;
  readonly descriptors_limit: number;
  readonly wire_bytes_per_sample: number;
  readonly storage: StorageCoefficients;
}

/** What a storage run says of what is kept, everything merged, and of rolling it up. */
export interface StorageCoefficients {
  /** With the record of frames. */
  readonly bytes_per_sample: number;
  readonly bytes_per_series_minute: number;
  readonly bytes_per_series_hour: number;
  /** ClickHouse's CPU for rolling up and for writing that once more. */
  readonly rollup_us_per_sample: number;
}

export function storageCoefficientsOf(report: StorageReport): StorageCoefficients {
  const { layouts, frames_bytes_per_sample: frames, rollups } = report;
  return {
    bytes_per_sample: layouts[0]!.bytes_per_sample_merged + frames,
    bytes_per_series_minute: rollups.bytes_per_series_minute,
    bytes_per_series_hour: rollups.bytes_per_series_hour,
    rollup_us_per_sample: rollups.cpu_us_per_sample + rollups.merge_us_per_sample,
  };
}

/**
 * Fits the coefficients to runs at two or more different rates. What a frame costs is told from what a sample costs
 * only if frames had different numbers of samples; otherwise it is part of the samples'.
 *
 * @throws RollcallError `capacity_input`
 */
export function coefficientsOf(
  reports: readonly LoadReport[],
  storage: StorageCoefficients,
): Coefficients {
  const largest = reports.toSorted((a, b) => b.samples_per_second - a.samples_per_second)[0];
  const rates = new Set(
    reports.map(({ agents, metrics, interval_ms: ms }) => (agents * metrics) / ms),
  );
  if (largest === undefined || rates.size < 2) {
    throw new RollcallError(
      'capacity_input',
      'coefficients need load reports of at least two different rates, such as those of a step run',
    );
  }
  if (reports.some(({ tls }) => tls !== largest.tls)) {
    throw new RollcallError(
      'capacity_input',
      'runs with and without TLS cannot be fitted together',
    );
  }
  const { open, limit } = largest.descriptors.collector;
  return {
    machine: largest.machine,
    runs: reports.map(({ started_at, agents, metrics, interval_ms }) => ({
      started_at,
      agents,
      metrics,
      interval_ms,
    })),
    tls: largest.tls,
    cpu: each(COMPONENTS, (component) => cpuOf(reports, component)),
    memory: each(COMPONENTS, (component) => memoryOf(reports, component)),
    samples_per_second_of_thread: each(
      MEMBERS,
      (role) =>
        largest.samples_per_second / largest.processes[role] / largest.busiest_thread_share[role],
    ),
    descriptors_per_connection: (open * largest.processes.collector) / largest.agents,
    descriptors_limit: limit,
    wire_bytes_per_sample: largest.wire_bytes_per_sample,
    storage,
  };
}

/** Cores that a component had while it was measured; ClickHouse with the merges that were left. */
export function coresOf(report: LoadReport, component: Component): number {
  const { cpu_us_per_sample: cpu, samples_per_second: rate } = report;
  const drain = component === 'clickhouse' ? cpu.clickhouse_drain : 0;
  return ((cpu[component] + drain) * rate) / 1e6;
}

function cpuOf(reports: readonly LoadReport[], component: Component): CpuCoefficients {
  const isTold = new Set(reports.map(({ metrics }) => metrics)).size > 1;
  const [fixed = 0, perFrame = 0, perSample = 0] = fitted(
    reports.map((report) => {
      const { samples_per_second: rate, metrics } = report;
      const row = [1, isTold ? rate / metrics / 1e6 : 0, rate / 1e6];
      return { row, value: coresOf(report, component) };
    }),
  );
  return { fixed_cores: fixed, us_per_frame: perFrame, us_per_sample: perSample };
}

function memoryOf(reports: readonly LoadReport[], component: Component): MemoryCoefficients {
  const [fixed = 0, perAgent = 0] = fitted(
    reports.map((report) => ({
      row: [1, report.agents],
      value: report.rss_peak_bytes[component],
    })),
  );
  return { fixed_bytes: fixed, bytes_per_agent: perAgent };
}

function each<Name extends string, T>(
  names: readonly Name[],
  of: (name: Name) => T,
): Record<Name, T> {
  return Object.fromEntries(names.map((name) => [name, of(name)] as const)) as Record<Name, T>;
}
