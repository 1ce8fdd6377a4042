import t from 'tap';
import { testClickHouse, testStore } from '../../embedded/test-servers.ts';
import { IntentLedger, newestIdentity, storedBelow } from '../intent-ledger.ts';
import type { Intent } from '../intent-ledger.ts';

const clickhouse = await testClickHouse(t);
const STREAM = { lane: '2x0', streamId: 1_700_000_000_000 };

await t.test('the newest intent is found, also while older ones are there', async (t) => {
  const store = await testStore(t, clickhouse.port, 'newest');
  await store.run('SYSTEM STOP MERGES lane_intents');
  const ledger = new IntentLedger(store, STREAM, 1, 'a');
  t.equal(await ledger.newest(), undefined);
  t.equal(await storedBelow(store, STREAM), 0);
  const written = [
    { fromSeq: 1, toSeq: 0 },
    // Begins as the claim did, and as the closed intent below: whoever reads must see this one.
    { fromSeq: 1, toSeq: 10 },
    { fromSeq: 11, toSeq: 20, unknownCatalogues: [7n, 2n ** 64n - 1n] },
    { fromSeq: 21, toSeq: 20 },
    { fromSeq: 21, toSeq: 30 },
  ];
  for (const intent of written) {
    await ledger.write(intent);
    for (let i = 0; i < 10; i += 1) t.same(await ledger.newest(), intent);
    t.equal(await storedBelow(store, STREAM), intent.fromSeq);
  }
  const [row] = await store.rows<{ n: string }>('SELECT count() AS n FROM lane_intents');
  t.equal(Number(row!.n), written.length, 'none was merged away');
  await store.run('SYSTEM START MERGES lane_intents');
  await store.run('OPTIMIZE TABLE lane_intents FINAL');
  t.same(await ledger.newest(), written.at(-1));
});

await t.test('an intent whose answer was lost may be written again', async (t) => {
  const store = await testStore(t, clickhouse.port, 'again');
  const ledger = new IntentLedger(store, STREAM, 1, 'a');
  await ledger.claim(1);
  const intent = { fromSeq: 1, toSeq: 10, unknownCatalogues: [7n] };
  await ledger.write(intent);
  await ledger.write(intent);
  t.same(await ledger.newest(), intent);
  await ledger.write({ fromSeq: 11, toSeq: 10 });
  // The first one arrives once more, late.
  await ledger.write(intent);
  await store.run('OPTIMIZE TABLE lane_intents FINAL');
  t.same(await ledger.newest(), { fromSeq: 11, toSeq: 10 });
});

await t.test('a higher epoch refuses lower ones, on its own lane only', async (t) => {
  const store = await testStore(t, clickhouse.port, 'epochs');
  const older = new IntentLedger(store, STREAM, 5, 'older');
  const newer = new IntentLedger(store, STREAM, 6, 'newer');
  const otherLane = new IntentLedger(store, { ...STREAM, lane: '2x1' }, 5, 'older');
  const otherStream = new IntentLedger(store, { ...STREAM, streamId: 7 }, 5, 'older');
  await older.write({ fromSeq: 1, toSeq: 10 });
  t.same(await newer.claim(1), { fromSeq: 1, toSeq: 10 });
  await t.rejects(older.write({ fromSeq: 11, toSeq: 90 }), { code: 'fenced' });
  t.same(await newer.newest(), { fromSeq: 1, toSeq: 10 }, 'what it wrote counts for nothing');
  await otherLane.write({ fromSeq: 3, toSeq: 4 });
  await otherStream.write({ fromSeq: 5, toSeq: 6 });
  await newer.write({ fromSeq: 11, toSeq: 20 });
  t.same(await newer.newest(), { fromSeq: 11, toSeq: 20 });
  t.equal(await storedBelow(store, STREAM), 11);
  t.same(await otherLane.newest(), { fromSeq: 3, toSeq: 4 });
  t.same(await otherStream.newest(), { fromSeq: 5, toSeq: 6 });
  await store.run('OPTIMIZE TABLE lane_intents FINAL');
  const third = new IntentLedger(store, STREAM, 7, 'third');
  t.same(await third.claim(1), { fromSeq: 11, toSeq: 20 }, 'nor after merges');
});

await t.test('a token names lane, stream, range, messages and day', async (t) => {
  const store = await testStore(t, clickhouse.port, 'epochs');
  const ledger = new IntentLedger(store, STREAM, 5, 'a');
  const successor = new IntentLedger(store, STREAM, 6, 'b');
  const intent = { fromSeq: 1, toSeq: 10 };
  const token = ledger.token(intent, '2026-01-01', 'd');
  t.equal(successor.token(intent, '2026-01-01', 'd'), token, 'whoever writes');
  const others = [
    ledger.token({ fromSeq: 1, toSeq: 11 }, '2026-01-01', 'd'),
    ledger.token({ fromSeq: 2, toSeq: 10 }, '2026-01-01', 'd'),
    ledger.token(intent, '2026-01-02', 'd'),
    ledger.token(intent, '2026-01-01', 'other messages'),
    new IntentLedger(store, { ...STREAM, lane: '2x1' }, 5, 'a').token(intent, '2026-01-01', 'd'),
    new IntentLedger(store, { ...STREAM, streamId: 1 }, 5, 'a').token(intent, '2026-01-01', 'd'),
  ];
  t.equal(new Set([token, ...others]).size, 7);
});

await t.test('a claim takes over what was open, with what was unknown then', async (t) => {
  const store = await testStore(t, clickhouse.port, 'claims');
  const older = new IntentLedger(store, STREAM, 5, 'older');
  t.same(await older.claim(7), { fromSeq: 7, toSeq: 6 }, 'a new lane begins at its first message');
  const intent = { fromSeq: 7, toSeq: 9, unknownCatalogues: [3n] };
  await older.write(intent);
  const newer = new IntentLedger(store, STREAM, 6, 'newer');
  t.same(await newer.claim(7), intent);
  const third = new IntentLedger(store, STREAM, 7, 'third');
  t.same(await third.claim(7), intent, 'also from one that did nothing but claim');
  await t.rejects(newer.claim(7), { code: 'fenced' });
});

await t.test('a writer that stops inside its claim hides nothing', async (t) => {
  const store = await testStore(t, clickhouse.port, 'halfway');
  const first = new IntentLedger(store, STREAM, 5, 'first');
  await first.claim(1);
  await first.write({ fromSeq: 1, toSeq: 10 });
  // Only its epoch is there: it died before it read on.
  await store.insertRows('lane_intents', [
    { lane: STREAM.lane, stream_id: STREAM.streamId, epoch: 6, from_seq: 0, to_seq: 0 },
  ]);
  await t.rejects(first.write({ fromSeq: 11, toSeq: 20 }), { code: 'fenced' });
  const third = new IntentLedger(store, STREAM, 7, 'third');
  // The first one may act on no more, so carrying its last one out as well does no harm.
  t.same(await third.claim(1), { fromSeq: 11, toSeq: 20 });
});

await t.test('whoever acts on an intent is seen by its successor', async (t) => {
  const store = await testStore(t, clickhouse.port, 'races');
  for (let round = 1; round <= 40; round += 1) {
    const stream = { lane: '2x0', streamId: round };
    const acted: Intent[] = [];
    const older = new IntentLedger(store, stream, 1, 'older');
    await older.claim(1);
    const work = async (): Promise<void> => {
      for (let seq = 1; seq < 1000; seq += 10) {
        const intent = { fromSeq: seq, toSeq: seq + 9 };
        await older.write(intent);
        acted.push(intent);
      }
    };
    const ended = work().catch((error: unknown) => error);
    for (let i = 0; i < round % 7; i += 1) await new Promise((resolve) => setImmediate(resolve));
    // Two take over one right after the other.
    const second = new IntentLedger(store, stream, 2, 'second');
    const third = new IntentLedger(store, stream, 3, 'third');
    const [bySecond, byThird] = await Promise.allSettled([second.claim(1), third.claim(1)]);
    t.match(await ended, { code: 'fenced' });
    const newest = acted.at(-1) ?? { fromSeq: 1, toSeq: 0 };
    if (byThird.status === 'rejected') throw byThird.reason;
    const taken = byThird.value;
    t.ok(taken.fromSeq >= newest.fromSeq, 'everything below was carried out');
    t.ok(taken.fromSeq <= newest.toSeq + 1, 'nothing is left out');
    if (bySecond.status === 'rejected') t.match(bySecond.reason, { code: 'fenced' });
    await t.rejects(second.write({ fromSeq: 2000, toSeq: 2001 }), { code: 'fenced' });
    t.same(await third.newest(), taken);
  }
});

await t.test('a stream that was cut back has the newest of its identities', async (t) => {
  const store = await testStore(t, clickhouse.port, 'identities');
  t.equal(await newestIdentity(store, '2x0', 5000), 5000);
  await new IntentLedger(store, { lane: '2x0', streamId: 5001 }, 1, 'a').claim(1);
  await new IntentLedger(store, { lane: '2x0', streamId: 90_000 }, 1, 'a').claim(1);
  await new IntentLedger(store, { lane: '2x1', streamId: 5002 }, 1, 'a').claim(1);
  t.equal(await newestIdentity(store, '2x0', 5000), 5001);
});
