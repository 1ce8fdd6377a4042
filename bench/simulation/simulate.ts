import { Worker } from 'node:worker_threads';
import type { ScheduleResult } from './schedule.ts';
import type { FromThread, ThreadSetup } from './simulation-thread.ts';

export interface SimulateOptions {
  /** Of the first schedule; each further one has the next. A whole number from 0. */
  readonly seed: number;
  readonly schedules: number;
  readonly seconds: number;
  readonly threads: number;
  /** Gets every event, with what the product logs. */
  readonly onTrace?: (line: string) => void;
  readonly onResult?: (result: ScheduleResult, millis: number) => void;
  /** JetStream may lose what it has acknowledged last. */
  readonly hasPowerLoss?: boolean;
  readonly planted?: ThreadSetup['planted'];
}

export interface SimulationReport {
  readonly schedules: number;
  readonly steps: number;
  readonly checks: number;
  readonly storedFrames: number;
  readonly simulatedSeconds: number;
  readonly seconds: number;
  /** The first schedule that failed, by its seed. */
  readonly failed: ScheduleResult | undefined;
}

/** Plays schedules until one fails, or there were enough of them, or the time is up. */
export async function simulate(options: SimulateOptions): Promise<SimulationReport> {
  const { seed, schedules, seconds, threads, planted, onTrace, onResult } = options;
  const startMs = performance.now();
  const results: ScheduleResult[] = [];
  const runs = Array.from({ length: Math.min(threads, schedules) }, (_, index) => {
    const setup: ThreadSetup = {
      firstSeed: seed + index,
      stride: Math.min(threads, schedules),
      schedules: Math.ceil((schedules - index) / Math.min(threads, schedules)),
      seconds,
      isTraced: onTrace !== undefined,
      hasPowerLoss: options.hasPowerLoss === true,
      ...(planted === undefined ? {} : { planted }),
    };
    return new Worker(new URL('simulation-thread.ts', import.meta.url), { workerData: setup });
  });
  await Promise.all(
    runs.map((worker) =>
      finished(worker, (message) => {
        if (message.kind === 'trace') return onTrace?.(message.line);
        results.push(message.result);
        onResult?.(message.result, message.millis);
        if (message.result.failure === undefined) return;
        for (const other of runs) if (other !== worker) void other.terminate();
      }),
    ),
  );
  const sum = (of: (result: ScheduleResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0);
  return {
    schedules: results.length,
    steps: sum(({ steps }) => steps),
    checks: sum(({ checks }) => checks),
    storedFrames: sum(({ storedFrames }) => storedFrames),
    simulatedSeconds: sum(({ simulatedMs }) => simulatedMs) / 1000,
    seconds: (performance.now() - startMs) / 1000,
    failed: results.filter(({ failure }) => failure !== undefined).toSorted(bySeed)[0],
  };
}

function bySeed(a: ScheduleResult, b: ScheduleResult): number {
  return a.seed - b.seed;
}

function finished(worker: Worker, onMessage: (message: FromThread) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.on('message', onMessage);
    worker.once('error', reject);
    worker.once('exit', () => resolve());
  });
}
