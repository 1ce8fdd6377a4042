import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { reasonOf, RollcallError } from '../../pipeline/error.ts';

/** Where the output of a service goes. */
export function logFileOf(dataDir: string, service: string): string {
  return join(dataDir, 'logs', `${service}.log`);
}

const BYTES_MAX = 16 * 1024 * 1024;

/**
 * A file that lines are appended to. Over `bytesMax` it becomes `<path>.1`, in place of the one
 * before, so a log takes at most twice that. Writes are synchronous: what a child said before it
 * died is on file when its death is reported, and a child that floods us is slowed by its full pipe.
 *
 * A line that cannot be written (the disk is full) is lost and counted; the file says how many as
 * soon as it can.
 */
export class LogFile {
  readonly path: string;
  readonly #bytesMax: number;
  #descriptor: number | undefined;
  #bytes = 0;
  #lost = 0;
  #lostBecause = '';

  /** @throws RollcallError `log_file_failed` if the file cannot be opened */
  constructor(path: string, bytesMax = BYTES_MAX) {
    this.path = path;
    this.#bytesMax = bytesMax;
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.#open();
    } catch (cause) {
      throw new RollcallError('log_file_failed', `cannot write ${path}: ${reasonOf(cause)}`, {
        cause,
      });
    }
  }

  /** Lines lost since the last one that could be written. */
  get lostLines(): number {
    return this.#lost;
  }

  append(lines: readonly string[]): void {
    if (lines.length === 0) return;
    try {
      if (this.#descriptor === undefined || this.#bytes > this.#bytesMax) this.#rotate();
      const all = this.#lost === 0 ? lines : [this.#lossNotice(), ...lines];
      this.#write(Buffer.from(`${all.join('\n')}\n`));
      this.#lost = 0;
    } catch (error) {
      this.#lost += lines.length;
      this.#lostBecause = reasonOf(error);
    }
  }

  /** The file is opened again by the next line. */
  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #lossNotice(): string {
    return `rollcall: ${this.#lost} lines were lost here: ${this.#lostBecause}`;
  }

  #open(): void {
    this.#descriptor = openSync(this.path, 'a');
    this.#bytes = fstatSync(this.#descriptor).size;
  }

  #rotate(): void {
    if (this.#descriptor === undefined) this.#open();
    if (this.#bytes <= this.#bytesMax) return;
    this.close();
    renameSync(this.path, `${this.path}.1`);
    this.#open();
  }

  #write(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) at += writeSync(this.#descriptor!, bytes, at);
    this.#bytes += bytes.length;
  }
}
