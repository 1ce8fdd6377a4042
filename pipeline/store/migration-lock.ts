import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { RollcallError } from '../error.ts';
import type { Store } from './store.ts';

/** By the clock of ClickHouse alone. */
const HOLDER = `
SELECT comment AS holder, dateDiff('second', metadata_modification_time, now()) AS age_seconds
FROM system.tables
WHERE database = {database:String} AND name = 'migration_lock'`;
const ASK_EVERY_MS = 500;

/**
 * Who has made the table `migration_lock` may change the database, until it is dropped. The lock of a process that was killed
 * is dropped by whoever waits for it.
 */
export class MigrationLock {
  readonly #store: Store;
  readonly #staleSeconds: number;
  readonly #holder = randomUUID();

  /** @param staleSeconds longer than the migrations take together: they change no rows, so that is a second or two */
  constructor(store: Store, staleSeconds = 20) {
    this.#store = store;
    this.#staleSeconds = staleSeconds;
  }

  async acquire(): Promise<void> {
    while (!(await this.#make())) {
      const now = await this.#current();
      if (now !== undefined && Number(now.age_seconds) > this.#staleSeconds) await this.#drop();
      else await sleep(ASK_EVERY_MS);
    }
  }

  /** @throws RollcallError `migration_lock_lost`, retryable, when it was held for so long that somebody has dropped it */
  async check(): Promise<void> {
    if ((await this.#current())?.holder === this.#holder) return;
    const reason = `another process migrates ${this.#store.database}, as this one took too long: start it again`;
    throw new RollcallError('migration_lock_lost', reason, { retryable: true });
  }

  async release(): Promise<void> {
    if ((await this.#current())?.holder === this.#holder) await this.#drop();
  }

  async #make(): Promise<boolean> {
    try {
      await this.#store.run(
        `CREATE TABLE migration_lock (holder UUID) ENGINE = Memory COMMENT '${this.#holder}'`,
      );
      return true;
    } catch (error) {
      const { type } = ((error as Error).cause ?? {}) as { type?: unknown };
      if (type !== 'TABLE_ALREADY_EXISTS') throw error;
      return false;
    }
  }

  async #current(): Promise<{ holder: string; age_seconds: string } | undefined> {
    const { database } = this.#store;
    const [row] = await this.#store.rows<{ holder: string; age_seconds: string }>(HOLDER, {
      database,
    });
    return row;
  }

  async #drop(): Promise<void> {
    await this.#store.run('DROP TABLE IF EXISTS migration_lock SYNC');
  }
}
