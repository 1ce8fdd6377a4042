import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { reasonOf, RollcallError } from '../../pipeline/error.ts';
import { LastWill } from './last-will.ts';

const run = promisify(execFile);
const FILLER = 'filler';
const CHUNK = Buffer.alloc(64 * 1024, 1);

/** A disk that is easily full: a tmpfs of its own, which goes away with the runner. Needs the right to mount. */
export class SmallDisk {
  readonly folder: string;

  readonly #unmount: LastWill;

  private constructor(folder: string) {
    this.folder = folder;
    this.#unmount = new LastWill('umount -l "$1"', folder);
  }

  /** @throws RollcallError `mount_refused` where that right is missing */
  static async mount(folder: string, bytes: number): Promise<SmallDisk> {
    mkdirSync(folder, { recursive: true });
    try {
      await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder]);
    } catch (cause) {
      const reason = reasonOf(cause).trim();
      throw new RollcallError('mount_refused', `a small disk cannot be mounted: ${reason}`, {
        cause,
      });
    }
    return new SmallDisk(folder);
  }

  /** Bytes that are free. */
  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.folder);
    return bavail * bsize;
  }

  /** Takes all that is free. */
  fill(): void {
    const path = join(this.folder, FILLER);
    try {
      for (;;) writeFileSync(path, CHUNK, { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }

  /** Gives back what `fill` took. */
  free(): void {
    rmSync(join(this.folder, FILLER), { force: true });
  }

  async unmount(): Promise<void> {
    await this.#unmount.execute();
  }
}
