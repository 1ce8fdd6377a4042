import type { Metric, SeriesSink, SourceFactory } from '../source.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { HostNetworkFile } from './host-network-file.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

/** CPUs beyond this many are left out. */
const CPUS_MAX = 8192;
/** Since Linux 5.14 a line tells its CPU in this column; earlier ones list the online CPUs. */
const CPU_COLUMN = 12;

function counter(name: string, help: string): Metric {
  return { name: `node_softnet_${name}_total`, kind: 'counter', unit: '', help };
}

const BACKLOG: Metric = {
  name: 'node_softnet_backlog_len',
  kind: 'gauge',
  unit: '',
  help: 'Packets that wait for a CPU.',
};

/** What is shown of a line. Between them are columns that are always 0. */
const SHOWN: readonly (readonly [column: number, metric: Metric])[] = [
  [0, counter('processed', 'Packets that a CPU took from the network devices.')],
  [1, counter('dropped', 'Packets that a CPU dropped because its backlog was full.')],
  [2, counter('times_squeezed', 'Times that a CPU stopped with packets left, its budget used up.')],
  [8, counter('cpu_collision', 'Times that a CPU found a device locked when it wanted to send.')],
  [9, counter('received_rps', 'Times that a CPU was woken for packets of another CPU.')],
  [10, counter('flow_limit_count', 'Packets dropped because one flow took too much.')],
  [11, BACKLOG],
];
const COLUMNS_MIN = 3;

/**
 * `/proc/net/softnet_stat`: a line of hexadecimal numbers for each online CPU, written by
 * softnet_seq_show() in the kernel's net/core/net-procfs.c.
 */
class SoftnetStats implements SourcePart {
  readonly #file: HostNetworkFile;
  readonly #slotsOfCpu: Int32Array[] = [];
  readonly #values = new Float64Array(CPU_COLUMN + 1);

  constructor(procfs: string) {
    this.#file = new HostNetworkFile(procfs, 'softnet_stat', 'softnet');
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
    if (count < COLUMNS_MIN || cpu >= CPUS_MAX) {
      sink.malformed('softnet', scan.lineExcerpt());
      return;
    }
    const slots = (this.#slotsOfCpu[cpu] ??= slotsOf(sink, String(cpu), count));
    for (let i = 0; i < slots.length; i++) {
      const [column] = SHOWN[i]!;
      if (column < count) sink.set(slots[i]!, this.#values[column]!);
    }
  }
}

function slotsOf(sink: SeriesSink, cpu: string, columns: number): Int32Array {
  const shown = SHOWN.filter(([column]) => column < columns);
  return Int32Array.from(shown, ([, metric]) => sink.declare(metric, [['cpu', cpu]]));
}

/** How the CPUs cope with received packets. */
export const softnetSource: SourceFactory = (paths) =>
  sourceFromParts('softnet', [new SoftnetStats(paths.procfs)]);
