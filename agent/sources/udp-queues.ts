import type { Metric, SeriesSink, SourceFactory } from '../source.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { HostNetworkFile } from './host-network-file.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

const COLON = 0x3a;
/** `sl local_address rem_address st` come before `tx_queue:rx_queue`. */
const WORDS_BEFORE = 4;

const QUEUES: Metric = {
  name: 'node_udp_queues',
  kind: 'gauge',
  unit: 'bytes',
  help: 'Memory that the queues of all UDP sockets hold.',
};

/** `/proc/net/udp` or `udp6` (proc_pid_net(5)): a header and a line for each socket. */
class UdpSockets implements SourcePart {
  readonly #file: HostNetworkFile;
  readonly #ip: string;
  #transmitSlot = -1;
  #receiveSlot = -1;
  #transmitBytes = 0;
  #receiveBytes = 0;

  constructor(procfs: string, name: string, ip: string) {
    this.#file = new HostNetworkFile(procfs, name, 'udp_queues');
    this.#ip = ip;
  }

  read(sink: SeriesSink): void {
    if (!this.#file.load(sink)) return;
    const { scan } = this.#file;
    this.#transmitBytes = 0;
    this.#receiveBytes = 0;
    scan.nextLine();
    for (; !scan.atEnd; scan.nextLine()) {
      scan.skipSpaces();
      if (scan.atLineEnd) continue;
      if (!this.#addSocket(scan)) sink.malformed('udp_queues', scan.lineExcerpt());
    }
    if (this.#transmitSlot === -1) {
      this.#transmitSlot = this.#declare(sink, 'tx');
      this.#receiveSlot = this.#declare(sink, 'rx');
    }
    sink.set(this.#transmitSlot, this.#transmitBytes);
    sink.set(this.#receiveSlot, this.#receiveBytes);
  }

  close(): void {
    this.#file.close();
  }

  #addSocket(scan: ByteScanner): boolean {
    for (let word = 0; word < WORDS_BEFORE; word++) {
      if (!scan.word()) return false;
    }
    const transmit = scan.hex();
    const receive = scan.skipByte(COLON) ? scan.hex() : NaN;
    if (Number.isNaN(transmit) || Number.isNaN(receive)) return false;
    this.#transmitBytes += transmit;
    this.#receiveBytes += receive;
    return true;
  }

  #declare(sink: SeriesSink, queue: string): number {
    return sink.declare(QUEUES, [
      ['ip', this.#ip],
      ['queue', queue],
    ]);
  }
}

/** What waits in the queues of the UDP sockets. */
export const udpQueuesSource: SourceFactory = (paths) =>
  sourceFromParts('udp_queues', [
    new UdpSockets(paths.procfs, 'udp', 'v4'),
    new UdpSockets(paths.procfs, 'udp6', 'v6'),
  ]);
