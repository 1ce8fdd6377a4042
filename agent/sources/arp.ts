import type { Metric, SeriesSink, SourceFactory } from '../source.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { HostNetworkFile } from './host-network-file.ts';
import { RowCache } from './row-cache.ts';
import { declareRow } from './series-row.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

/** Words of a line; the last is the device. */
const COLUMNS = 6;

const ENTRIES: Metric = {
  name: 'node_arp_entries',
  kind: 'gauge',
  unit: '',
  help: 'Neighbours in the ARP table, by device.',
};

interface DeviceCount {
  readonly slot: number;
  reading: number;
  entries: number;
}

/** `/proc/net/arp` (proc_pid_net(5), arp(7)): a header and a line for each neighbour. */
class ArpTable implements SourcePart {
  readonly #file: HostNetworkFile;
  readonly #rows = new RowCache<DeviceCount>('arp', deviceCount);
  #reading = 0;

  constructor(procfs: string) {
    this.#file = new HostNetworkFile(procfs, 'arp', 'arp');
  }

  read(sink: SeriesSink): void {
    if (!this.#file.load(sink)) return;
    const { scan } = this.#file;
    this.#reading++;
    this.#rows.restart();
    scan.nextLine();
    for (; !scan.atEnd; scan.nextLine()) {
      scan.skipSpaces();
      if (scan.atLineEnd) continue;
      let words = 0;
      while (words < COLUMNS && scan.word()) words++;
      if (words === COLUMNS) this.#count(scan, sink);
      else sink.malformed('arp', scan.lineExcerpt());
    }
  }

  close(): void {
    this.#file.close();
  }

  /** Sets the device's slot at each of its lines: the last one has the sum. */
  #count(scan: ByteScanner, sink: SeriesSink): void {
    const device = this.#rows.at(scan, sink);
    if (device === null) return;
    if (device.reading !== this.#reading) device.entries = 0;
    device.reading = this.#reading;
    device.entries++;
    sink.set(device.slot, device.entries);
  }
}

function deviceCount(scan: ByteScanner, sink: SeriesSink): DeviceCount | null {
  const slots = declareRow(sink, 'arp', [ENTRIES], [['device', scan.wordText()]]);
  return slots === null ? null : { slot: slots[0]!, reading: 0, entries: 0 };
}

/** The size of the ARP table. */
export const arpSource: SourceFactory = (paths) =>
  sourceFromParts('arp', [new ArpTable(paths.procfs)]);
