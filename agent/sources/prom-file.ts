import { closeSync, constants, fstatSync, openSync, readSync, statSync, type Stats } from 'node:fs';
import type { SeriesSink } from '../source.ts';
import type { PromFamily } from './prom-family.ts';
import { parsePromText } from './prom-text.ts';

/** A larger file is refused. */
export const PROM_FILE_BYTES_MAX = 2 * 1024 * 1024;
/** A file with more samples is refused. */
export const PROM_FILE_SAMPLES_MAX = 10_000;
/** What changed less than this ago may change again without another time stamp. */
const TIME_STAMP_MS = 2_000;
const MS_PER_SECOND = 1000;

/** Tells by its stat(2) whether a file or a directory is as it was when it was last read. */
export class ChangeMark {
  #mark: Stats | undefined;
  #sure = false;

  /** False if nothing can have changed since the `stat` of the last call of `take`. */
  differs(stat: Stats): boolean {
    const mark = this.#mark;
    if (mark === undefined || !this.#sure) return true;
    return (
      mark.mtimeMs !== stat.mtimeMs ||
      mark.ctimeMs !== stat.ctimeMs ||
      mark.size !== stat.size ||
      mark.ino !== stat.ino ||
      mark.dev !== stat.dev
    );
  }

  take(stat: Stats, nowMs: number): void {
    this.#mark = stat;
    this.#sure = Math.abs(nowMs - stat.ctimeMs) >= TIME_STAMP_MS;
  }

  clear(): void {
    this.#mark = undefined;
  }
}

/** One `*.prom` file: parsed when it changed, else only looked at. */
export class PromFile {
  /** Its path on the host. */
  readonly name: string;
  failed = false;
  families: readonly PromFamily[] = [];
  /** In Unix time, whole seconds. */
  modifiedSeconds = 0;
  readonly #path: string;
  readonly #mark = new ChangeMark();

  constructor(path: string, name: string) {
    this.#path = path;
    this.name = name;
  }

  /** Whether it was read again. */
  refresh(sink: SeriesSink, nowMs: number): boolean {
    const stat = statOf(this.#path);
    if (stat === null) {
      const before = this.failed;
      this.#mark.clear();
      this.#refuse(sink, before ? null : 'cannot be found');
      return !before;
    }
    if (!this.#mark.differs(stat)) return false;
    this.#mark.take(stat, nowMs);
    this.#load(sink, stat, nowMs);
    return true;
  }

  #load(sink: SeriesSink, stat: Stats, nowMs: number): void {
    // Opening a device or a pipe can do something, so it is not tried.
    const file = stat.isFile() ? readRegularFile(this.#path) : 'is not a regular file';
    if (typeof file === 'string') {
      this.#refuse(sink, file);
      return;
    }
    this.#mark.take(file.stat, nowMs);
    const text = parsePromText(file.bytes, PROM_FILE_SAMPLES_MAX);
    if ('refused' in text) {
      this.#refuse(sink, text.refused);
      return;
    }
    this.failed = false;
    this.families = text.families;
    this.modifiedSeconds = Math.floor(file.stat.mtimeMs / MS_PER_SECOND);
  }

  #refuse(sink: SeriesSink, reason: string | null): void {
    this.failed = true;
    this.families = [];
    if (reason !== null) sink.malformed('textfile', `${this.name}: ${reason}`);
  }
}

/** Null if there is nothing at the path, or nothing that may be looked at. */
export function statOf(path: string): Stats | null {
  try {
    return statSync(path, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}

/** A file's contents and what it was when they were read, or why it cannot be read. */
function readRegularFile(path: string): { bytes: Buffer; stat: Stats } | string {
  let descriptor: number | undefined;
  try {
    // Since the path was looked at it may have become a pipe, which must not hold this process.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) return 'is not a regular file';
    if (stat.size > PROM_FILE_BYTES_MAX) return `is larger than ${PROM_FILE_BYTES_MAX} bytes`;
    const bytes = readToEnd(descriptor, stat.size);
    return bytes === null ? `is larger than ${PROM_FILE_BYTES_MAX} bytes` : { bytes, stat };
  } catch {
    return 'cannot be read';
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Null if there is more than a file may have. */
function readToEnd(descriptor: number, sizeExpected: number): Buffer | null {
  let bytes = Buffer.allocUnsafe(sizeExpected + 1);
  let length = 0;
  for (;;) {
    const count = readSync(descriptor, bytes, length, bytes.length - length, length);
    if (count === 0) return bytes.subarray(0, length);
    length += count;
    if (length > PROM_FILE_BYTES_MAX) return null;
    if (length === bytes.length) bytes = Buffer.concat([bytes], 2 * length);
  }
}
