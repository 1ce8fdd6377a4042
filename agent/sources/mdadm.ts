import type { Metric, SeriesSink, SourceFactory } from '../source.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { KernelFile } from './kernel-file.ts';
import { ARRAY_STATES, isIndented, MdArray } from './md-array.ts';
import { RowCache } from './row-cache.ts';
import { declareRow } from './series-row.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

const PERSONALITIES = Buffer.from('Personalities');
const UNUSED = Buffer.from('unused');
const DISK_STATES = ['active', 'failed', 'spare'] as const;

function gauge(name: string, help: string): Metric {
  return { name: `node_md_${name}`, kind: 'gauge', unit: '', help };
}

const COUNTS: readonly Metric[] = [
  gauge('disks_required', 'Disks that a RAID array is made for.'),
  gauge('blocks', 'Size of a RAID array in blocks of 1 KiB.'),
  gauge('blocks_synced', 'Blocks of a RAID array that are in sync, or synced by now.'),
];
const DISKS = gauge('disks', 'Disks of a RAID array, by their state.');
const STATE = gauge('state', 'Whether a RAID array is in a state.');

interface ArrayRow {
  readonly counts: Int32Array;
  /** By the states in `DISK_STATES` and `ARRAY_STATES`. */
  readonly disks: Int32Array;
  readonly states: Int32Array;
}

class RaidArrays implements SourcePart {
  readonly #file: KernelFile;
  readonly #rows = new RowCache<ArrayRow>('mdadm', arrayRow);
  readonly #array = new MdArray();

  constructor(procfs: string) {
    this.#file = new KernelFile(`${procfs}/mdstat`, 'mdadm');
  }

  read(sink: SeriesSink): void {
    if (!this.#file.load(sink)) return;
    const { scan } = this.#file;
    this.#rows.restart();
    while (!scan.atEnd) {
      if (isIndented(scan) || !scan.word() || scan.wordIs(PERSONALITIES) || scan.wordIs(UNUSED)) {
        scan.nextLine();
      } else {
        this.#readArray(scan, sink);
      }
    }
  }

  close(): void {
    this.#file.close();
  }

  #readArray(scan: ByteScanner, sink: SeriesSink): void {
    const { wordStart, wordEnd } = scan;
    const understood = this.#array.read(scan);
    const { pos } = scan;
    if (!understood) {
      scan.pos = wordStart;
      sink.malformed('mdadm', scan.lineExcerpt());
      scan.pos = pos;
      return;
    }
    scan.wordStart = wordStart;
    scan.wordEnd = wordEnd;
    const row = this.#rows.at(scan, sink);
    if (row !== null) this.#set(sink, row);
  }

  #set(sink: SeriesSink, { counts, disks, states }: ArrayRow): void {
    const array = this.#array;
    sink.set(counts[0]!, array.disksRequired);
    sink.set(counts[1]!, array.blocks);
    sink.set(counts[2]!, array.blocksSynced);
    sink.set(disks[0]!, array.disksActive);
    sink.set(disks[1]!, array.disksFailed);
    sink.set(disks[2]!, array.disksSpare);
    for (let i = 0; i < ARRAY_STATES.length; i++) {
      sink.set(states[i]!, ARRAY_STATES[i] === array.state ? 1 : 0);
    }
  }
}

function arrayRow(scan: ByteScanner, sink: SeriesSink): ArrayRow | null {
  const device = scan.wordText();
  const counts = declareRow(sink, 'mdadm', COUNTS, [['device', device]]);
  if (counts === null) return null;
  const slots = (metric: Metric, states: readonly string[]): Int32Array =>
    Int32Array.from(states, (state) =>
      sink.declare(metric, [
        ['device', device],
        ['state', state],
      ]),
    );
  return { counts, disks: slots(DISKS, DISK_STATES), states: slots(STATE, ARRAY_STATES) };
}

/** `/proc/mdstat`, see the kernel's Documentation/admin-guide/md.rst. */
export const mdadmSource: SourceFactory = (paths) =>
  sourceFromParts('mdadm', [new RaidArrays(paths.procfs)]);
