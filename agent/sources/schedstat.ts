import type { Metric, SeriesSink, SourceFactory } from '../source.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { KernelFile } from './kernel-file.ts';
import { RowCache } from './row-cache.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

const COLUMNS = 9;
const NANOSECONDS_PER_SECOND = 1e9;

const METRICS: readonly Metric[] = [
  {
    name: 'node_schedstat_running_seconds_total',
    kind: 'counter',
    unit: 'seconds',
    help: 'Time that tasks have run on a CPU.',
  },
  {
    name: 'node_schedstat_waiting_seconds_total',
    kind: 'counter',
    unit: 'seconds',
    help: 'Time that tasks have waited for a CPU while ready to run.',
  },
  {
    name: 'node_schedstat_timeslices_total',
    kind: 'counter',
    unit: '',
    help: 'Timeslices that a CPU has run.',
  },
];

/**
 * The `cpuN` lines of `/proc/schedstat` (the kernel's Documentation/scheduler/sched-stats.rst),
 * fields 7 to 9. Between them are the lines of the scheduling domains.
 */
class SchedulerStats implements SourcePart {
  readonly #file: KernelFile;
  readonly #rows = new RowCache<Int32Array>('schedstat', cpuRow);
  readonly #values = new Float64Array(COLUMNS);

  constructor(procfs: string) {
    this.#file = new KernelFile(`${procfs}/schedstat`, 'schedstat');
  }

  read(sink: SeriesSink): void {
    if (!this.#file.load(sink)) return;
    const { scan } = this.#file;
    this.#rows.restart();
    for (; !scan.atEnd; scan.nextLine()) {
      if (!scan.word()) continue;
      const slots = this.#rows.at(scan, sink);
      if (slots === null) continue;
      if (scan.numbers(this.#values) !== COLUMNS) {
        sink.malformed('schedstat', scan.lineExcerpt());
        continue;
      }
      sink.set(slots[0]!, this.#values[6]! / NANOSECONDS_PER_SECOND);
      sink.set(slots[1]!, this.#values[7]! / NANOSECONDS_PER_SECOND);
      sink.set(slots[2]!, this.#values[8]!);
    }
  }

  close(): void {
    this.#file.close();
  }
}

function cpuRow(scan: ByteScanner, sink: SeriesSink): Int32Array | null {
  const cpu = /^cpu(\d{1,9})$/.exec(scan.wordText())?.[1];
  if (cpu === undefined) return null;
  return Int32Array.from(METRICS, (metric) => sink.declare(metric, [['cpu', cpu]]));
}

/** How long tasks ran on, and waited for, each CPU. */
export const schedstatSource: SourceFactory = (paths) =>
  sourceFromParts('schedstat', [new SchedulerStats(paths.procfs)]);
