import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RollcallError } from '../../pipeline/error.ts';
import { makeDataFolder, unusable } from './data-folder.ts';
import { isAlive, ownIdentity } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';

/** More than this many take-overs in a row do not happen; a loop that does not end must not either. */
const ATTEMPTS_MAX = 100;

/**
 * A data directory is used by one process at a time. The lock is a file `up.lock` with the pid and the
 * start time of its holder, so one that was left behind by a crash is recognised and taken over.
 */
export class InstanceLock {
  readonly path: string;
  readonly #holder: string;

  private constructor(path: string, holder: string) {
    this.path = path;
    this.#holder = holder;
  }

  /**
   * @throws RollcallError `already_running` with the pid of the holder, or `data_dir_failed` if the
   *   directory cannot be written
   */
  static acquire(dataDir: string): InstanceLock {
    const { pid, startTime } = ownIdentity();
    const lock = new InstanceLock(join(dataDir, 'up.lock'), `${pid} ${startTime}\n`);
    let holder: ProcessIdentity | undefined;
    makeDataFolder(dataDir);
    try {
      holder = lock.#takeWith(`${lock.path}.${pid}`);
    } catch (cause) {
      throw unusable(dataDir, cause);
    }
    if (holder !== undefined) throw alreadyRunning(dataDir, holder);
    return lock;
  }

  /** Does nothing if the lock is no longer ours. */
  release(): void {
    if (contentOf(this.path) === this.#holder) rmSync(this.path, { force: true });
  }

  #takeWith(draft: string): ProcessIdentity | undefined {
    // One that a crash left may be a second name of the lock itself.
    rmSync(draft, { force: true });
    writeFileSync(draft, this.#holder);
    try {
      return this.#take(draft);
    } finally {
      rmSync(draft, { force: true });
    }
  }

  /** @returns the living process that has the lock, or undefined if we have it now */
  #take(draft: string): ProcessIdentity | undefined {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      if (createOnce(draft, this.path)) return undefined;
      const content = contentOf(this.path);
      if (content === undefined) continue;
      const holder = livingHolder(content) ?? this.#replace(content, draft);
      if (holder !== undefined) return holder;
      if (contentOf(this.path) === this.#holder) return undefined;
    }
    throw new Error(`${this.path} changes all the time`);
  }

  /**
   * Puts our lock in the place of a dead one. Of several that try, the one that creates
   * `up.lock.takeover` may; it looks again whether the lock is still the dead one.
   *
   * @returns the living process that is doing just that, if there is one
   */
  #replace(dead: string, draft: string): ProcessIdentity | undefined {
    const permit = `${this.path}.takeover`;
    if (!createOnce(draft, permit)) {
      const content = contentOf(permit);
      const other = content === undefined ? undefined : livingHolder(content);
      if (content !== undefined && other === undefined) rmSync(permit, { force: true });
      return other;
    }
    if (contentOf(this.path) === dead) renameSync(permit, this.path);
    else rmSync(permit, { force: true });
    return undefined;
  }
}

/** Gives a complete file a second name that nobody else has: link(2) does both or nothing. */
function createOnce(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Undefined if it is dead, and for what is no lock, such as the empty file after a power cut. */
function livingHolder(content: string): ProcessIdentity | undefined {
  const [pid = '', startTime = ''] = content.trim().split(' ');
  if (!/^[1-9]\d*$/u.test(pid)) return undefined;
  const holder = { pid: Number(pid), startTime };
  return isAlive(holder) ? holder : undefined;
}

function alreadyRunning(dataDir: string, { pid }: ProcessIdentity): RollcallError {
  return new RollcallError(
    'already_running',
    `process ${pid} already uses the data directory ${dataDir}: ` +
      'stop it, or choose another directory with --data-dir',
  );
}
