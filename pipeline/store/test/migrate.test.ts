import t from 'tap';
import type { Test } from 'tap';
import { testClickHouse } from '../../embedded/test-servers.ts';
import { MigrationLock } from '../migration-lock.ts';
import { migrate, migrations } from '../migrate.ts';
import { Store } from '../store.ts';
import { RunLedger } from '../../writer/run-ledger.ts';

const DAY_MS = 86_400_000;
const ROLLUPS = { rollupMinutesMs: 90 * DAY_MS, rollupHoursMs: 1095 * DAY_MS };
const RETENTION = { samplesMs: 7 * DAY_MS, framesMs: 3 * DAY_MS, ...ROLLUPS };
const clickhouse = await testClickHouse(t);

function emptyStore(t: Test, database: string): Store {
  const store = new Store({
    url: `http://127.0.0.1:${clickhouse.port}`,
    user: 'default',
    database,
    requestTimeoutMs: 10_000,
  });
  t.teardown(() => store.close());
  return store;
}

async function createQuery(store: Store, table: string): Promise<string> {
  const [row] = await store.rows<{ create_table_query: string }>(
    `SELECT create_table_query FROM system.tables
     WHERE database = currentDatabase() AND name = {table:String}`,
    { table },
  );
  return row!.create_table_query;
}

await t.test('each migration is applied once, and a second run does nothing', async (t) => {
  const store = emptyStore(t, 'once');
  const all = migrations();
  t.same(
    all.map(({ version }) => version),
    all.map((_, i) => i + 1),
    'versions are 1, 2, 3 …',
  );
  t.same(await migrate(store, RETENTION), all);
  const ledger = () => store.rows<object>('SELECT * FROM migrations ORDER BY version');
  const before = await ledger();
  t.equal(before.length, all.length);
  t.same(await migrate(store, RETENTION), []);
  t.same(await ledger(), before);
});

await t.test('a migration that was interrupted is run again and keeps the data', async (t) => {
  const store = emptyStore(t, 'interrupted');
  await migrate(store, RETENTION);
  await store.insertRows('samples', [
    { metric_id: '1', target_id: '2', timestamp: new Date().toISOString(), value: 3 },
  ]);
  // As if the ledger's rows had not been written any more, and some of the statements not run.
  await store.run('DROP VIEW metric');
  await store.run('TRUNCATE TABLE migrations');
  t.same(await migrate(store, RETENTION), migrations());
  const range = 'start = now() - 60, end = now() + 60';
  t.same(await store.rows(`SELECT value FROM samples_between(${range})`), [{ value: 3 }]);
  t.same(await store.rows(`SELECT * FROM metric(name = 'none', ${range})`), []);
});

await t.test('two at once: what one has made and uses is not made anew by the other', async (t) => {
  const store = emptyStore(t, 'together');
  const other = emptyStore(t, 'together');
  const applied = await Promise.all([store, other, store].map((one) => migrate(one, RETENTION)));
  t.same(
    applied.toSorted((a, b) => b.length - a.length),
    [migrations(), [], []],
  );
  t.same(await store.rows(`EXISTS TABLE migration_lock`), [{ result: 0 }]);
});

await t.test('the lock of a process that was killed is dropped when it is old', async (t) => {
  const store = emptyStore(t, 'killed');
  await store.createDatabase();
  const killed = new MigrationLock(store, 1);
  await killed.acquire();
  await killed.check();
  const next = new MigrationLock(store, 1);
  await next.acquire();
  await t.rejects(killed.check(), { code: 'migration_lock_lost' });
  await killed.release();
  await next.check();
  await next.release();
  t.same(await store.rows(`EXISTS TABLE migration_lock`), [{ result: 0 }]);
});

await t.test('a migration that has got another number since is run with both', async (t) => {
  const store = emptyStore(t, 'renumbered');
  const all = migrations();
  const [recentFrames, rollups] = all.slice(8, 10);
  const earlier = [...all.slice(0, 8), { ...rollups!, version: 9 }];
  t.same(await migrate(store, RETENTION, earlier), earlier);
  await store.insertRows('rollup_hours', [{ hour: Math.floor(Date.now() / 1000), count: 5 }]);
  t.same(await migrate(store, RETENTION), [recentFrames, ...all.slice(9)]);
  t.same(await store.rows('SELECT count FROM rollup_hours'), [{ count: 5 }]);
  t.same(await migrate(store, RETENTION), []);
});

await t.test('positions and samples of before are kept', async (t) => {
  const store = emptyStore(t, 'before');
  // As the migration before it left the database.
  await migrate(store, RETENTION, migrations().slice(0, 7));
  const intent = { stream_id: 7, writer: 'w' };
  await store.insertRows('lane_intents', [
    { ...intent, lane: '4x0', epoch: 1, from_seq: 90, to_seq: 99 },
    { ...intent, lane: '4x0', epoch: 3, from_seq: 0, to_seq: 0 },
    { ...intent, lane: '4x0', epoch: 2, from_seq: 21, to_seq: 30, to_stored_ms: 5 },
    { ...intent, lane: '4x1', epoch: 1, from_seq: 11, to_seq: 10, to_stored_ms: 6 },
  ]);
  await store.insertRows('samples', [
    { metric_id: '1', target_id: '2', timestamp: new Date().toISOString(), value: 3 },
  ]);
  await migrate(store, RETENTION);
  const claim = (lane: string) => new RunLedger(store, { lane, streamId: 7 }, 4, 'w').claim(1);
  t.same(await claim('4x0'), { fromSeq: 21, toSeq: 20, toStoredMs: undefined });
  t.same(await claim('4x1'), { fromSeq: 11, toSeq: 10, toStoredMs: 6 });
  const range = 'start = now() - 60, end = now() + 60';
  t.same(await store.rows(`SELECT value FROM samples_between(${range})`), [{ value: 3 }]);
});

await t.test('a database in which an applied migration differs is refused', async (t) => {
  const store = emptyStore(t, 'edited');
  await migrate(store, RETENTION);
  await store.insertRows('migrations', [{ version: 1, name: 'road', checksum: 'of another text' }]);
  await t.rejects(migrate(store, RETENTION), {
    code: 'migration_changed',
    message: /migration 1 /,
    retryable: false,
  });
});

await t.test('a database of a newer version is refused', async (t) => {
  const store = emptyStore(t, 'newer');
  await migrate(store, RETENTION);
  const version = migrations().length + 1;
  await store.insertRows('migrations', [{ version, name: 'later', checksum: 'x' }]);
  await t.rejects(migrate(store, RETENTION), {
    code: 'migration_newer',
    message: new RegExp(`has migration ${version}, .* knows ${version - 1}`),
  });
});

await t.test('the retention is what was configured last', async (t) => {
  const store = emptyStore(t, 'retention');
  await migrate(store, RETENTION);
  t.match(await createQuery(store, 'samples'), `toIntervalSecond(${7 * 86_400})`);
  t.match(await createQuery(store, 'series_minutes'), `toIntervalSecond(${7 * 86_400})`);
  t.match(await createQuery(store, 'frames'), `toIntervalSecond(${3 * 86_400})`);
  await migrate(store, { samplesMs: 30 * DAY_MS, framesMs: 3 * DAY_MS, ...ROLLUPS });
  t.match(await createQuery(store, 'samples'), `toIntervalSecond(${30 * 86_400})`);
  t.match(await createQuery(store, 'frames'), `toIntervalSecond(${3 * 86_400})`);
  t.match(await createQuery(store, 'rollup_minutes'), `toIntervalSecond(${90 * 86_400})`);
  t.match(await createQuery(store, 'rollup_hours'), `toIntervalSecond(${1095 * 86_400})`);
  await migrate(store, {
    samplesMs: DAY_MS / 2,
    framesMs: DAY_MS / 4,
    rollupMinutesMs: 2 * DAY_MS,
    rollupHoursMs: 3 * DAY_MS,
  });
  t.match(await createQuery(store, 'rollup_minutes'), `toIntervalSecond(${2 * 86_400})`);
  t.match(await createQuery(store, 'rollup_hours'), `toIntervalSecond(${3 * 86_400})`);
  t.match(await createQuery(store, 'samples'), 'toIntervalSecond(43200)');
  t.match(await createQuery(store, 'frames'), 'toIntervalSecond(21600)');
});

await t.test('two fleets in one server do not see each other', async (t) => {
  const [a, b] = [emptyStore(t, 'fleet_a'), emptyStore(t, 'fleet_b')];
  await Promise.all([migrate(a, RETENTION), migrate(b, RETENTION)]);
  await a.insertRows('series', [
    { metric_id: '7', name: 'only_in_a', label_names: [], label_values: [] },
  ]);
  for (const [store, count] of [
    [a, '1'],
    [b, '0'],
  ] as const) {
    await store.run('SYSTEM RELOAD DICTIONARY {database}.series_by_id');
    const [row] = await store.rows<{ n: string }>('SELECT count() AS n FROM series_by_id');
    t.equal(row!.n, count);
  }
});
