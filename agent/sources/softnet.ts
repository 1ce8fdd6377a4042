import type { Metric, SeriesSink, SourceFactory } from '../source.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { KernelFile } from './kernel-file.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

/** CPUs beyond this many are left out. */
const CPUS_MAX = 8192;
/** Since Linux 5.14 a line tells its CPU in this column; earlier ones list the online CPUs. */
const CPU_COLUMN = 12;

function counter(name: string, help: string): Metric {
  return { name: `node_softnet_${name}_total`, kind: 'counter', unit: '', help };
}

/** The first columns of a line. */
const METRICS: readonly Metric[] = [
  counter('processed', 'Packets that a CPU took from the network devices.'),
  counter('dropped', 'Packets that a CPU dropped because its backlog was full.'),
  counter('times_squeezed', 'Times that a CPU stopped with packets left, its budget used up.'),
];

/**
 * `/proc/net/softnet_stat`: a line of hexadecimal numbers for each online CPU, written by
 * softnet_seq_show() in the kernel's net/core/net-procfs.c.
 */
class SoftnetStats implements SourcePart {
  readonly #file: KernelFile;
  readonly #slotsOfCpu: Int32Array[] = [];
  readonly #values = new Float64Array(CPU_COLUMN + 1);

  constructor(procfs: string) {
    this.#file = new KernelFile(`${procfs}/net/softnet_stat`, 'softnet');
  }

  read(sink: SeriesSink): void {
    if (!this.#file.load(sink)) return;
    const { scan } = this.#file;
    for (let line = 0; !scan.atEnd; scan.nextLine()) {
      scan.skipSpaces();
      if (scan.atLineEnd) continue;
      this.#readLine(scan, sink, line);
      line++;
    }
  }

  close(): void {
    this.#file.close();
  }

  #readLine(scan: ByteScanner, sink: SeriesSink, line: number): void {
    const count = scan.hexNumbers(this.#values);
    const cpu = count > CPU_COLUMN ? this.#values[CPU_COLUMN]! : line;
    if (count < METRICS.length || cpu >= CPUS_MAX) {
      sink.malformed('softnet', scan.lineExcerpt());
      return;
    }
    const slots = (this.#slotsOfCpu[cpu] ??= Int32Array.from(METRICS, (metric) =>
      sink.declare(metric, [['cpu', String(cpu)]]),
    ));
    for (let i = 0; i < slots.length; i++) sink.set(slots[i]!, this.#values[i]!);
  }
}

/** How the CPUs cope with received packets. */
export const softnetSource: SourceFactory = (paths) =>
  sourceFromParts('softnet', [new SoftnetStats(paths.procfs)]);
