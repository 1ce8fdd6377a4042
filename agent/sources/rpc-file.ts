import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { Metric, SeriesSink } from '../source.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { HostNetworkFile } from './host-network-file.ts';
import { RowCache } from './row-cache.ts';
import type { SourcePart } from './source-parts.ts';

/** What a number of a line means. */
export interface RpcColumn {
  readonly metric: Metric;
  readonly labels?: readonly Label[];
}

/** The lines of a file by their first word, with their numbers from the left; null skips one. */
export type RpcLines = Readonly<Record<string, readonly (RpcColumn | null)[]>>;

/** Numbers of one line; NFS 4.2 has some eighty operations. */
const NUMBERS_MAX = 128;

/**
 * `/proc/net/rpc/<program>`: lines `name number …` (the kernel's net/sunrpc/stats.c). A kernel
 * may have fewer numbers in a line than the next one; those it does not have are absent.
 */
export class RpcFile implements SourcePart {
  readonly #file: HostNetworkFile;
  readonly #source: string;
  readonly #rows: RowCache<Int32Array>;
  readonly #values = new Float64Array(NUMBERS_MAX);

  /** `source` is also the program's name. */
  constructor(procfs: string, source: string, lines: RpcLines) {
    this.#file = new HostNetworkFile(procfs, `rpc/${source}`, source);
    this.#source = source;
    this.#rows = new RowCache(source, (scan, sink) => {
      const name = scan.wordText();
      if (!Object.hasOwn(lines, name)) return null;
      return Int32Array.from(lines[name]!, (column) =>
        column === null ? -1 : sink.declare(column.metric, column.labels),
      );
    });
  }

  read(sink: SeriesSink): void {
    if (!this.#file.load(sink)) return;
    const { scan } = this.#file;
    this.#rows.restart();
    for (; !scan.atEnd; scan.nextLine()) {
      const slots = scan.word() ? this.#rows.at(scan, sink) : null;
      if (slots !== null) this.#readNumbers(scan, sink, slots);
    }
  }

  close(): void {
    this.#file.close();
  }

  #readNumbers(scan: ByteScanner, sink: SeriesSink, slots: Int32Array): void {
    const count = scan.numbers(this.#values, slots.length);
    if (count <= 0) {
      sink.malformed(this.#source, scan.lineExcerpt());
      return;
    }
    for (let i = 0; i < count; i++) {
      if (slots[i] !== -1) sink.set(slots[i]!, this.#values[i]!);
    }
  }
}

/** The columns of a line of procedures: how many there are, and the calls of each. */
export function procedures(
  metric: Metric,
  protocol: string,
  names: readonly (string | null)[],
): (RpcColumn | null)[] {
  const columns = names.map((name): RpcColumn | null =>
    name === null
      ? null
      : {
          metric,
          labels: [
            ['method', name],
            ['proto', protocol],
          ],
        },
  );
  return [null, ...columns];
}
