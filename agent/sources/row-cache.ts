import type { SeriesSink } from '../source.ts';
import type { ByteScanner } from './byte-scanner.ts';

/** Rows beyond this many in one file are left out and counted as malformed. */
export const ROWS_MAX = 16_384;
/** Vanished rows that may stay in memory before they are forgotten. */
const VANISHED_ROWS_MAX = 256;

interface Entry<Row> {
  readonly name: Uint8Array;
  readonly row: Row | null;
}

/**
 * Remembers what the rows of a file were. The kernel lists devices in the same order at each
 * reading, so the next row is expected to be the one that came next last time, and comparing its
 * name's bytes is all that happens; only a row that is out of place is looked up by a string.
 *
 *     restart()   at()  at()  at()
 *     last time:  sda   sdb   dm-0
 *     this time:  sda   dm-0               looked up once, in its place from then on
 */
export class RowCache<Row> {
  readonly #source: string;
  readonly #create: (scan: ByteScanner, sink: SeriesSink) => Row | null;
  #expected: Entry<Row>[] = [];
  #next = 0;
  #byName = new Map<string, Entry<Row>>();
  #overflowed = false;

  /** `create` is called with the name as the scanner's word; null is a row to leave out. */
  constructor(source: string, create: (scan: ByteScanner, sink: SeriesSink) => Row | null) {
    this.#source = source;
    this.#create = create;
  }

  /** To be called before the first row of each reading. */
  restart(): void {
    if (this.#next < this.#expected.length) this.#expected.length = this.#next;
    this.#next = 0;
    this.#overflowed = false;
    if (this.#byName.size > 2 * this.#expected.length + VANISHED_ROWS_MAX) this.#forgetVanished();
  }

  /** The row that the scanner's last word names. */
  at(scan: ByteScanner, sink: SeriesSink): Row | null {
    const expected = this.#expected[this.#next];
    if (expected !== undefined && scan.wordIs(expected.name)) {
      this.#next++;
      return expected.row;
    }
    return this.#outOfPlace(scan, sink);
  }

  #outOfPlace(scan: ByteScanner, sink: SeriesSink): Row | null {
    const key = scan.wordKey();
    let entry = this.#byName.get(key);
    if (entry === undefined) {
      if (this.#byName.size >= ROWS_MAX) {
        if (!this.#overflowed) sink.malformed(this.#source, `more than ${ROWS_MAX} rows`);
        this.#overflowed = true;
        return null;
      }
      entry = { name: scan.wordBytes(), row: this.#create(scan, sink) };
      this.#byName.set(key, entry);
    }
    this.#expected[this.#next] = entry;
    this.#next++;
    return entry.row;
  }

  #forgetVanished(): void {
    this.#byName = new Map();
    for (const entry of this.#expected) {
      this.#byName.set(Buffer.from(entry.name).toString('latin1'), entry);
    }
  }
}
