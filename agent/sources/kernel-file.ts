import { readSync } from 'node:fs';
import type { SeriesSink } from '../source.ts';
import { ByteScanner } from './byte-scanner.ts';
import { closeQuietly, openQuietly } from './quiet-files.ts';

/** A larger file is reported as malformed and left out. */
export const FILE_BYTES_MAX = 4 * 1024 * 1024;
/** What is absent, or changes rarely, is looked at once in so many reads: a minute at 5 s. */
export const SELDOM_READS = 12;

/** All files are read one after the other, so one buffer serves them all. */
const sharedScanner = new ByteScanner();

/** Something that fills a scanner with the current contents of a file. */
export interface LoadableFile {
  readonly scan: ByteScanner;
  /** Puts the cursor at the first byte of fresh contents; false if there is no such file. */
  load(sink: SeriesSink): boolean;
  close(): void;
}

export interface KernelFileOptions {
  /** Instead of the scanner that all files share. */
  readonly scan?: ByteScanner;
  readonly bytesMax?: number;
  /**
   * Whether the kernel gives all it has in one read if there is room for it, as it does for sysfs
   * attributes, sysctls and what it makes with `single_open` (seq_file.rst). That saves the read
   * that says there is no more, about a quarter of a small file's cost.
   */
  readonly wholeAtOnce?: boolean;
}

/**
 * A kernel file that stays open and is read from its beginning at every tick: seq_file (see the
 * kernel's Documentation/filesystems/seq_file.rst) and sysfs attributes produce their contents
 * anew for a read at offset 0.
 *
 * A file that cannot be opened or read is absent, whatever the reason: not compiled in (ENOENT),
 * not allowed (EACCES), a device that went away (ENODEV), a sensor that does not answer (EINVAL,
 * EAGAIN). It is opened again at the next read if it was there a moment ago, else now and then.
 */
export class KernelFile implements LoadableFile {
  readonly scan: ByteScanner;
  readonly #path: string;
  readonly #source: string;
  readonly #bytesMax: number;
  readonly #wholeAtOnce: boolean;
  #descriptor = -1;
  #readsToSkip = 0;
  #worked = false;

  /** The scanner is shared with all other files unless one is given: use it before the next. */
  constructor(path: string, source: string, options: KernelFileOptions = {}) {
    this.#path = path;
    this.#source = source;
    this.scan = options.scan ?? sharedScanner;
    this.#bytesMax = options.bytesMax ?? FILE_BYTES_MAX;
    this.#wholeAtOnce = options.wholeAtOnce ?? false;
  }

  load(sink: SeriesSink): boolean {
    if (this.#readsToSkip > 0) {
      this.#readsToSkip--;
      return false;
    }
    if (this.#descriptor === -1) this.#descriptor = openQuietly(this.#path);
    try {
      if (this.#descriptor !== -1 && this.#fill()) {
        this.#worked = true;
        return true;
      }
      if (this.#descriptor !== -1) {
        sink.malformed(this.#source, `${this.#path} is larger than ${this.#bytesMax} bytes`);
        this.#worked = false;
      }
    } catch {
      this.#release();
    }
    if (!this.#worked) this.#readsToSkip = SELDOM_READS - 1;
    this.#worked = false;
    return false;
  }

  close(): void {
    this.#release();
    this.#readsToSkip = 0;
  }

  /** False if the file is too large. A seq_file returns a page at a time: read on to the end. */
  #fill(): boolean {
    const { scan } = this;
    scan.pos = 0;
    scan.end = 0;
    let length = 0;
    for (;;) {
      if (length === scan.bytes.length && !this.#grow(length)) return false;
      const count = readSync(
        this.#descriptor,
        scan.bytes,
        length,
        scan.bytes.length - length,
        length,
      );
      length += count;
      if (count === 0 || (this.#wholeAtOnce && length < scan.bytes.length)) break;
    }
    if (length > this.#bytesMax) return false;
    scan.end = length;
    return true;
  }

  #grow(length: number): boolean {
    if (length > this.#bytesMax) return false;
    const grown = Buffer.allocUnsafeSlow(Math.min(length * 2, FILE_BYTES_MAX + 1));
    this.scan.bytes.copy(grown, 0, 0, length);
    this.scan.bytes = grown;
    return true;
  }

  #release(): void {
    closeQuietly(this.#descriptor);
    this.#descriptor = -1;
  }
}
