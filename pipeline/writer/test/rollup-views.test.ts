import t from 'tap';
import {
  silentLog,
  TEST_RETENTION,
  testClickHouse,
  testStore,
} from '../../embedded/test-servers.ts';
import { until } from '../../embedded/test/until.ts';
import { migrate } from '../../store/migrate.ts';
import type { Store } from '../../store/store.ts';
import { Rollup } from '../rollup.ts';
import { RunLedger } from '../run-ledger.ts';
import { commitMinutes, HOUR_MS, hourMs, minutesOf, rolledUpSamples, UNTOLD } from './hours.ts';

const clickhouse = await testClickHouse(t);
const DAY_MS = 24 * HOUR_MS;

async function rolledUpHours(store: Store, start: number, hours: number): Promise<void> {
  const lane = new RunLedger(store, { lane: '2x0', streamId: 7 }, 1, 'w');
  await lane.begin(await lane.claim(1));
  await commitMinutes(store, lane, minutesOf(start, 60 * hours + 10), 1);
  const rollup = new Rollup(store, silentLog, { epoch: 1, writer: 'w', kept: TEST_RETENTION });
  await rollup.look(start + hours * HOUR_MS + 120_000, UNTOLD);
  await store.insertRows('series', [
    { metric_id: '0', name: 'load', label_names: ['cpu'], label_values: ['1'] },
  ]);
  await store.insertRows('targets', [
    { id: '0', revision: 1, instance: 'host-0', labels: { job: 'node' } },
  ]);
  await store.run('SYSTEM RELOAD DICTIONARY {database}.series_by_id');
  await store.run('SYSTEM RELOAD DICTIONARY {database}.targets_by_id');
}

await t.test('the views choose the step by the span and by what is kept', async (t) => {
  const store = await testStore(t, clickhouse.port, 'steps');
  const start = hourMs(4);
  await rolledUpHours(store, start, 2);
  const ask = async (view: string, name: string, from: number, end: number) => {
    const rows = await store.rows<{ step: number; rows: string; n: string }>(
      `SELECT any(step_seconds) AS step, count() AS rows, sum(count) AS n
       FROM ${view}(${name}, start = ${from}, end = ${end})`,
    );
    const [{ step, rows: shown, n }] = rows as [(typeof rows)[0]];
    return [step, Number(shown), Number(n)];
  };
  const end = start + 3 * HOUR_MS;
  for (const [view, name] of [
    ['metric_rollup', "name = 'load'"],
    ['metric_of_host_rollup', "name = 'load', instance = 'host-0'"],
  ] as const) {
    t.same(await ask(view, name, start, end), [0, 390, 390]);
    t.same(await ask(view, name, start - 1000, end), [60, 130, 390]);
    t.same(await ask(view, name, end - 3 * DAY_MS, end), [60, 130, 390]);
    t.same(await ask(view, name, end - 3 * DAY_MS - 1000, end), [3600, 3, 390]);
    t.same(await ask(view, name.replace('load', 'none'), start, end), [0, 0, 0]);
    // A step is shown whole when it begins before the end.
    const part = [start + 90_000 - 4 * HOUR_MS, start + 90_000] as const;
    t.same(await ask(view, name, ...part), [60, 2, 6]);
  }
  const [row] = await store.rows<object>(
    `SELECT time, labels, target_labels, instance FROM metric_rollup(
       name = 'load', start = ${start - DAY_MS}, end = ${end}) ORDER BY time LIMIT 1`,
  );
  const time = new Date(start).toISOString().replace('T', ' ').replace('Z', '');
  t.same(row, { time, labels: { cpu: '1' }, target_labels: { job: 'node' }, instance: 'host-0' });
  // As if samples were kept for an hour, and minutes for two.
  await store.insertRows('rollup_runs', [
    { epoch: 9, number: 1, samples_kept: 3600, minutes_kept: 7200 },
  ]);
  const now = Date.now();
  const stepOf = async (from: number): Promise<number> => {
    const [of] = await store.rows<{ step: number }>(
      `SELECT step FROM rollup_step(start = ${from}, end = ${from + 60_000})`,
    );
    return of!.step;
  };
  t.equal(await stepOf(now - 3_500_000), 0);
  t.equal(await stepOf(now - 3_700_000), 60);
  t.equal(await stepOf(now - 7_300_000), 3600);
});

await t.test('each tier goes at its age', async (t) => {
  const store = await testStore(t, clickhouse.port, 'tiers');
  const start = hourMs(5 * 24);
  await rolledUpHours(store, start, 2);
  t.equal(await rolledUpSamples(store), 2 * 180);
  const left = async () => {
    const [row] = await store.rows<{ raw: string; minutes: string; hours: string }>(
      `SELECT (SELECT count() FROM series_minutes) AS raw,
         (SELECT count() FROM rollup_minutes) AS minutes, (SELECT count() FROM rollup_hours) AS hours`,
    );
    return [row!.raw, row!.minutes, row!.hours].map(Number);
  };
  t.same(await left(), [130, 2, 2]);
  const tables = ['series_minutes', 'rollup_minutes', 'rollup_hours'];
  const goes = async (samplesMs: number, rollupMinutesMs: number, rollupHoursMs: number) => {
    await migrate(store, { ...TEST_RETENTION, samplesMs, rollupMinutesMs, rollupHoursMs });
    for (const table of tables) await store.run(`ALTER TABLE ${table} MATERIALIZE TTL`);
    for (const table of tables) await store.run(`OPTIMIZE TABLE ${table} FINAL`);
  };
  const total = async (): Promise<number> => {
    const [row] = await store.rows<{ n: string }>(
      `SELECT sum(count) AS n FROM rollup_between(
         start = ${start}, end = ${start + DAY_MS}, step = 3600)`,
    );
    return Number(row!.n);
  };
  await goes(2 * DAY_MS, 90 * DAY_MS, 900 * DAY_MS);
  await until('samples are gone', async () => (await left())[0] === 0);
  t.same(await left(), [0, 2, 2]);
  t.equal(await total(), 360, 'what was rolled up');
  await goes(DAY_MS, 2 * DAY_MS, 900 * DAY_MS);
  await until('minutes are gone', async () => (await left())[1] === 0);
  t.same(await left(), [0, 0, 2]);
  t.equal(await total(), 360);
});
