import { existsSync } from 'node:fs';
import type { Metric, SeriesSink, SourceFactory } from '../source.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { KernelFile, SELDOM_READS } from './kernel-file.ts';
import { declareRow } from './series-row.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';
import { SysfsAttribute } from './sysfs-attribute.ts';

/** A sysfs attribute is at most a page. */
const LIST_BYTES_MAX = 64 * 1024;
/** What the kernel allows as the name of a network device. */
const DEVICE_NAME = /^(?!\.{1,2}$)[^/:\s]{1,15}$/;

function gauge(name: string, help: string): Metric {
  return { name: `node_bonding_${name}`, kind: 'gauge', unit: '', help };
}

const METRICS: readonly Metric[] = [
  gauge('slaves', 'Network devices that are part of a bond.'),
  gauge('active', 'Network devices of a bond that have a link.'),
];

/** One bond: its list of slaves, and the link of each. */
class Bond implements SourcePart {
  readonly #directory: string;
  readonly #master: string;
  readonly #file: KernelFile;
  /** The list as it was when `#slaves` was made from it. */
  #list: Uint8Array | undefined;
  #slaves: SysfsAttribute[] = [];
  #slots: Int32Array | null | undefined;

  constructor(directory: string, master: string) {
    this.#directory = directory;
    this.#master = master;
    this.#file = new KernelFile(`${directory}/bonding/slaves`, 'bonding', {
      bytesMax: LIST_BYTES_MAX,
    });
  }

  read(sink: SeriesSink): void {
    if (!this.#file.load(sink)) return;
    this.#follow(this.#file.scan, sink);
    let active = 0;
    for (const slave of this.#slaves) {
      const status = slave.text();
      if (status === undefined) {
        // It is just coming or going: say nothing rather than something wrong.
        this.#forget();
        return;
      }
      if (status === 'up') active++;
    }
    this.#slots ??= declareRow(sink, 'bonding', METRICS, [['master', this.#master]]);
    if (this.#slots === null) return;
    sink.set(this.#slots[0]!, this.#slaves.length);
    sink.set(this.#slots[1]!, active);
  }

  close(): void {
    this.#file.close();
    this.#forget();
  }

  /** Opens the slaves if their list is another than last time. */
  #follow(scan: ByteScanner, sink: SeriesSink): void {
    const { bytes, end } = scan;
    if (this.#list !== undefined) {
      if (bytes.compare(this.#list, 0, this.#list.length, 0, end) === 0) return;
      this.#forget();
    }
    this.#list = Uint8Array.from(bytes.subarray(0, end));
    this.#slaves = deviceNames(scan, sink).map(
      (slave) => new SysfsAttribute(linkStatusPath(this.#directory, slave)),
    );
  }

  #forget(): void {
    for (const slave of this.#slaves) slave.close();
    this.#slaves = [];
    this.#list = undefined;
  }
}

/** The bonds that `bonding_masters` lists. The list is read seldom. */
class Bonds implements SourcePart {
  readonly #directory: string;
  readonly #masters: KernelFile;
  readonly #bonds = new Map<string, Bond>();
  #readsToListing = 0;

  constructor(directory: string) {
    this.#directory = directory;
    this.#masters = new KernelFile(`${directory}/bonding_masters`, 'bonding', {
      bytesMax: LIST_BYTES_MAX,
    });
  }

  read(sink: SeriesSink): void {
    if (this.#readsToListing === 0) {
      this.#readsToListing = SELDOM_READS;
      this.#follow(this.#masters.load(sink) ? deviceNames(this.#masters.scan, sink) : []);
      this.#masters.close();
    }
    this.#readsToListing--;
    for (const bond of this.#bonds.values()) bond.read(sink);
  }

  close(): void {
    this.#follow([]);
    this.#readsToListing = 0;
  }

  #follow(masters: readonly string[]): void {
    for (const [master, bond] of this.#bonds) {
      if (masters.includes(master)) continue;
      bond.close();
      this.#bonds.delete(master);
    }
    for (const master of masters) {
      if (this.#bonds.has(master)) continue;
      this.#bonds.set(master, new Bond(`${this.#directory}/${master}`, master));
    }
  }
}

function deviceNames(scan: ByteScanner, sink: SeriesSink): string[] {
  const text = scan.bytes.toString('utf8', 0, scan.end);
  const names = text.split(/\s+/).filter((name) => name !== '');
  const valid = names.filter((name) => DEVICE_NAME.test(name));
  if (valid.length < names.length) sink.malformed('bonding', 'a name that no device can have');
  return valid;
}

/** Old kernels named the link to a slave differently. */
function linkStatusPath(bond: string, slave: string): string {
  const lower = `${bond}/lower_${slave}`;
  return `${existsSync(lower) ? lower : `${bond}/slave_${slave}`}/bonding_slave/mii_status`;
}

/** `/sys/class/net/BOND/bonding`, see the kernel's Documentation/networking/bonding.rst. */
export const bondingSource: SourceFactory = (paths) =>
  sourceFromParts('bonding', [new Bonds(`${paths.sysfs}/class/net`)]);
