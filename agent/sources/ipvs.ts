import type { Metric, SeriesSink, SourceFactory } from '../source.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { HostNetworkFile } from './host-network-file.ts';
import { IpvsService, parseIpvsAddress } from './ipvs-service.ts';
import { RowCache } from './row-cache.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

function counter(name: string, unit: string, help: string): Metric {
  return { name: `node_ipvs_${name}_total`, kind: 'counter', unit, help };
}

const TOTALS: readonly Metric[] = [
  counter('connections', '', 'Connections to virtual services.'),
  counter('incoming_packets', '', 'Packets to virtual services.'),
  counter('outgoing_packets', '', 'Packets from virtual services.'),
  counter('incoming_bytes', 'bytes', 'Bytes to virtual services.'),
  counter('outgoing_bytes', 'bytes', 'Bytes from virtual services.'),
];
const HEADER_LINES = 2;
const ARROW = Buffer.from('->');
const FIREWALL_MARK = 'FWM';
/** What a service's line begins with; the others are the header. */
const PROTOCOLS = ['TCP', 'UDP', 'SCTP', FIREWALL_MARK].map((name) => Buffer.from(name));

/** `/proc/net/ip_vs_stats`: two lines of header and a line of hexadecimal numbers. */
class IpvsTotals implements SourcePart {
  readonly #file: HostNetworkFile;
  readonly #values = new Float64Array(TOTALS.length);
  #slots: Int32Array | undefined;

  constructor(procfs: string) {
    this.#file = new HostNetworkFile(procfs, 'ip_vs_stats', 'ipvs');
  }

  read(sink: SeriesSink): void {
    if (!this.#file.load(sink)) return;
    const { scan } = this.#file;
    for (let line = 0; line < HEADER_LINES; line++) scan.nextLine();
    if (scan.hexNumbers(this.#values) !== TOTALS.length) {
      sink.malformed('ipvs', scan.lineExcerpt());
      return;
    }
    this.#slots ??= Int32Array.from(TOTALS, (metric) => sink.declare(metric));
    for (let i = 0; i < TOTALS.length; i++) sink.set(this.#slots[i]!, this.#values[i]!);
  }

  close(): void {
    this.#file.close();
  }
}

/** `/proc/net/ip_vs`: a line for each virtual service, followed by the lines of its backends. */
class IpvsServices implements SourcePart {
  readonly #file: HostNetworkFile;
  readonly #services = new RowCache<IpvsService>('ipvs', service);

  constructor(procfs: string) {
    this.#file = new HostNetworkFile(procfs, 'ip_vs', 'ipvs');
  }

  read(sink: SeriesSink): void {
    if (!this.#file.load(sink)) return;
    const { scan } = this.#file;
    let current: IpvsService | null = null;
    this.#services.restart();
    for (; !scan.atEnd; scan.nextLine()) {
      if (!scan.word()) continue;
      if (scan.wordIs(ARROW)) {
        current?.readBackend(scan, sink);
      } else if (isProtocol(scan)) {
        current = this.#serviceAt(scan, sink);
        current?.restart();
      }
    }
  }

  close(): void {
    this.#file.close();
  }

  /** The service that the protocol, which has been read, and the next word name together. */
  #serviceAt(scan: ByteScanner, sink: SeriesSink): IpvsService | null {
    const start = scan.wordStart;
    if (!scan.word()) {
      sink.malformed('ipvs', scan.lineExcerpt());
      return null;
    }
    scan.wordStart = start;
    return this.#services.at(scan, sink);
  }
}

function isProtocol(scan: ByteScanner): boolean {
  for (const protocol of PROTOCOLS) {
    if (scan.wordIs(protocol)) return true;
  }
  return false;
}

function service(scan: ByteScanner, sink: SeriesSink): IpvsService | null {
  const [protocol = '', name = ''] = scan.wordText().split(/[ \t]+/);
  const isMark = protocol === FIREWALL_MARK;
  const local = isMark ? { address: '', port: '0' } : parseIpvsAddress(name);
  if (local === null) {
    sink.malformed('ipvs', `no address: ${scan.lineExcerpt()}`);
    return null;
  }
  return new IpvsService([
    ['local_address', local.address],
    ['local_mark', isMark ? name : ''],
    ['local_port', local.port],
    ['proto', protocol],
  ]);
}

/** The kernel's load balancer, see its net/netfilter/ipvs/ip_vs_ctl.c. */
export const ipvsSource: SourceFactory = (paths) =>
  sourceFromParts('ipvs', [new IpvsTotals(paths.procfs), new IpvsServices(paths.procfs)]);
