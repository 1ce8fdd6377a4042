import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ALL_CASES } from './all-cases.ts';
import { runCase } from './case-runner.ts';
import type { CaseRunOptions } from './case-runner.ts';
import type { FaultCase } from './fault-case.ts';
import { LastWill } from './last-will.ts';
import type { CaseReport } from './verdict.ts';

export interface FaultBenchOptions extends Omit<CaseRunOptions, 'dataDir'> {
  readonly cases: readonly FaultCase[];
  /** Where data and logs stay after the run; they go away if it is left out. */
  readonly keepIn?: string | undefined;
}

export interface FaultBenchReport {
  readonly seed: number;
  readonly agents: number;
  readonly series: number;
  readonly interval_ms: number;
  readonly processes: CaseRunOptions['processes'];
  /** Waits were shortened. */
  readonly is_quick: boolean;
  readonly cases: readonly CaseReport[];
}

/** @returns undefined if there is none of that id; ids are matched without regard to case */
export function caseOf(id: string): FaultCase | undefined {
  return ALL_CASES.find((each) => each.id.toLowerCase() === id.toLowerCase());
}

/** Runs cases one after the other, each on a system of its own. */
export async function benchFaults(options: FaultBenchOptions): Promise<FaultBenchReport> {
  const { cases, keepIn, seed, agents, series, intervalMs, processes, isQuick } = options;
  const dataDir = keepIn ?? mkdtempSync(join(tmpdir(), 'rollcall-faults-'));
  mkdirSync(dataDir, { recursive: true });
  // What is still writing there ends within a second.
  const removal = keepIn === undefined ? new LastWill('sleep 1; rm -rf "$1"', dataDir) : undefined;
  const reports: CaseReport[] = [];
  try {
    for (const each of cases) reports.push(await runCase(each, { ...options, dataDir }));
  } finally {
    await removal?.execute();
  }
  return {
    seed,
    agents,
    series,
    interval_ms: intervalMs,
    processes,
    is_quick: isQuick,
    cases: reports,
  };
}
