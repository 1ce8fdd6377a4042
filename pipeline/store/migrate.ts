import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { RollcallError } from '../error.ts';
import { MigrationLock } from './migration-lock.ts';
import type { Store } from './store.ts';

const FOLDER = new URL('migrations/', import.meta.url);

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

export interface Retention {
  readonly samplesMs: number;
  readonly framesMs: number;
  readonly rollupMinutesMs: number;
  readonly rollupHoursMs: number;
}

const LEDGER = `CREATE TABLE IF NOT EXISTS migrations
(
    version UInt32, name String, checksum String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree ORDER BY version`;

/** The migrations that this version of Rollcall has, in order. */
export function migrations(): Migration[] {
  return readdirSync(FOLDER)
    .filter((file) => /^\d{4}_\w+\.sql$/.test(file))
    .toSorted()
    .map((file) => {
      const sql = readFileSync(new URL(file, FOLDER), 'utf8');
      const checksum = createHash('sha256').update(sql).digest('hex');
      return { version: Number(file.slice(0, 4)), name: file.slice(5, -4), sql, checksum };
    });
}

/**
 * Brings the database up to date and returns the migrations that were applied. Each statement can be
 * repeated, so a migration that was interrupted is simply run again.
 *
 * @throws RollcallError `migration_changed` when an applied migration differs from ours,
 *   `migration_newer` when the database is of a later version
 */
export async function migrate(
  store: Store,
  retention: Retention,
  known: readonly Migration[] = migrations(),
): Promise<Migration[]> {
  await store.createDatabase();
  await store.run(LEDGER);
  const pending = await pendingOf(known, store);
  const ours = pending.length === 0 ? [] : await applyLocked(known, store);
  if (store.hasCredentials) await renewDictionaries(store, known);
  await applyRetention(store, retention);
  return ours;
}

/** Whether others were quicker is asked again with the lock: what they have made and use must not be made anew. */
async function applyLocked(known: readonly Migration[], store: Store): Promise<Migration[]> {
  const lock = new MigrationLock(store);
  await lock.acquire();
  try {
    const pending = await pendingOf(known, store);
    for (const migration of pending) {
      for (const statement of statements(migration.sql)) {
        await lock.check();
        await store.run(idempotent(statement));
      }
      const { version, name, checksum } = migration;
      await store.insertRows('migrations', [{ version, name, checksum }]);
    }
    return pending;
  } finally {
    // One that cannot be dropped now is soon old; what has failed before is to be told.
    await lock.release().catch(() => undefined);
  }
}

/** What is not in the database yet. One that had another number in an earlier version is run again with its new one. */
async function pendingOf(known: readonly Migration[], store: Store): Promise<Migration[]> {
  const done = await applied(store);
  verify(known, done);
  return known.filter(({ version, checksum }) => done.get(version) !== checksum);
}

/** Dictionaries hold the credentials of whoever made them; those may have changed since. */
async function renewDictionaries(store: Store, known: readonly Migration[]): Promise<void> {
  const all = known.flatMap(({ sql }) => statements(sql));
  for (const statement of all.filter((one) => one.startsWith('CREATE DICTIONARY'))) {
    await store.run(statement.replace('CREATE DICTIONARY', 'CREATE OR REPLACE DICTIONARY'));
  }
}

async function applied(store: Store): Promise<Map<number, string>> {
  const rows = await store.rows<{ version: number; checksum: string }>(
    'SELECT version, checksum FROM migrations FINAL',
  );
  return new Map(rows.map(({ version, checksum }) => [version, checksum]));
}

function verify(known: readonly Migration[], done: ReadonlyMap<number, string>): void {
  const newest = known.at(-1)?.version ?? 0;
  for (const [version, checksum] of done) {
    if (version > newest) {
      throw new RollcallError(
        'migration_newer',
        `the database has migration ${version}, this Rollcall knows ${newest}: use the newer Rollcall`,
      );
    }
    if (!known.some((migration) => migration.checksum === checksum)) {
      throw new RollcallError(
        'migration_changed',
        `migration ${version} was applied with another text: a migration must not be edited`,
      );
    }
  }
}

/** Splits a file into its statements, without comments. */
function statements(sql: string): string[] {
  const bare = sql.replaceAll(/^--.*$/gm, '');
  return bare
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

/** What exists already is left alone: an interrupted migration is run again. */
function idempotent(statement: string): string {
  return statement.replace(/^CREATE (TABLE|VIEW|DICTIONARY)/, 'CREATE $1 IF NOT EXISTS');
}

/** The time to live follows the configuration; only parts that are wholly too old are dropped. */
async function applyRetention(store: Store, retention: Retention): Promise<void> {
  const { samplesMs, framesMs, rollupMinutesMs, rollupHoursMs } = retention;
  const tables: [table: string, time: string, ageMs: number][] = [
    ['samples', 'toDateTime(timestamp)', samplesMs],
    ['series_minutes', 'minute', samplesMs],
    ['frames', 'toDateTime(timestamp)', framesMs],
    ['rollup_minutes', 'hour', rollupMinutesMs],
    ['rollup_hours', 'hour', rollupHoursMs],
  ];
  for (const [table, time, ageMs] of tables) {
    const wanted = `${time} + toIntervalSecond(${Math.round(ageMs / 1000)})`;
    const [row] = await store.rows<{ create_table_query: string }>(
      `SELECT create_table_query FROM system.tables
       WHERE database = {db:String} AND name = {table:String}`,
      { db: store.database, table },
    );
    if (row === undefined || row.create_table_query.includes(wanted)) continue;
    await store.run(
      `ALTER TABLE ${table} MODIFY TTL ${wanted}
       SETTINGS materialize_ttl_after_modify = 0`,
    );
  }
}
