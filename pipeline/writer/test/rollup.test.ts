import t from 'tap';
import {
  silentLog,
  TEST_RETENTION,
  testClickHouse,
  testStore,
} from '../../embedded/test-servers.ts';
import type { Store } from '../../store/store.ts';
import { Rollup, rollupCounters } from '../rollup.ts';
import type { RollupOptions } from '../rollup.ts';
import { RunLedger } from '../run-ledger.ts';
import {
  commitMinutes,
  HOUR_MS,
  hourMs,
  insertMinutes,
  MINUTE_MS,
  minutesOf,
  rolledUpSamples,
  sameAnswers,
  UNTOLD,
} from './hours.ts';

const clickhouse = await testClickHouse(t);
const STREAM = { lane: '2x0', streamId: 7 };

function rollupOf(store: Store, epoch: number, changes: Partial<RollupOptions> = {}): Rollup {
  const options = { epoch, writer: 'w', kept: TEST_RETENTION, ...changes };
  return new Rollup(store, silentLog, options);
}

async function begunLane(store: Store, epoch: number, stream = STREAM): Promise<RunLedger> {
  const ledger = new RunLedger(store, stream, epoch, 'w');
  await ledger.begin(await ledger.claim(1));
  return ledger;
}

await t.test('an hour is rolled up once it is over, and late samples later', async (t) => {
  const store = await testStore(t, clickhouse.port, 'over');
  const start = hourMs(3);
  const same = (what: string) => sameAnswers(t, store, start - HOUR_MS, start + 4 * HOUR_MS, what);
  const lane = await begunLane(store, 1);
  const counters = rollupCounters();
  const options = { epoch: 1, writer: 'w', kept: TEST_RETENTION };
  const rollup = new Rollup(store, silentLog, options, counters);
  await rollup.look(start, UNTOLD);
  t.equal(await rolledUpSamples(store), 0, 'there is nothing');
  await commitMinutes(store, lane, minutesOf(start, 75));
  await same('nothing is rolled up');
  await rollup.look(start + HOUR_MS + 119_000, UNTOLD);
  t.equal(await rolledUpSamples(store), 0, 'lanes have two minutes to close');
  await rollup.look(start + HOUR_MS + 120_000, UNTOLD);
  t.equal(await rolledUpSamples(store), 60 * 12, 'one hour of 75 minutes');
  t.match(counters, { closings: 6, rows: 4, samples: 720, waiting: 1 });
  await same('one hour is rolled up');
  await rollup.look(start + HOUR_MS + 300_000, UNTOLD);
  t.equal(await rolledUpSamples(store), 60 * 12, 'once');
  // Of the day before, of the hour before, and of an hour that is rolled up.
  const late = [start - 20 * HOUR_MS, start - 30 * MINUTE_MS, start + 5 * MINUTE_MS];
  await commitMinutes(store, lane, late);
  await sameAnswers(
    t,
    store,
    start - 24 * HOUR_MS,
    start + 4 * HOUR_MS,
    'late ones are seen at once',
  );
  await commitMinutes(store, lane, minutesOf(start + 75 * MINUTE_MS, 50));
  await rollup.look(start + 2 * HOUR_MS + 120_000, UNTOLD);
  t.equal(await rolledUpSamples(store), (60 + 15 + 3 + 40) * 12);
  await sameAnswers(
    t,
    store,
    start - 24 * HOUR_MS,
    start + 4 * HOUR_MS,
    'and when they are rolled up',
  );
  await store.run('OPTIMIZE TABLE rollup_minutes FINAL');
  await store.run('OPTIMIZE TABLE rollup_hours FINAL');
  await same('merged');
});

await t.test('any number of slices and of batches', async (t) => {
  const store = await testStore(t, clickhouse.port, 'slices');
  const start = hourMs(6);
  const lanes = await Promise.all(
    [0, 1, 2].map((index) => begunLane(store, 1, { lane: `3x${index}`, streamId: 7 })),
  );
  for (const lane of lanes) {
    const first = lane.closing;
    await insertMinutes(store, first, minutesOf(start, 350));
    // What counts is the newest row alone.
    await store.insertRows('lane_runs', [
      {
        lane: `3x${lanes.indexOf(lane)}`,
        stream_id: 7,
        epoch: 1,
        number: 352,
        run: `${first - 1n}`,
      },
    ]);
  }
  const counters = rollupCounters();
  const options = { epoch: 1, writer: 'w', kept: TEST_RETENTION, sliceSamplesMax: 300 };
  await new Rollup(store, silentLog, options, counters).look(start + 7 * HOUR_MS, UNTOLD);
  t.equal(counters.closings, 3 * 350);
  t.equal(await rolledUpSamples(store), 3 * 350 * 12);
  await sameAnswers(t, store, start, start + 7 * HOUR_MS, 'rolled up');
});

await t.test('what is hidden is not counted, nor what may yet be', async (t) => {
  const store = await testStore(t, clickhouse.port, 'hidden');
  const start = hourMs(4);
  const older = await begunLane(store, 1);
  await commitMinutes(store, older, minutesOf(start, 20));
  const newer = new RunLedger(store, STREAM, 2, 'w');
  const position = await newer.claim(1);
  // Inserted by the older one, and never committed, or too late.
  await insertMinutes(store, older.closing, minutesOf(start + 20 * MINUTE_MS, 20));
  await t.rejects(older.commit({ fromSeq: 1, toSeq: 1 }), { code: 'fenced' });
  const rollup = rollupOf(store, 1);
  await rollup.look(start + 2 * HOUR_MS, UNTOLD);
  t.equal(await rolledUpSamples(store), 0, 'until the newer one has begun');
  await newer.begin(position);
  await commitMinutes(store, newer, minutesOf(start + 20 * MINUTE_MS, 30));
  await rollup.look(start + 2 * HOUR_MS, UNTOLD);
  t.equal(await rolledUpSamples(store), (20 + 20) * 12, 'but for the newest closing');
  await sameAnswers(t, store, start, start + HOUR_MS, 'rolled up');
});

await t.test('whoever comes later takes over, and nobody counts twice', async (t) => {
  const store = await testStore(t, clickhouse.port, 'two');
  const start = hourMs(6);
  const lane = await begunLane(store, 1);
  const same = (what: string) => sameAnswers(t, store, start, start + 6 * HOUR_MS, what);
  for (let hour = 0; hour < 4; hour += 1) {
    await commitMinutes(store, lane, minutesOf(start + hour * HOUR_MS));
    const at = start + (hour + 1) * HOUR_MS + 120_000;
    const both = [rollupOf(store, 10 * hour + 1), rollupOf(store, 10 * hour + 2)];
    const ends = await Promise.allSettled(both.map((rollup) => rollup.look(at, UNTOLD)));
    for (const end of ends) if (end.status === 'rejected') t.match(end.reason, { code: 'fenced' });
    await same(`hour ${hour}, both at once`);
    await rollupOf(store, 10 * hour + 3).look(at, UNTOLD);
    t.equal(await rolledUpSamples(store), (60 * hour + 50) * 12, 'all but the newest closing');
    await same(`hour ${hour}`);
    await t.rejects(both[0]!.look(at + HOUR_MS, UNTOLD), { code: 'fenced' });
  }
});

await t.test('a query sees each sample once while a roll-up is committed', async (t) => {
  const store = await testStore(t, clickhouse.port, 'seam');
  const start = hourMs(8);
  const lane = await begunLane(store, 1);
  const rollup = rollupOf(store, 1, { sliceSamplesMax: 100 });
  let stored = 0;
  const done = new AbortController();
  const wrong: unknown[] = [];
  let asked = 0;
  const asking = Array.from({ length: 3 }, async () => {
    while (!done.signal.aborted) {
      const atLeast = stored;
      const [row] = await store.rows<{ n: string; twice: string }>(
        `SELECT sum(count) AS n, countIf(count > 3) AS twice
         FROM rollup_between(start = ${start}, end = ${start + 8 * HOUR_MS}, step = 60)`,
      );
      asked += 1;
      if (Number(row!.n) < atLeast || row!.twice !== '0') wrong.push({ ...row, atLeast });
    }
  });
  for (let hour = 0; hour < 6; hour += 1) {
    const from = start + hour * HOUR_MS;
    await commitMinutes(store, lane, minutesOf(from));
    stored += 60 * 12;
    await rollup.look(from + HOUR_MS + 120_000, UNTOLD);
  }
  done.abort();
  await Promise.all(asking);
  t.same(wrong, []);
  t.comment(`${asked} queries`);
  await sameAnswers(t, store, start, start + 8 * HOUR_MS, 'in the end');
});
