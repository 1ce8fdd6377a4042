import t from 'tap';
import { testClickHouse, testStore } from '../../embedded/test-servers.ts';
import type { Store } from '../../store/store.ts';
import { newestIdentity, RunLedger, storedBelow } from '../run-ledger.ts';
import type { Position } from '../run-ledger.ts';

const clickhouse = await testClickHouse(t);
const STREAM = { lane: '2x0', streamId: 1_700_000_000_000 };

const sorted = (ids: readonly bigint[]): bigint[] => [...BigUint64Array.from(ids).toSorted()];

/** What queries go by. */
async function closings(store: Store): Promise<{ open: bigint[]; hidden: bigint[] }> {
  const [row] = await store.rows<{ open: string[]; hidden: string[] }>('SELECT * FROM closings');
  return { open: sorted(row!.open.map(BigInt)), hidden: sorted(row!.hidden.map(BigInt)) };
}

const pair = (closing: bigint): bigint[] => [closing, closing + 1n];

await t.test('a run opens two closings, and each commit moves them on', async (t) => {
  const store = await testStore(t, clickhouse.port, 'moves');
  await store.run('SYSTEM STOP MERGES lane_runs');
  const ledger = new RunLedger(store, STREAM, 1, 'a');
  t.equal(await storedBelow(store, STREAM), 0);
  const position = await ledger.claim(7);
  t.same(position, { fromSeq: 7, toSeq: 6 }, 'a new lane begins at its first message');
  const first = ledger.closing;
  t.same(await closings(store), { open: [], hidden: pair(first) }, 'nothing is shown yet');
  t.equal(ledger.isBegun, false);
  await ledger.begin(position);
  t.equal(ledger.isBegun, true);
  t.same(await closings(store), { open: pair(first), hidden: [] });
  t.equal(await storedBelow(store, STREAM), 7);
  for (let number = 1; number <= 20; number += 1) {
    await ledger.commit({ fromSeq: 10 * number, toSeq: 10 * number + 3 });
    t.equal(ledger.closing, first + BigInt(number));
    t.same(await closings(store), { open: pair(ledger.closing), hidden: [] });
    t.equal(await storedBelow(store, STREAM), 10 * number);
  }
  await store.run('SYSTEM START MERGES lane_runs');
  await store.run('OPTIMIZE TABLE lane_runs FINAL');
  t.same(await closings(store), { open: pair(ledger.closing), hidden: [] }, 'also after merges');
});

await t.test('a row whose answer was lost may be written again', async (t) => {
  const store = await testStore(t, clickhouse.port, 'again');
  const ledger = new RunLedger(store, STREAM, 1, 'a');
  await ledger.begin(await ledger.claim(1));
  const first = ledger.closing;
  const insertRows = store.insertRows.bind(store);
  let left = 1;
  t.intercept(store, 'insertRows', {
    value: async (...given: Parameters<Store['insertRows']>) => {
      await insertRows(...given);
      left -= 1;
      if (left === 0) throw new Error('the answer was lost');
    },
  });
  const position = { fromSeq: 9, toSeq: 12 };
  await t.rejects(ledger.commit(position), { message: 'the answer was lost' });
  await ledger.commit(position);
  t.equal(ledger.closing, first + 1n);
  t.same(await closings(store), { open: pair(first + 1n), hidden: [] });
  t.same(await new RunLedger(store, STREAM, 2, 'b').claim(1), {
    ...position,
    toStoredMs: undefined,
  });
});

await t.test('a successor takes the place of its predecessor in one row', async (t) => {
  const store = await testStore(t, clickhouse.port, 'successor');
  const older = new RunLedger(store, STREAM, 5, 'older');
  await older.begin(await older.claim(1));
  await older.commit({ fromSeq: 40, toSeq: 50, toStoredMs: 1234 });
  const newer = new RunLedger(store, STREAM, 6, 'newer');
  t.same(await newer.claim(1), { fromSeq: 40, toSeq: 50, toStoredMs: 1234 });
  t.same(newer.hides, pair(older.closing));
  t.same(await closings(store), { open: pair(older.closing), hidden: pair(newer.closing) });
  await t.rejects(older.commit({ fromSeq: 60, toSeq: 60 }), { code: 'fenced' });
  t.same(await closings(store), {
    open: pair(older.closing + 1n),
    hidden: pair(newer.closing),
  });
  await newer.begin({ fromSeq: 40, toSeq: 50 });
  t.same(await closings(store), { open: pair(newer.closing), hidden: pair(older.closing) });
  t.equal(await storedBelow(store, STREAM), 40, 'the late commit counts for nothing');
  await store.run('OPTIMIZE TABLE lane_runs FINAL');
  const third = new RunLedger(store, STREAM, 7, 'third');
  t.match(await third.claim(1), { fromSeq: 40, toSeq: 50 }, 'nor after merges');
  t.same(third.hides, [...pair(newer.closing), ...pair(older.closing)]);
  await third.begin({ fromSeq: 40, toSeq: 50 });
  t.same((await closings(store)).open, pair(third.closing));
  t.same((await closings(store)).hidden, sorted([...pair(newer.closing), ...pair(older.closing)]));
});

await t.test('one that claimed and never began is hidden, and hides nobody', async (t) => {
  const store = await testStore(t, clickhouse.port, 'unbegun');
  const first = new RunLedger(store, STREAM, 5, 'first');
  await first.begin(await first.claim(1));
  await first.commit({ fromSeq: 11, toSeq: 20 });
  const second = new RunLedger(store, STREAM, 6, 'second');
  await second.claim(1);
  await t.rejects(first.commit({ fromSeq: 21, toSeq: 30 }), { code: 'fenced' });
  const third = new RunLedger(store, STREAM, 7, 'third');
  // The first one does nothing after the row that came too late, so it may count.
  t.match(await third.claim(1), { fromSeq: 21, toSeq: 30 });
  t.same(third.hides, [...pair(second.closing), ...pair(first.closing + 1n)]);
  await t.rejects(second.begin({ fromSeq: 11, toSeq: 20 }), { code: 'fenced' });
  await third.begin({ fromSeq: 21, toSeq: 30 });
  t.same((await closings(store)).open, pair(third.closing));
});

await t.test('lanes and streams have ledgers of their own', async (t) => {
  const store = await testStore(t, clickhouse.port, 'own');
  const ledgers = [
    new RunLedger(store, STREAM, 5, 'a'),
    new RunLedger(store, { ...STREAM, lane: '2x1' }, 5, 'a'),
    new RunLedger(store, { ...STREAM, streamId: 7 }, 5, 'a'),
  ];
  for (const ledger of ledgers) await ledger.begin(await ledger.claim(3));
  const open = ledgers.flatMap(({ closing }) => pair(closing));
  t.equal(new Set(open).size, 6);
  t.same((await closings(store)).open, sorted(open));
  await new RunLedger(store, STREAM, 6, 'b').claim(1);
  await t.rejects(ledgers[0]!.commit({ fromSeq: 4, toSeq: 4 }), { code: 'fenced' });
  await ledgers[1]!.commit({ fromSeq: 4, toSeq: 4 });
  await ledgers[2]!.commit({ fromSeq: 5, toSeq: 5 });
  t.equal(await storedBelow(store, STREAM), 4, 'of a row that came too late; nobody acted on it');
});

await t.test('a run that is taken up again under its epoch opens other closings', async (t) => {
  const store = await testStore(t, clickhouse.port, 'same');
  const before = new RunLedger(store, STREAM, 5, 'a');
  await before.begin(await before.claim(1));
  await before.commit({ fromSeq: 8, toSeq: 9 });
  const after = new RunLedger(store, STREAM, 5, 'a');
  t.match(await after.claim(1), { fromSeq: 8, toSeq: 9 });
  t.equal(after.closing, before.closing + 2n);
  t.same(after.hides, pair(before.closing));
  await after.begin({ fromSeq: 8, toSeq: 9 });
  t.same(await closings(store), { open: pair(after.closing), hidden: pair(before.closing) });
});

await t.test('whatever a writer acted upon its successor begins at', async (t) => {
  const store = await testStore(t, clickhouse.port, 'races');
  for (let round = 1; round <= 40; round += 1) {
    const stream = { lane: '2x0', streamId: round };
    const acted: Position[] = [];
    const older = new RunLedger(store, stream, 1, 'older');
    await older.begin(await older.claim(1));
    const work = async (): Promise<void> => {
      for (let seq = 10; seq < 1000; seq += 10) {
        const position = { fromSeq: seq, toSeq: seq + 5 };
        await older.commit(position);
        acted.push(position);
      }
    };
    const ended = work().catch((error: unknown) => error);
    for (let i = 0; i < round % 7; i += 1) await new Promise((resolve) => setImmediate(resolve));
    // Two take over one right after the other.
    const second = new RunLedger(store, stream, 2, 'second');
    const third = new RunLedger(store, stream, 3, 'third');
    const [bySecond, byThird] = await Promise.allSettled([second.claim(1), third.claim(1)]);
    t.match(await ended, { code: 'fenced' });
    if (byThird.status === 'rejected') throw byThird.reason;
    const taken = byThird.value;
    t.ok(taken.fromSeq >= (acted.at(-1)?.fromSeq ?? 1), 'the stream may be trimmed up to there');
    if (bySecond.status === 'rejected') t.match(bySecond.reason, { code: 'fenced' });
    await t.rejects(second.begin(taken), { code: 'fenced' });
    await third.begin(taken);
  }
});

await t.test('what is hidden no longer is deleted first', async (t) => {
  const store = await testStore(t, clickhouse.port, 'many');
  for (let epoch = 1; epoch <= 140; epoch += 1) {
    const ledger = new RunLedger(store, STREAM, epoch, 'a');
    await ledger.begin(await ledger.claim(1));
    await store.insertRows('frames', [
      { closing: `${ledger.closing}`, seq: 1, timestamp: new Date().toISOString() },
    ]);
    if (epoch === 140) await ledger.commit({ fromSeq: 1, toSeq: 1 });
  }
  const count = async (table: string): Promise<number> => {
    const [row] = await store.rows<{ n: string }>(`SELECT count() AS n FROM ${table}`);
    return Number(row!.n);
  };
  t.equal(await count('stored_frames'), 1);
  t.ok((await count('frames')) < 135, 'the oldest are gone');
});

await t.test('a stream that was cut back has the newest of its identities', async (t) => {
  const store = await testStore(t, clickhouse.port, 'identities');
  t.equal(await newestIdentity(store, '2x0', 5000), 5000);
  await new RunLedger(store, { lane: '2x0', streamId: 5001 }, 1, 'a').claim(1);
  await new RunLedger(store, { lane: '2x0', streamId: 90_000 }, 1, 'a').claim(1);
  await new RunLedger(store, { lane: '2x1', streamId: 5002 }, 1, 'a').claim(1);
  t.equal(await newestIdentity(store, '2x0', 5000), 5001);
});
