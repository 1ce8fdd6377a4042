import type { Metric, SeriesSink, SourceFactory } from '../source.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { DeviceDirectory } from './device-directory.ts';
import { HostNetworkFile } from './host-network-file.ts';
import { RowCache } from './row-cache.ts';
import { declareRow } from './series-row.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';
import { NumberAttribute } from './sysfs-attribute.ts';

const COLON = 0x3a;
const HEADER_LINES = 2;

function counter(name: string, help: string): Metric {
  const unit = name.endsWith('_bytes') ? 'bytes' : '';
  return { name: `node_network_${name}_total`, kind: 'counter', unit, help };
}

/** The columns of `/proc/net/dev` (proc_pid_net(5)): eight of receiving, eight of sending. */
const METRICS: readonly Metric[] = [
  counter('receive_bytes', 'Bytes received by a device.'),
  counter('receive_packets', 'Packets received by a device.'),
  counter('receive_errs', 'Faults while a device received.'),
  counter('receive_drop', 'Received packets that were dropped.'),
  counter('receive_fifo', 'Overruns of a receive queue.'),
  counter('receive_frame', 'Frames received with a framing fault.'),
  counter('receive_compressed', 'Compressed packets received by a device.'),
  counter('receive_multicast', 'Multicast frames received by a device.'),
  counter('transmit_bytes', 'Bytes sent by a device.'),
  counter('transmit_packets', 'Packets sent by a device.'),
  counter('transmit_errs', 'Faults while a device sent.'),
  counter('transmit_drop', 'Packets that were dropped before they were sent.'),
  counter('transmit_fifo', 'Overruns of a send queue.'),
  counter('transmit_colls', 'Collisions seen by a device.'),
  counter('transmit_carrier', 'Losses of the carrier while a device sent.'),
  counter('transmit_compressed', 'Compressed packets sent by a device.'),
];
/** The one counter that is in sysfs only. */
const NO_HANDLER = counter('receive_nohandler', 'Received packets that no protocol wanted.');

class NetworkDevices implements SourcePart {
  readonly #file: HostNetworkFile;
  readonly #rows: RowCache<Int32Array>;
  readonly #values = new Float64Array(METRICS.length);

  constructor(procfs: string, excluded: RegExp | undefined) {
    this.#file = new HostNetworkFile(procfs, 'dev', 'netdev');
    this.#rows = new RowCache('netdev', (scan, sink) => deviceRow(scan, sink, excluded));
  }

  read(sink: SeriesSink): void {
    if (!this.#file.load(sink)) return;
    const { scan } = this.#file;
    this.#rows.restart();
    for (let line = 0; line < HEADER_LINES; line++) scan.nextLine();
    for (; !scan.atEnd; scan.nextLine()) {
      scan.skipSpaces();
      if (scan.atLineEnd) continue;
      if (!this.#readDevice(scan, sink)) sink.malformed('netdev', scan.lineExcerpt());
    }
  }

  close(): void {
    this.#file.close();
  }

  #readDevice(scan: ByteScanner, sink: SeriesSink): boolean {
    if (!scan.wordUntil(COLON) || !scan.skipByte(COLON)) return false;
    if (scan.numbers(this.#values) !== METRICS.length) return false;
    const slots = this.#rows.at(scan, sink);
    if (slots === null) return true;
    for (let i = 0; i < slots.length; i++) sink.set(slots[i]!, this.#values[i]!);
    return true;
  }
}

function deviceRow(
  scan: ByteScanner,
  sink: SeriesSink,
  excluded: RegExp | undefined,
): Int32Array | null {
  const device = scan.wordText();
  if (excluded?.test(device) === true) return null;
  return declareRow(sink, 'netdev', METRICS, [['device', device]]);
}

/** The traffic of each network device, from `/proc/net/dev` and `/sys/class/net`. */
export const netdevSource: SourceFactory = (paths, options) => {
  const excluded = options?.networkDevicesExclude;
  return sourceFromParts('netdev', [
    new NetworkDevices(paths.procfs, excluded),
    new DeviceDirectory(`${paths.sysfs}/class/net`, /^(.+)$/s, (directory, device) =>
      excluded?.test(device) === true
        ? null
        : new NumberAttribute(`${directory}/statistics/rx_nohandler`, 'netdev', NO_HANDLER, [
            ['device', device],
          ]),
    ),
  ]);
};
