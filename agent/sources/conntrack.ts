import type { Metric, SeriesSink, SourceFactory } from '../source.ts';
import { KernelFile } from './kernel-file.ts';
import { NumberFile } from './number-file.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

const COLUMNS = 17;

function gauge(name: string, help: string): Metric {
  return { name: `node_nf_conntrack_${name}`, kind: 'gauge', unit: '', help };
}

/** The columns that are shown. Their places never changed, some of the others' names did. */
const SHOWN: readonly (readonly [column: number, metric: Metric])[] = [
  [2, gauge('stat_found', 'Lookups that found their entry.')],
  [4, gauge('stat_invalid', 'Packets that cannot be tracked.')],
  [5, gauge('stat_ignore', 'Packets that belonged to an entry already.')],
  [8, gauge('stat_insert', 'Entries that were put into the table.')],
  [9, gauge('stat_insert_failed', 'Entries that could not be put into the table.')],
  [10, gauge('stat_drop', 'Packets that were dropped because they could not be tracked.')],
  [11, gauge('stat_early_drop', 'Entries that were removed to make room in a full table.')],
  [16, gauge('stat_search_restart', 'Lookups that began again because the table was resized.')],
];

/**
 * `/proc/net/stat/nf_conntrack`: a header and a line of hexadecimal numbers for each CPU, written
 * by ct_cpu_seq_show() in the kernel's net/netfilter/nf_conntrack_standalone.c. Shown are the
 * sums over the CPUs.
 */
class ConntrackStats implements SourcePart {
  readonly #file: KernelFile;
  readonly #values = new Float64Array(COLUMNS);
  readonly #sums = new Float64Array(COLUMNS);
  #slots: Int32Array | undefined;

  constructor(procfs: string) {
    this.#file = new KernelFile(`${procfs}/net/stat/nf_conntrack`, 'conntrack');
  }

  read(sink: SeriesSink): void {
    if (!this.#file.load(sink)) return;
    const { scan } = this.#file;
    let cpus = 0;
    this.#sums.fill(0);
    scan.nextLine();
    for (; !scan.atEnd; scan.nextLine()) {
      scan.skipSpaces();
      if (scan.atLineEnd) continue;
      if (scan.hexNumbers(this.#values) !== COLUMNS) {
        sink.malformed('conntrack', scan.lineExcerpt());
        continue;
      }
      cpus++;
      for (let i = 0; i < COLUMNS; i++) this.#sums[i]! += this.#values[i]!;
    }
    if (cpus > 0) this.#set(sink);
  }

  close(): void {
    this.#file.close();
  }

  #set(sink: SeriesSink): void {
    this.#slots ??= Int32Array.from(SHOWN, ([, metric]) => sink.declare(metric));
    for (let i = 0; i < SHOWN.length; i++) {
      sink.set(this.#slots[i]!, this.#sums[SHOWN[i]![0]]!);
    }
  }
}

/** Connection tracking: the table's size, its limit (nf_conntrack-sysctl.rst) and statistics. */
export const conntrackSource: SourceFactory = (paths) => {
  const sysctl = (file: string, name: string, help: string): NumberFile =>
    new NumberFile(`${paths.procfs}/sys/net/netfilter/${file}`, 'conntrack', [
      { metric: gauge(name, help) },
    ]);
  return sourceFromParts('conntrack', [
    sysctl('nf_conntrack_count', 'entries', 'Connections that are being tracked.'),
    sysctl('nf_conntrack_max', 'entries_limit', 'Connections that can be tracked at most.'),
    new ConntrackStats(paths.procfs),
  ]);
};
