import t from 'tap';
import {
  silentLog,
  TEST_RETENTION,
  testClickHouse,
  testStore,
} from '../../embedded/test-servers.ts';
import type { Store } from '../../store/store.ts';
import { RollupLedger } from '../rollup-ledger.ts';
import type { RolledUp } from '../rollup-ledger.ts';
import { Rollup } from '../rollup.ts';
import { RunLedger } from '../run-ledger.ts';
import { waitingClosings } from '../waiting-closings.ts';
import { commitMinutes, HOUR_MS, hourMs, minutesOf, UNTOLD } from './hours.ts';

const clickhouse = await testClickHouse(t);
const RUN = 5n << 24n;

const ledgerOf = (store: Store, epoch: number) =>
  new RollupLedger(store, epoch, 'w', TEST_RETENTION);
const upTo = (number: bigint): RolledUp => ({
  below: new Map([[RUN, RUN + number]]),
  openFromS: 3600 * Number(number),
});
const sorted = (ids: readonly bigint[]): bigint[] => [...BigUint64Array.from(ids).toSorted()];
const idOf = (epoch: number, number: number): bigint => (BigInt(epoch) << 20n) + BigInt(number);

/** What queries go by. */
async function known(store: Store): Promise<{ newest: bigint; hides: bigint[]; below: bigint[] }> {
  const [row] = await store.rows<{ newest: string; hides: string[]; below: string[] }>(
    'SELECT newest, hides, below FROM rollups',
  );
  const { newest, hides, below } = row!;
  return { newest: BigInt(newest), hides: hides.map(BigInt), below: below.map(BigInt) };
}

await t.test('each commit says all there is to know', async (t) => {
  const store = await testStore(t, clickhouse.port, 'commits');
  t.same(await known(store), { newest: 0n, hides: [], below: [0n] });
  const ledger = ledgerOf(store, 3);
  await ledger.claim();
  t.equal(ledger.rollup, idOf(3, 1));
  t.same(await known(store), { newest: 0n, hides: [], below: [0n] });
  for (let number = 1; number < 5; number += 1) {
    await ledger.commit(upTo(BigInt(10 * number)));
    const below = [RUN + BigInt(10 * number), 0n];
    t.same(await known(store), { newest: idOf(3, number), hides: [], below });
  }
  await ledger.abandon();
  await ledger.abandon();
  t.same(await known(store), {
    newest: idOf(3, 8),
    hides: [idOf(3, 7), idOf(3, 5)],
    below: [RUN + 40n, 0n],
  });
  t.equal(ledger.rollup, idOf(3, 9));
  await store.run('OPTIMIZE TABLE rollup_runs FINAL');
  t.equal((await known(store)).newest, idOf(3, 8));
});

await t.test('a predecessor that commits late counts until its successor does', async (t) => {
  const store = await testStore(t, clickhouse.port, 'late');
  const older = ledgerOf(store, 1);
  await older.claim();
  await older.commit(upTo(10n));
  const unbegun = ledgerOf(store, 2);
  await unbegun.claim();
  const newer = ledgerOf(store, 3);
  await newer.claim();
  t.same(newer.rolled, upTo(10n));
  await t.rejects(older.commit(upTo(20n)), { code: 'fenced' });
  t.same(await known(store), { newest: idOf(1, 2), hides: [], below: [RUN + 20n, 0n] });
  await t.rejects(unbegun.confirm(), { code: 'fenced' });
  await newer.commit(upTo(15n));
  t.same(await known(store), {
    newest: idOf(3, 1),
    hides: [idOf(2, 1), idOf(1, 2)],
    below: [RUN + 15n, 0n],
  });
  await t.rejects(older.abandon(), { code: 'fenced' });
  await t.rejects(unbegun.commit(upTo(30n)), { code: 'fenced' });
  t.equal((await known(store)).newest, idOf(3, 1), 'whoever comes later than that does not count');
  await t.rejects(ledgerOf(store, 2).claim(), { code: 'fenced' });
});

await t.test('an epoch that is taken up again goes on behind what it may have done', async (t) => {
  const store = await testStore(t, clickhouse.port, 'again');
  const before = ledgerOf(store, 1);
  await before.claim();
  await before.commit(upTo(10n));
  const after = ledgerOf(store, 1);
  await after.claim();
  t.equal(after.rollup, idOf(1, 3));
  await after.commit(upTo(20n));
  t.same(await known(store), {
    newest: idOf(1, 3),
    hides: [idOf(1, 2)],
    below: [RUN + 20n, 0n],
  });
});

await t.test('of runs that are over and deleted nothing is kept, nor looked for', async (t) => {
  const store = await testStore(t, clickhouse.port, 'over');
  const start = hourMs(3);
  const stream = { lane: '2x0', streamId: 7 };
  const old = { lane: '2x0', stream_id: 7, epoch: 1, number: 500, run: `${RUN}` };
  await store.insertRows('lane_runs', [{ ...old, written_at: Date.now() - 9 * 24 * HOUR_MS }]);
  const older = new RunLedger(store, stream, 2, 'w');
  await older.begin(await older.claim(1));
  await commitMinutes(store, older, minutesOf(start, 30));
  const lane = new RunLedger(store, stream, 3, 'w');
  await lane.begin(await lane.claim(1));
  await commitMinutes(store, lane, minutesOf(start + HOUR_MS / 2, 40));
  const ids = sorted([older.closing, lane.closing].map((id) => (id >> 24n) << 24n));
  const { runs, isPartial } = await waitingClosings(store, new Map());
  t.same(sorted(runs.map(({ run }) => run)), ids);
  t.same(
    runs.map(({ closings }) => closings.length),
    [3, 3],
  );
  t.equal(isPartial, false);
  const rollup = new Rollup(store, silentLog, { epoch: 1, writer: 'w', kept: TEST_RETENTION });
  await rollup.look(start + HOUR_MS + 120_000, UNTOLD);
  t.same(sorted([...rollup.rolled.below.keys()]), ids);
  // Then samples are deleted, and the lane goes on.
  await store.run('TRUNCATE TABLE series_minutes');
  await store.insertRows('series_minutes', [{ minute: ((Date.now() + 40 * HOUR_MS) / 1000) | 0 }]);
  await rollup.look(start + 2 * HOUR_MS + 120_000, UNTOLD);
  t.same([...rollup.rolled.below.keys()], [(lane.closing >> 24n) << 24n], 'only its newest run');
});
