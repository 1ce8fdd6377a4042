import type { Metric, SeriesSink } from '../source.ts';
import type { ByteScanner } from './byte-scanner.ts';
import type { LoadableFile } from './kernel-file.ts';
import { RowCache } from './row-cache.ts';
import { isMetricName } from './series-row.ts';

const COLON = 0x3a;
const COLUMNS_MAX = 1024;

interface Group {
  /** `Tcp:`, as it must stand before the values too. */
  readonly prefix: Uint8Array;
  /** One a column, -1 for a column that is left out. */
  readonly slots: Int32Array;
}

/**
 * A file of line pairs, `Group: Name Name …` over `Group: number number …`, which is the format
 * of `/proc/net/snmp` and `/proc/net/netstat` (proc_pid_net(5); the kernel's
 * Documentation/networking/snmp_counter.rst). A header that reads as last time is not parsed again.
 */
export class HeaderValueFile {
  readonly #file: LoadableFile;
  readonly #source: string;
  readonly #groups: RowCache<Group>;
  readonly #values = new Float64Array(COLUMNS_MAX + 1);

  /** `describe` is asked once for each column of a header; null leaves the column out. */
  constructor(
    file: LoadableFile,
    source: string,
    describe: (group: string, column: string) => Metric | null,
  ) {
    this.#file = file;
    this.#source = source;
    this.#groups = new RowCache(source, (scan, sink) => groupOf(scan.wordText(), sink, describe));
  }

  read(sink: SeriesSink): void {
    if (!this.#file.load(sink)) return;
    const { scan } = this.#file;
    this.#groups.restart();
    while (!scan.atEnd) {
      const group = scan.lineAsWord() ? this.#groups.at(scan, sink) : null;
      if (group === null && scan.wordEnd > scan.wordStart) {
        sink.malformed(this.#source, `no header: ${scan.lineExcerpt()}`);
      }
      scan.nextLine();
      if (group !== null) this.#readValues(scan, sink, group);
    }
  }

  close(): void {
    this.#file.close();
  }

  /** Reads one line, unless it belongs to another group: then it may be the next header. */
  #readValues(scan: ByteScanner, sink: SeriesSink, group: Group): void {
    const { slots } = group;
    const lineStart = scan.pos;
    if (!scan.wordUntil(COLON) || !scan.wordIs(group.prefix) || !scan.skipByte(COLON)) {
      sink.malformed(this.#source, `no values of their header: ${scan.lineExcerpt()}`);
      scan.pos = lineStart;
      return;
    }
    if (scan.numbers(this.#values, slots.length + 1) === slots.length) {
      for (let column = 0; column < slots.length; column++) {
        if (slots[column] !== -1) sink.set(slots[column]!, this.#values[column]!);
      }
    } else {
      sink.malformed(this.#source, `values do not fit their header: ${scan.lineExcerpt()}`);
    }
    scan.nextLine();
  }
}

function groupOf(
  header: string,
  sink: SeriesSink,
  describe: (group: string, column: string) => Metric | null,
): Group | null {
  const match = /^([^\s:]+):\s+(.+)$/.exec(header);
  if (match === null) return null;
  const [, group = '', columns = ''] = match;
  const names = columns.split(/[ \t]+/);
  if (names.length > COLUMNS_MAX) return null;
  const slots = Int32Array.from(names, (name) => {
    const metric = describe(group, name);
    return metric === null || !isMetricName(metric.name) ? -1 : sink.declare(metric);
  });
  return { prefix: Buffer.from(group), slots };
}
