import type { Metric, SeriesSink, SourceFactory } from '../source.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { CpuThrottles } from './cpu-throttle.ts';
import type { LoadableFile } from './kernel-file.ts';
import { RowCache } from './row-cache.ts';
import { shareProcStat } from './shared-kernel-file.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

/** USER_HZ, in which proc_stat(5) counts time; 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
/** Columns of a CPU's line in their order. The last two are also part of `user` and `nice`. */
const MODES = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const;
const GUEST_MODES = ['user', 'nice'] as const;
const COLUMNS = MODES.length + GUEST_MODES.length;
/** Kernels before 2.6 have no more. */
const COLUMNS_MIN = 4;
const IDLE = MODES.indexOf('idle');
/** An idle time that falls by more is a CPU that was taken out and put back. */
const RESTART_SECONDS = 3;

const CPU_SECONDS: Metric = {
  name: 'node_cpu_seconds_total',
  kind: 'counter',
  unit: 'seconds',
  help: 'Time that a CPU has spent in a mode.',
};
const GUEST_SECONDS: Metric = {
  name: 'node_cpu_guest_seconds_total',
  kind: 'counter',
  unit: 'seconds',
  help: 'Time that a CPU has spent running guests (virtual machines), by mode.',
};

interface CpuRow {
  readonly slots: Int32Array;
  /** The highest value of each column so far. */
  readonly seconds: Float64Array;
}

/**
 * The `cpuN` lines of `/proc/stat`. The kernel lets idle and iowait fall a little at times
 * (proc_stat(5)); a counter that falls looks like a restart, so such a fall is not passed on.
 */
class CpuTimes implements SourcePart {
  readonly #file: LoadableFile;
  readonly #values = new Float64Array(COLUMNS);
  readonly #rows = new RowCache<CpuRow>('cpu', cpuRow);

  constructor(file: LoadableFile) {
    this.#file = file;
  }

  read(sink: SeriesSink): void {
    if (!this.#file.load(sink)) return;
    const { scan } = this.#file;
    this.#rows.restart();
    for (; !scan.atEnd; scan.nextLine()) {
      if (!scan.word() || !isCpu(scan)) continue;
      const row = this.#rows.at(scan, sink);
      if (row === null) continue;
      const count = scan.numbers(this.#values);
      if (count >= COLUMNS_MIN) setRow(sink, row, this.#values, count);
      else sink.malformed('cpu', scan.lineExcerpt());
    }
  }

  close(): void {
    this.#file.close();
  }
}

function setRow(sink: SeriesSink, row: CpuRow, ticks: Float64Array, count: number): void {
  const { slots, seconds } = row;
  const idle = ticks[IDLE]! / TICKS_PER_SECOND;
  if (seconds[IDLE]! - idle >= RESTART_SECONDS) seconds.fill(0);
  for (let column = 0; column < count; column++) {
    const value = ticks[column]! / TICKS_PER_SECOND;
    if (value > seconds[column]!) seconds[column] = value;
    sink.set(slots[column]!, seconds[column]!);
  }
}

/** Also true for `cpu`, the sum of all, which has no row. */
function isCpu(scan: ByteScanner): boolean {
  const { bytes, wordStart } = scan;
  return (
    bytes[wordStart] === 0x63 && bytes[wordStart + 1] === 0x70 && bytes[wordStart + 2] === 0x75
  );
}

function cpuRow(scan: ByteScanner, sink: SeriesSink): CpuRow | null {
  const cpu = /^cpu(\d{1,9})$/.exec(scan.wordText())?.[1];
  if (cpu === undefined) return null;
  const declare = (metric: Metric) => (mode: string) =>
    sink.declare(metric, [
      ['cpu', cpu],
      ['mode', mode],
    ]);
  const slots = Int32Array.from([
    ...MODES.map(declare(CPU_SECONDS)),
    ...GUEST_MODES.map(declare(GUEST_SECONDS)),
  ]);
  return { slots, seconds: new Float64Array(COLUMNS) };
}

/** The time of each CPU in each mode, from `/proc/stat`, and how often it was too hot. */
export const cpuSource: SourceFactory = (paths) =>
  sourceFromParts('cpu', [new CpuTimes(shareProcStat(paths)), new CpuThrottles(paths.sysfs)]);
