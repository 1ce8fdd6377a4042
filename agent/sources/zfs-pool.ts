import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { Metric, SeriesSink } from '../source.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { DeviceDirectory } from './device-directory.ts';
import { KernelFile } from './kernel-file.ts';
import { KstatFile } from './kstat-file.ts';
import { declareRow, isMetricName } from './series-row.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

const NREAD = Buffer.from('nread');
/** Numbers of an `io` kstat; there are no others in any version. */
const IO_NUMBERS = 12;
const STATES = ['online', 'degraded', 'faulted', 'offline', 'removed', 'unavail', 'suspended'];
/** As the kernel writes them. */
const STATE_BYTES = STATES.map((state) => Buffer.from(state.toUpperCase()));
const STATE: Metric = {
  name: 'node_zfs_zpool_state',
  kind: 'gauge',
  unit: '',
  help: 'Whether a pool is in a state.',
};

/** `<pool>/io`, up to OpenZFS 2.0: a line of names and a line of numbers (kstat_seq_show_io()). */
class PoolIo implements SourcePart {
  readonly #file: KernelFile;
  readonly #pool: Label;
  readonly #values = new Float64Array(IO_NUMBERS);
  #names: Uint8Array = new Uint8Array();
  #slots: Int32Array | null = null;

  constructor(path: string, pool: Label) {
    this.#file = new KernelFile(path, 'zfs');
    this.#pool = pool;
  }

  read(sink: SeriesSink): void {
    if (!this.#file.load(sink)) return;
    const { scan } = this.#file;
    while (!scan.atEnd && !(scan.word() && scan.wordIs(NREAD))) scan.nextLine();
    const names = this.#slotsOf(scan, sink);
    scan.nextLine();
    if (names === null || scan.numbers(this.#values) !== IO_NUMBERS) {
      sink.malformed('zfs', `no numbers of ${this.#pool[1]}: ${scan.lineExcerpt()}`);
      return;
    }
    for (let i = 0; i < IO_NUMBERS; i++) sink.set(names[i]!, this.#values[i]!);
  }

  close(): void {
    this.#file.close();
  }

  /** The slots of the line of names, whose first has been read. */
  #slotsOf(scan: ByteScanner, sink: SeriesSink): Int32Array | null {
    if (scan.atEnd) return null;
    scan.pos = scan.wordStart;
    scan.lineAsWord();
    if (scan.wordIs(this.#names)) return this.#slots;
    this.#names = scan.wordBytes();
    const metrics = scan.wordText().split(/\s+/).map(ioMetric);
    const usable = metrics.length === IO_NUMBERS && metrics.every(({ name }) => isMetricName(name));
    this.#slots = usable ? declareRow(sink, 'zfs', metrics, [this.#pool]) : null;
    return this.#slots;
  }
}

function ioMetric(name: string): Metric {
  return {
    name: `node_zfs_zpool_${name}`,
    kind: 'untyped',
    unit: '',
    help: `The number ${name} of what a pool has read and written.`,
  };
}

/** `<pool>/state`: one word. */
class PoolState implements SourcePart {
  readonly #file: KernelFile;
  readonly #pool: Label;
  #slots: Int32Array | undefined;

  constructor(path: string, pool: Label) {
    this.#file = new KernelFile(path, 'zfs');
    this.#pool = pool;
  }

  read(sink: SeriesSink): void {
    if (!this.#file.load(sink)) return;
    const { scan } = this.#file;
    this.#slots ??= Int32Array.from(STATES, (state) =>
      sink.declare(STATE, [this.#pool, ['state', state]]),
    );
    scan.word();
    for (let i = 0; i < STATES.length; i++) {
      sink.set(this.#slots[i]!, scan.wordIs(STATE_BYTES[i]!) ? 1 : 0);
    }
  }

  close(): void {
    this.#file.close();
  }
}

/** The directory of a pool: what it does, how it is, and what each of its datasets does. */
export function zfsPool(directory: string, name: string): SourcePart {
  const pool: Label = ['zpool', name];
  return sourceFromParts('zfs', [
    new PoolIo(`${directory}/io`, pool),
    new DeviceDirectory(directory, /^(objset-.+)$/, (path) => {
      return new KstatFile(path, {
        prefix: 'node_zfs_zpool_dataset',
        labels: [pool],
        ofDataset: true,
      });
    }),
    new PoolState(`${directory}/state`, pool),
  ]);
}
