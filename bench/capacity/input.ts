import { readFileSync } from 'node:fs';
import { reasonOf, RollcallError } from '../../pipeline/error.ts';
import type { LoadReport } from '../load/load-report.ts';
import type { StorageReport } from '../storage/storage-report.ts';
import type { Coefficients } from './coefficients.ts';

/**
 * The load reports in a file: that of a load run, or all of a step run.
 *
 * @throws RollcallError `capacity_input`
 */
export function loadReportsIn(file: string): LoadReport[] {
  const content = objectIn(file);
  const { steps } = content as { steps?: unknown };
  const reports = Array.isArray(steps)
    ? steps.map((step: { load: unknown }) => step.load).filter((load) => load !== null)
    : [content];
  if (reports.length > 0 && reports.every((each) => isLoadReport(each))) return reports;
  throw invalid(file, 'it is no report of bench load or bench step, or one of another version');
}

/** @throws RollcallError `capacity_input` */
export function coefficientsIn(file: string): Coefficients {
  const content = objectIn(file);
  const needed = ['machine', 'runs', 'cpu', 'memory', 'samples_per_second_of_thread', 'storage'];
  if (needed.every((name) => name in content)) return content as Coefficients;
  throw invalid(file, 'it has no coefficients: make some with --from, --storage and --write');
}

/** @throws RollcallError `capacity_input` */
export function storageReportIn(file: string): StorageReport {
  const content = objectIn(file);
  const needed = ['layouts', 'rollups', 'frames_bytes_per_sample'];
  if (needed.every((name) => name in content)) return content as StorageReport;
  throw invalid(file, 'it is no report of bench storage');
}

function isLoadReport(value: unknown): value is LoadReport {
  const needed = ['cpu_us_per_sample', 'busiest_thread_share', 'descriptors', 'started_at'];
  return typeof value === 'object' && value !== null && needed.every((name) => name in value);
}

function objectIn(file: string): object {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw invalid(file, reasonOf(cause), cause);
  }
  if (typeof content === 'object' && content !== null) return content;
  throw invalid(file, 'it holds no object');
}

function invalid(file: string, reason: string, cause?: unknown): RollcallError {
  return new RollcallError('capacity_input', `${file}: ${reason}`, { cause });
}
