import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { Metric, SeriesSink } from '../source.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { RowCache } from './row-cache.ts';
import { declareRow } from './series-row.ts';

function gauge(name: string, help: string): Metric {
  return { name: `node_ipvs_backend_${name}`, kind: 'gauge', unit: '', help };
}

/** In the order of the numbers in a backend's line. */
const METRICS: readonly Metric[] = [
  gauge('weight', 'Weight of a backend of a virtual service.'),
  gauge('connections_active', 'Connections of a backend that are established.'),
  gauge('connections_inactive', 'Connections of a backend that are not established any more.'),
];
const IPV4 = /^([0-9a-fA-F]{8}):([0-9a-fA-F]{4})$/;
const IPV6 = /^\[([0-9a-fA-F:.]{2,45})\]:([0-9a-fA-F]{4})$/;
const MAPPED_IPV4 = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

export interface IpvsAddress {
  readonly address: string;
  readonly port: string;
}

/** A virtual service and the backends it sends connections to. */
export class IpvsService {
  readonly #labels: readonly Label[];
  readonly #backends: RowCache<Int32Array>;
  readonly #values = new Float64Array(METRICS.length);

  constructor(labels: readonly Label[]) {
    this.#labels = labels;
    this.#backends = new RowCache('ipvs', (scan, sink) => {
      const backend = parseIpvsAddress(scan.wordText());
      if (backend === null) {
        sink.malformed('ipvs', `no address: ${scan.lineExcerpt()}`);
        return null;
      }
      return declareRow(sink, 'ipvs', METRICS, [
        ...this.#labels,
        ['remote_address', backend.address],
        ['remote_port', backend.port],
      ]);
    });
  }

  /** To be called before the first backend of each reading. */
  restart(): void {
    this.#backends.restart();
  }

  /** Reads the rest of a backend's line: its address, how it is reached, and numbers. */
  readBackend(scan: ByteScanner, sink: SeriesSink): void {
    const slots = scan.word() ? this.#backends.at(scan, sink) : null;
    if (slots === null) return;
    scan.word();
    if (scan.numbers(this.#values) !== METRICS.length) {
      sink.malformed('ipvs', scan.lineExcerpt());
      return;
    }
    for (let i = 0; i < slots.length; i++) sink.set(slots[i]!, this.#values[i]!);
  }
}

/** An address and a port in hexadecimal, as text; null if it is none. */
export function parseIpvsAddress(text: string): IpvsAddress | null {
  const [, ipv4, ipv4Port = ''] = IPV4.exec(text) ?? [];
  if (ipv4 !== undefined) {
    const address = [...Buffer.from(ipv4, 'hex')].join('.');
    return { address, port: String(Number.parseInt(ipv4Port, 16)) };
  }
  const [, ipv6, ipv6Port = ''] = IPV6.exec(text) ?? [];
  if (ipv6 === undefined || !URL.canParse(`http://[${ipv6}]`)) return null;
  // The shortest form, RFC 5952.
  const short = new URL(`http://[${ipv6}]`).hostname.slice(1, -1);
  return { address: withoutMapping(short), port: String(Number.parseInt(ipv6Port, 16)) };
}

function withoutMapping(ipv6: string): string {
  const [whole, high = '', low = ''] = MAPPED_IPV4.exec(ipv6) ?? [];
  if (whole === undefined) return ipv6;
  return [...Buffer.from(high.padStart(4, '0') + low.padStart(4, '0'), 'hex')].join('.');
}
