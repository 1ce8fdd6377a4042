import { spawn } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import {
  silentLog,
  TEST_RETENTION,
  testClickHouse,
  testStore,
} from '../../embedded/test-servers.ts';
import { FAIL_POINTS_VARIABLE } from '../../fault/fail-point.ts';
import type { Store } from '../../store/store.ts';
import { Rollup } from '../rollup.ts';
import { RunLedger } from '../run-ledger.ts';
import {
  commitMinutes,
  HOUR_MS,
  hourMs,
  minutesOf,
  rolledUpSamples,
  sameAnswers,
  UNTOLD,
} from './hours.ts';

const PROCESS = new URL('rollup-process.ts', import.meta.url).pathname;
const clickhouse = await testClickHouse(t);

/** Rolls up in another process, which ends at a fail point. */
async function rollUpElsewhere(
  database: string,
  epoch: number,
  nowMs: number,
  failPoints: string,
): Promise<string | null> {
  const args = [PROCESS, clickhouse.port, database, epoch, nowMs].map(String);
  const child = spawn(process.execPath, args, {
    stdio: 'inherit',
    env: { ...process.env, [FAIL_POINTS_VARIABLE]: failPoints },
  });
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return signal;
}

async function laneOf(store: Store): Promise<RunLedger> {
  const ledger = new RunLedger(store, { lane: '2x0', streamId: 7 }, 1, 'w');
  await ledger.begin(await ledger.claim(1));
  return ledger;
}

await t.test('a kill at any point loses and repeats nothing', async (t) => {
  const store = await testStore(t, clickhouse.port, 'points');
  const start = hourMs(12);
  const lane = await laneOf(store);
  const points = [
    'writer.rollup_inserted=kill@1',
    'writer.rollup_inserted=kill@2',
    'writer.rollup_inserted=kill@3',
    'writer.rollup_committed=kill@1',
  ];
  let epoch = 0;
  for (const [hour, point] of points.entries()) {
    await commitMinutes(store, lane, minutesOf(start + hour * HOUR_MS));
    const at = start + (hour + 1) * HOUR_MS + 120_000;
    const same = (what: string) => sameAnswers(t, store, start, at, `${point}, ${what}`);
    epoch += 1;
    t.equal(await rollUpElsewhere('points', epoch, at, point), 'SIGKILL');
    await same('after the kill');
    epoch += 1;
    // Another one is killed at the same point; it has less to do where the first had committed.
    await rollUpElsewhere('points', epoch, at, point);
    await same('after another');
    epoch += 1;
    const options = { epoch, writer: 'w', kept: TEST_RETENTION };
    await new Rollup(store, silentLog, options).look(at, UNTOLD);
    await same('rolled up');
    t.equal(await rolledUpSamples(store), (60 * hour + 50) * 12);
  }
  const [row] = await store.rows<{ n: string }>('SELECT sum(count) AS n FROM rollup_hours');
  t.ok(Number(row!.n) > (60 * 3 + 50) * 12, 'what was left behind is there, and not shown');
});

await t.test('a failure gives the roll-up up, and the next one does it all', async (t) => {
  const store = await testStore(t, clickhouse.port, 'failures');
  const start = hourMs(12);
  const lane = await laneOf(store);
  const run = store.run.bind(store);
  const insertRows = store.insertRows.bind(store);
  let failing = '';
  t.intercept(store, 'run', {
    value: async (...given: Parameters<Store['run']>) => {
      await run(...given);
      // What was asked for has been done, and the answer is lost.
      if (failing !== '' && given[0].includes(failing)) throw new Error('the answer was lost');
    },
  });
  t.intercept(store, 'insertRows', {
    value: async (...given: Parameters<Store['insertRows']>) => {
      await insertRows(...given);
      if (given[0] === failing) throw new Error('the answer was lost');
    },
  });
  const rollup = new Rollup(store, silentLog, { epoch: 1, writer: 'w', kept: TEST_RETENTION });
  const places = ['rollup_runs', 'INSERT INTO rollup_minutes', 'INSERT INTO rollup_hours'];
  for (const [hour, place] of [...places, 'rollup_runs'].entries()) {
    await commitMinutes(store, lane, minutesOf(start + hour * HOUR_MS));
    const at = start + (hour + 1) * HOUR_MS + 120_000;
    const same = (what: string) => sameAnswers(t, store, start, at, `${place}, ${what}`);
    failing = place;
    for (let time = 0; time < 3; time += 1) {
      await t.rejects(rollup.look(at, UNTOLD), { message: 'the answer was lost' });
      await same('after a failure');
    }
    failing = '';
    await rollup.look(at, UNTOLD);
    await same('rolled up');
    t.equal(await rolledUpSamples(store), (60 * hour + 50) * 12);
  }
});

await t.test('what is hidden no longer is deleted first', async (t) => {
  const store = await testStore(t, clickhouse.port, 'many');
  const start = hourMs(3);
  const lane = await laneOf(store);
  await commitMinutes(store, lane, minutesOf(start, 20));
  const insertRows = store.insertRows.bind(store);
  let isFailing = true;
  t.intercept(store, 'insertRows', {
    value: async (...given: Parameters<Store['insertRows']>) => {
      const [row] = given[1] as { number?: number; runs?: unknown[] }[];
      // Each roll-up fails at its end, and is given up.
      if (isFailing && given[0] === 'rollup_runs' && row?.runs?.length === 1) {
        throw new Error('not committed');
      }
      await insertRows(...given);
    },
  });
  const at = start + HOUR_MS + 120_000;
  const rollup = new Rollup(store, silentLog, { epoch: 1, writer: 'w', kept: TEST_RETENTION });
  for (let time = 0; time < 70; time += 1) {
    await t.rejects(rollup.look(at, UNTOLD), { message: 'not committed' });
  }
  isFailing = false;
  await rollup.look(at, UNTOLD);
  t.equal(await rolledUpSamples(store), 10 * 12);
  const [row] = await store.rows<{ n: string }>('SELECT uniq(rollup) AS n FROM rollup_hours');
  t.equal(Number(row!.n), 65, 'those that are hidden, and the one that counts');
  await sameAnswers(t, store, start, start + HOUR_MS, 'in the end');
});
