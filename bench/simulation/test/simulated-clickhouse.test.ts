import t from 'tap';
import { testClickHouse, testStore } from '../../../pipeline/embedded/test-servers.ts';
import { RollcallError } from '../../../pipeline/error.ts';
import type { Store } from '../../../pipeline/store/store.ts';
import { fixedColumn, nativeBlock, stringColumn } from '../../../pipeline/store/native-block.ts';
import { FrameMemory } from '../../../pipeline/writer/frame-memory.ts';
import { IntentLedger, newestIdentity } from '../../../pipeline/writer/intent-ledger.ts';
import { runStatement } from '../clickhouse-statements.ts';
import { ClickHouseTables, TOKENS_MAX } from '../clickhouse-tables.ts';
import { Random } from '../random.ts';

/*
 * The simulated ClickHouse answers as the real one does: the same calls of the writer's classes are made
 * on both.
 */
/** Recent: the real tables let go of what is old. */
const START_MS = Date.now() - 3_600_000;
const NOBODY = {
  onToken: () => undefined,
  onFrames: () => undefined,
  onSamples: () => undefined,
};

const clickhouse = await testClickHouse(t);

/** The simulated tables as a store that answers at once. */
function simulatedStore(): Store {
  const tables = new ClickHouseTables(NOBODY);
  const store: Partial<Store> = {
    rows: <Row>(sql: string, parameters = {}) =>
      Promise.resolve(runStatement(tables, sql, parameters) as Row[]),
    insertRows: (table: string, rows: readonly object[]) =>
      Promise.resolve(tables.insertRows(table, rows)),
    insertBlock: (table: string, chunks: readonly Uint8Array[], token: string) =>
      Promise.resolve(tables.insertBlock(table, chunks, token)),
  };
  return store as Store;
}

async function said(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work;
  } catch (error) {
    return error instanceof RollcallError ? error.code : error;
  }
}

/** What ledgers of several epochs answer, in an order that the seed draws. */
async function intentsOn(store: Store, seed: number): Promise<unknown[]> {
  const random = new Random(seed);
  const transcript: unknown[] = [];
  const ledgers = [1, 2, 3].map(
    (epoch) => new IntentLedger(store, { lane: '4x0', streamId: 1000 }, epoch, `w${epoch}`),
  );
  let seq = 1;
  for (let i = 0; i < 12; i += 1) {
    const ledger = random.pick(ledgers);
    if (random.chance(0.3)) transcript.push(await said(ledger.claim(1)));
    else {
      seq += random.whole(1, 5);
      const toSeq = random.chance(0.3) ? seq - 1 : seq + random.below(4);
      const unknownCatalogues = random.chance(0.2) ? [7n, 8n] : [];
      transcript.push(await said(ledger.write({ fromSeq: seq, toSeq, unknownCatalogues })));
      seq = Math.max(seq, toSeq);
    }
    transcript.push(await said(random.pick(ledgers).newest()));
  }
  transcript.push(await newestIdentity(store, '4x0', 900), await newestIdentity(store, '4x1', 900));
  transcript.push(await newestIdentity(store, '4x0', 1000), await newestIdentity(store, '4x0', 1));
  return transcript;
}

interface Frame {
  readonly target: bigint;
  readonly incarnation: bigint;
  readonly seq: number;
  readonly timestampMs: number;
}

function block(frames: readonly Frame[], streamSeq: number): Uint8Array[] {
  const u64 = (name: string, of: (frame: Frame) => bigint) =>
    fixedColumn(name, 'UInt64', BigUint64Array.from(frames, of));
  return nativeBlock(frames.length, [
    u64('target_id', ({ target }) => target),
    u64('incarnation', ({ incarnation }) => incarnation),
    u64('seq', ({ seq }) => BigInt(seq)),
    fixedColumn(
      'timestamp',
      "DateTime64(3, 'UTC')",
      BigUint64Array.from(frames, ({ timestampMs }) => BigInt(timestampMs)),
    ),
    u64('catalogue', () => 1n),
    fixedColumn('samples', 'UInt32', new Uint32Array(frames.length).fill(3)),
    fixedColumn('is_backlog', 'UInt8', new Uint8Array(frames.length)),
    stringColumn(
      'lane',
      frames.map(() => '4x0'),
    ),
    u64('stream_id', () => 1000n),
    u64('stream_seq', () => BigInt(streamSeq)),
  ]);
}

/** What memories take for new, among frames that were stored and frames that were not. */
async function framesOn(store: Store, seed: number): Promise<unknown[]> {
  const random = new Random(seed);
  const frame = (): Frame => {
    const seq = random.whole(1, 40);
    const target = BigInt(random.whole(1, 2));
    const incarnation = BigInt(random.whole(1, 2));
    return { target, incarnation, seq, timestampMs: START_MS + seq * 1000 };
  };
  const transcript: unknown[] = [];
  for (let streamSeq = 1; streamSeq <= 6; streamSeq += 1) {
    const memory = new FrameMemory(3_600_000);
    const given = Array.from({ length: random.whole(1, 12) }, frame);
    const place = { lane: '4x0', streamId: 1000, fromSeq: random.whole(1, streamSeq) };
    await memory.learn(store, given, place, 0);
    const fresh = memory.fresh(given);
    transcript.push(fresh.map(({ target, incarnation, seq }) => [target, incarnation, seq]));
    if (fresh.length > 0) {
      await store.insertBlock('frames', block(fresh, streamSeq), `${seed}:${streamSeq}`);
    }
    // The same block again is dropped.
    if (fresh.length > 0 && random.chance(0.3)) {
      await store.insertBlock('frames', block(fresh, streamSeq), `${seed}:${streamSeq}`);
    }
  }
  return transcript;
}

for (const [name, play] of [
  ['intents', intentsOn],
  ['frames', framesOn],
] as const) {
  await t.test(`${name} are answered as by ClickHouse`, async (t) => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const real = await testStore(t, clickhouse.port, `simulated_${name}_${seed}`);
      const expected = await play(real, seed);
      t.strictSame(await play(simulatedStore(), seed), expected, `seed ${seed}`);
    }
  });
}

await t.test('the oldest token is forgotten as by ClickHouse', async (t) => {
  const frame = { target: 1n, incarnation: 1n, seq: 1, timestampMs: START_MS };
  const tables = new ClickHouseTables(NOBODY);
  const real = await testStore(t, clickhouse.port, 'simulated_tokens');
  await real.run(
    `ALTER TABLE frames MODIFY SETTING non_replicated_deduplication_window = ${TOKENS_MAX}`,
  );
  const insert = async (n: number): Promise<[number, number]> => {
    tables.insertBlock('frames', block([frame], n), `token ${n}`);
    await real.insertBlock('frames', block([frame], n), `token ${n}`);
    const [row] = await real.rows<{ n: string }>('SELECT count() AS n FROM frames');
    return [tables.frames.length, Number(row!.n)];
  };
  for (let n = 0; n <= TOKENS_MAX; n += 1) await insert(n);
  t.same(await insert(1), [TOKENS_MAX + 1, TOKENS_MAX + 1], 'the oldest that is known');
  t.same(await insert(0), [TOKENS_MAX + 2, TOKENS_MAX + 2], 'the one before it');
});
