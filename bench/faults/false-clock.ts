import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../pipeline/embedded/debian-program.ts';
import { RollcallError } from '../../pipeline/error.ts';

/** Debian's folder for libraries of this machine. */
const TRIPLETS: Readonly<Record<string, string>> = {
  x64: 'x86_64-linux-gnu',
  arm64: 'aarch64-linux-gnu',
};
const PACKAGE = 'libfaketime';

/**
 * A wall clock for whole processes that can be set wrong while they run, by Debian's libfaketime; their monotonic
 * clock stays right. Source of the variables: libfaketime's README.
 */
export class FalseClock {
  readonly #library: string;
  readonly #file: string;

  private constructor(library: string, file: string) {
    this.#library = library;
    this.#file = file;
    this.set(0);
  }

  /**
   * @param folder where the file is that says how wrong the clock is
   * @throws RollcallError `program_missing`, saying what to install
   */
  static async create(cacheDir: string, folder: string): Promise<FalseClock> {
    const triplet = TRIPLETS[process.arch];
    if (process.platform !== 'linux' || triplet === undefined) {
      throw new RollcallError('program_missing', 'libfaketime is looked for on Linux only');
    }
    const path = `usr/lib/${triplet}/faketime/libfaketime.so.1`;
    const candidates = [join('/', path), join(cacheDir, PACKAGE, path)];
    const library = candidates.find((each) => existsSync(each));
    const found = library ?? (await findProgram({ package: PACKAGE, path }, cacheDir));
    return new FalseClock(found, join(folder, 'false-clock'));
  }

  /** For the processes that are to have this clock. */
  get environment(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: this.#library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** From about a second on their clock shows so many seconds more than the machine's. */
  set(seconds: number): void {
    const next = `${this.#file}.next`;
    writeFileSync(next, `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}\n`);
    renameSync(next, this.#file);
  }
}
