import type { Metric, SeriesSink, SourceFactory } from '../source.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { HostNetworkFile } from './host-network-file.ts';
import { pageBytes } from './page-size.ts';
import { RowCache } from './row-cache.ts';
import { isMetricName } from './series-row.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

const COLON = 0x3a;
const STATES = new Set(['inuse', 'orphan', 'tw', 'alloc', 'mem', 'memory']);

interface StateSeries {
  readonly slot: number;
  /** Of the same number in bytes, or -1. */
  readonly bytesSlot: number;
}

/**
 * `/proc/net/sockstat` or `sockstat6` (proc_pid_net(5)): `TCP: inuse 4 orphan 0 …`, a protocol a
 * line. `mem` counts pages and is shown in bytes as well; the line `sockets: used 9` has a name
 * of its own.
 */
class SocketCounts implements SourcePart {
  readonly #file: HostNetworkFile;
  readonly #protocols = new RowCache<RowCache<StateSeries>>('sockstat', protocolRow);
  readonly #value = new Float64Array(1);

  constructor(procfs: string, name: string) {
    this.#file = new HostNetworkFile(procfs, name, 'sockstat');
  }

  read(sink: SeriesSink): void {
    if (!this.#file.load(sink)) return;
    const { scan } = this.#file;
    this.#protocols.restart();
    for (; !scan.atEnd; scan.nextLine()) {
      scan.skipSpaces();
      if (scan.atLineEnd) continue;
      if (!this.#readLine(scan, sink)) sink.malformed('sockstat', scan.lineExcerpt());
    }
  }

  close(): void {
    this.#file.close();
  }

  #readLine(scan: ByteScanner, sink: SeriesSink): boolean {
    if (!scan.wordUntil(COLON) || !scan.skipByte(COLON)) return false;
    const states = this.#protocols.at(scan, sink);
    if (states === null) return true;
    states.restart();
    while (scan.word()) {
      if (scan.numbers(this.#value) !== 1) return false;
      const series = states.at(scan, sink);
      if (series === null) continue;
      sink.set(series.slot, this.#value[0]!);
      if (series.bytesSlot !== -1) sink.set(series.bytesSlot, this.#value[0]! * pageBytes);
    }
    return true;
  }
}

function protocolRow(scan: ByteScanner): RowCache<StateSeries> | null {
  const protocol = scan.wordText();
  if (!isMetricName(`node_sockstat_${protocol}`)) return null;
  return new RowCache('sockstat', (scan, sink) => stateSeries(protocol, scan.wordText(), sink));
}

function stateSeries(protocol: string, state: string, sink: SeriesSink): StateSeries | null {
  if (protocol === 'sockets' && state === 'used') {
    return { slot: sink.declare(gauge('sockets_used', 'Sockets in use.')), bytesSlot: -1 };
  }
  if (!STATES.has(state)) return null;
  const slot = sink.declare(gauge(`${protocol}_${state}`, `${protocol} sockets: ${state}.`));
  if (state !== 'mem') return { slot, bytesSlot: -1 };
  const bytes = gauge(`${protocol}_mem_bytes`, `${protocol} sockets: mem, in bytes.`, 'bytes');
  return { slot, bytesSlot: sink.declare(bytes) };
}

function gauge(name: string, help: string, unit = ''): Metric {
  return { name: `node_sockstat_${name}`, kind: 'gauge', unit, help };
}

/** Sockets by protocol and state. */
export const sockstatSource: SourceFactory = (paths) =>
  sourceFromParts('sockstat', [
    new SocketCounts(paths.procfs, 'sockstat'),
    new SocketCounts(paths.procfs, 'sockstat6'),
  ]);
