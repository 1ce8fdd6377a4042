import t from 'tap';
import { testClickHouse, testStore } from '../../embedded/test-servers.ts';
import { IntentLedger } from '../intent-ledger.ts';

const clickhouse = await testClickHouse(t);
const STREAM = { lane: '2x0', streamId: 1_700_000_000_000 };

await t.test('the newest intent is found, also while older ones are there', async (t) => {
  const store = await testStore(t, clickhouse.port, 'newest');
  await store.run('SYSTEM STOP MERGES intents');
  const ledger = new IntentLedger(store, STREAM, 1, 'a');
  t.equal(await ledger.newest(), undefined);
  const written = [
    { fromSeq: 1, toSeq: 0 },
    // Begins as the claim did, and as the closed intent below: whoever reads must see this one.
    { fromSeq: 1, toSeq: 10 },
    { fromSeq: 11, toSeq: 20 },
    { fromSeq: 21, toSeq: 20 },
    { fromSeq: 21, toSeq: 30 },
  ];
  for (const intent of written) {
    await ledger.write(intent);
    for (let i = 0; i < 10; i += 1) t.same(await ledger.newest(), intent);
  }
  const [row] = await store.rows<{ n: string }>('SELECT count() AS n FROM intents');
  t.equal(Number(row!.n), written.length, 'none was merged away');
  await store.run('SYSTEM START MERGES intents');
  await store.run('OPTIMIZE TABLE intents FINAL');
  t.same(await ledger.newest(), written.at(-1));
});

await t.test('a higher epoch refuses lower ones, on its own lane only', async (t) => {
  const store = await testStore(t, clickhouse.port, 'epochs');
  const older = new IntentLedger(store, STREAM, 5, 'older');
  const newer = new IntentLedger(store, STREAM, 6, 'newer');
  const otherLane = new IntentLedger(store, { ...STREAM, lane: '2x1' }, 5, 'older');
  const otherStream = new IntentLedger(store, { ...STREAM, streamId: 7 }, 5, 'older');
  await older.write({ fromSeq: 1, toSeq: 10 });
  await newer.write({ fromSeq: 1, toSeq: 10 });
  await t.rejects(older.write({ fromSeq: 11, toSeq: 20 }), { code: 'fenced' });
  t.same(await older.newest(), { fromSeq: 1, toSeq: 10 });
  await otherLane.write({ fromSeq: 3, toSeq: 4 });
  await otherStream.write({ fromSeq: 5, toSeq: 6 });
  await newer.write({ fromSeq: 11, toSeq: 20 });
  t.same(await newer.newest(), { fromSeq: 11, toSeq: 20 });
  t.same(await otherLane.newest(), { fromSeq: 3, toSeq: 4 });
  t.same(await otherStream.newest(), { fromSeq: 5, toSeq: 6 });
});

await t.test('a token names lane, stream, range and day', async (t) => {
  const store = await testStore(t, clickhouse.port, 'epochs');
  const ledger = new IntentLedger(store, STREAM, 5, 'a');
  const successor = new IntentLedger(store, STREAM, 6, 'b');
  const intent = { fromSeq: 1, toSeq: 10 };
  const token = ledger.token(intent, '2026-01-01');
  t.equal(successor.token(intent, '2026-01-01'), token, 'whoever writes');
  const others = [
    ledger.token({ fromSeq: 1, toSeq: 11 }, '2026-01-01'),
    ledger.token({ fromSeq: 2, toSeq: 10 }, '2026-01-01'),
    ledger.token(intent, '2026-01-02'),
    new IntentLedger(store, { ...STREAM, lane: '2x1' }, 5, 'a').token(intent, '2026-01-01'),
    new IntentLedger(store, { ...STREAM, streamId: 1 }, 5, 'a').token(intent, '2026-01-01'),
  ];
  t.equal(new Set([token, ...others]).size, 6);
});

await t.test('a claim takes over what was open, also what slipped in just before it', async (t) => {
  const store = await testStore(t, clickhouse.port, 'claims');
  const older = new IntentLedger(store, STREAM, 5, 'older');
  t.same(await older.claim(7), { fromSeq: 7, toSeq: 6 }, 'a new lane begins at its first message');
  await older.write({ fromSeq: 7, toSeq: 9 });

  // The predecessor writes after the successor has looked and before it claims.
  const newer = new (class extends IntentLedger {
    #looks = 0;

    override async newest(): ReturnType<IntentLedger['newest']> {
      const seen = await super.newest();
      this.#looks += 1;
      if (this.#looks === 1) await older.write({ fromSeq: 10, toSeq: 12 });
      return seen;
    }
  })(store, STREAM, 6, 'newer');
  t.same(await newer.claim(7), { fromSeq: 10, toSeq: 12 });
  await t.rejects(older.write({ fromSeq: 13, toSeq: 14 }), { code: 'fenced' });
  await store.run('OPTIMIZE TABLE intents FINAL');
  t.same(await newer.newest(), { fromSeq: 10, toSeq: 12 });
  await t.rejects(older.write({ fromSeq: 13, toSeq: 14 }), { code: 'fenced' }, 'also merged');
});
