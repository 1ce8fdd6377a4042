import { opendirSync } from 'node:fs';
import { join } from 'node:path/posix';
import type { SeriesSink } from '../source.ts';
import { ChangeMark, PromFile, statOf } from './prom-file.ts';

/** Files beyond this many in one directory are left out. */
export const PROM_FILES_MAX = 512;
/** Entries of a directory beyond this many are not looked at. */
const ENTRIES_MAX = 65_536;

/** A directory of `*.prom` files: listed when it changed; its files are looked at each time. */
export class PromDirectory {
  files: readonly PromFile[] = [];
  /** Whether there is such a directory. */
  present = false;
  failed = false;
  readonly #path: string;
  readonly #name: string;
  readonly #optional: boolean;
  readonly #mark = new ChangeMark();

  /** `path` is how this process reaches it, `name` its path on the host. */
  constructor(path: string, name: string, options: { optional: boolean }) {
    this.#path = path;
    this.#name = name;
    this.#optional = options.optional;
  }

  /** Whether anything is different from last time. */
  refresh(sink: SeriesSink, nowMs: number): boolean {
    let changed = this.#refreshListing(sink, nowMs);
    for (const file of this.files) {
      if (file.refresh(sink, nowMs)) changed = true;
    }
    return changed;
  }

  #refreshListing(sink: SeriesSink, nowMs: number): boolean {
    const stat = statOf(this.#path);
    if (stat === null) {
      const failed = !this.#optional;
      const changed = this.present || this.failed !== failed;
      this.present = false;
      this.failed = failed;
      this.files = [];
      this.#mark.clear();
      return changed;
    }
    if (!this.#mark.differs(stat)) return false;
    this.#mark.take(stat, nowMs);
    this.present = true;
    this.#list(sink);
    return true;
  }

  #list(sink: SeriesSink): void {
    const names = promFileNames(this.#path);
    this.failed = names === null;
    if (names !== null && names.length > PROM_FILES_MAX) {
      sink.malformed('textfile', `${this.#name}: more than ${PROM_FILES_MAX} files`);
      this.failed = true;
      names.length = PROM_FILES_MAX;
    }
    const known = new Map(this.files.map((file) => [file.name, file]));
    this.files = (names ?? []).map((name) => {
      const path = join(this.#name, name);
      return known.get(path) ?? new PromFile(join(this.#path, name), path);
    });
  }
}

/** In the order of their names; null if the directory cannot be listed. */
function promFileNames(path: string): string[] | null {
  const names: string[] = [];
  try {
    using directory = opendirSync(path);
    for (let entry = 0; entry < ENTRIES_MAX; entry++) {
      const name = directory.readSync()?.name;
      if (name === undefined) break;
      if (name.endsWith('.prom')) names.push(name);
    }
  } catch {
    return null;
  }
  return names.toSorted();
}
