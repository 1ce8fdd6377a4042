import t from 'tap';
import { silentLog, testClickHouse, testStore } from '../../../pipeline/embedded/test-servers.ts';
import { RollcallError } from '../../../pipeline/error.ts';
import type { Store } from '../../../pipeline/store/store.ts';
import { metricId } from '../../../pipeline/wire/catalogue.ts';
import { alignedCopy } from '../../../pipeline/wire/batch.ts';
import { TIMESTAMP_AT } from '../../../pipeline/wire/frame.ts';
import { frameBlock } from '../../../pipeline/writer/frame-block.ts';
import { FrameBatch } from '../../../pipeline/writer/frame-batch.ts';
import { allOf } from '../../../pipeline/writer/frame-list.ts';
import { FrameMemory } from '../../../pipeline/writer/frame-memory.ts';
import { byTargetAndTime } from '../../../pipeline/writer/frame-order.ts';
import { MetricNumbers } from '../../../pipeline/writer/metric-numbers.ts';
import { minuteBlock } from '../../../pipeline/writer/minute-block.ts';
import { recentBlock } from '../../../pipeline/writer/recent-block.ts';
import { RecentSweep } from '../../../pipeline/writer/recent-sweep.ts';
import { newestIdentity, RunLedger, storedBelow } from '../../../pipeline/writer/run-ledger.ts';
import type { Position } from '../../../pipeline/writer/run-ledger.ts';
import { Scratch } from '../../../pipeline/writer/scratch.ts';
import { StoredFrame } from '../../../pipeline/writer/stored-frame.ts';
import { catalogueOf, frameMessage } from '../../../pipeline/writer/test/traffic.ts';
import type { FrameRow } from '../clickhouse-blocks.ts';
import { runStatement } from '../clickhouse-statements.ts';
import { ClickHouseTables, TOKENS_MAX } from '../clickhouse-tables.ts';
import type { TableWatcher } from '../clickhouse-tables.ts';
import { Random } from '../random.ts';

/*
 * The simulated ClickHouse answers as the real one does: the same calls of the writer's classes are made
 * on both, and the same views read.
 */
const DAY_MS = 86_400_000;
/** Yesterday at noon: the real tables let go of what is old. */
const START_MS = Math.floor(Date.now() / DAY_MS) * DAY_MS - DAY_MS / 2;
const EVER = "start = '1970-01-01 00:00:00', end = '2100-01-01 00:00:00'";
const NOBODY: TableWatcher = {
  onBlock: () => undefined,
  onFrames: () => undefined,
  onRecent: () => undefined,
  onMinutes: () => undefined,
  onRun: () => undefined,
  onGone: () => undefined,
};
const TABLES = ['lane_runs', 'frames_recent', 'frames', 'samples_recent', 'series_minutes'];
const CATALOGUE = catalogueOf(['one'], ['two', ['cpu', '0']], ['three']);
const numbers = new MetricNumbers();
const METRICS = Int32Array.from(CATALOGUE.series, ({ name, labels }) => {
  return numbers.numberOf(metricId(name, labels));
});

const clickhouse = await testClickHouse(t);

/** A ClickHouse of either kind, and what queries see in it. */
interface Database {
  readonly store: Store;
  readonly look: () => Promise<unknown>;
}

async function realDatabase(name: string) {
  const store = await testStore(t, clickhouse.port, name);
  const look = async (): Promise<unknown> => {
    const [closings] = await store.rows<{ open: string[]; hidden: string[] }>(
      'SELECT arraySort(open) AS open, arraySort(hidden) AS hidden FROM closings',
    );
    const frames = await store.rows(
      `SELECT target_id, incarnation, seq, toUnixTimestamp64Milli(timestamp) AS time, samples, lane,
              stream_id, stream_seq
       FROM stored_frames ORDER BY ALL`,
    );
    const samples = await store.rows(
      `SELECT metric_id, target_id, toUnixTimestamp64Milli(time) AS time, value
       FROM samples_between(${EVER}) ORDER BY ALL`,
    );
    const counts: number[] = [];
    for (const [table, rows] of [
      ['frames_recent', 'count()'],
      ['frames', 'count()'],
      ['samples_recent', 'sum(length(values))'],
    ]) {
      const [row] = await store.rows<{ n: string }>(`SELECT ${rows} AS n FROM ${table}`);
      counts.push(Number(row!.n));
    }
    return { closings, frames, samples, counts };
  };
  const empty = async (): Promise<void> => {
    for (const table of TABLES) await store.run(`TRUNCATE TABLE ${table}`);
  };
  return { store, look, empty };
}

/** The simulated tables as a store that answers at once. */
function simulatedDatabase(tables = new ClickHouseTables(NOBODY)): Database {
  const answer = (sql: string, parameters = {}): object[] => {
    const result = runStatement(tables, sql, parameters);
    return typeof result === 'function' ? result() : result;
  };
  const store: Partial<Store> = {
    database: 'simulated',
    rows: <Row>(sql: string, parameters = {}) => Promise.resolve(answer(sql, parameters) as Row[]),
    run: (sql: string, parameters = {}) => Promise.resolve(void answer(sql, parameters)),
    insertRows: (table: string, rows: readonly object[]) =>
      Promise.resolve(tables.insertRows(table, rows)),
    insertBlock: (table: string, chunks: readonly Uint8Array[], token: string) =>
      Promise.resolve(tables.insertBlock(table, chunks, token)),
  };
  const look = (): Promise<unknown> => Promise.resolve(shownBy(tables));
  return { store: store as Store, look };
}

function shownBy(tables: ClickHouseTables): unknown {
  const { open, hidden } = tables.closings;
  const frames = tables.storedFrames
    .toSorted((a, b) => compare(orderOf(a), orderOf(b)))
    .map((row) => ({
      target_id: String(row.target),
      incarnation: String(row.incarnation),
      seq: String(row.seq),
      time: String(row.timestampMs),
      samples: row.samples,
      lane: row.lane,
      stream_id: String(row.stream),
      stream_seq: String(row.streamSeq),
    }));
  const samples = tables.samples
    .toSorted((a, b) =>
      compare(
        [a.metric, a.target, a.timestampMs, a.value],
        [b.metric, b.target, b.timestampMs, b.value],
      ),
    )
    .map(({ metric, target, timestampMs, value }) => ({
      metric_id: String(metric),
      target_id: String(target),
      time: String(timestampMs),
      value,
    }));
  const counts = [tables.recentFrames, tables.frames, tables.recent].map((parts) =>
    parts.reduce((sum, { rows }) => sum + rows.length, 0),
  );
  return { closings: { open: texts(open), hidden: texts(hidden) }, frames, samples, counts };
}

function orderOf(row: FrameRow): (number | bigint)[] {
  return [row.target, row.incarnation, row.seq, row.samples, row.stream, row.streamSeq];
}

function texts(ids: ReadonlySet<bigint>): string[] {
  return [...ids].toSorted((a, b) => compare([a], [b])).map(String);
}

function compare(a: readonly (bigint | number)[], b: readonly (bigint | number)[]): number {
  const at = a.findIndex((value, i) => value !== b[i]);
  if (at < 0) return 0;
  return a[at]! < b[at]! ? -1 : 1;
}

async function said(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work;
  } catch (error) {
    return error instanceof RollcallError ? error.code : error;
  }
}

/** What ledgers of several epochs of two streams answer, in an order that the seed draws. */
async function runsOn({ store, look }: Database, seed: number): Promise<unknown[]> {
  const random = new Random(seed);
  const transcript: unknown[] = [];
  const ledgers = [1, 2, 3, 4, 5].map((epoch) => {
    const streamId = random.chance(0.8) ? 1000 : 1001;
    return new RunLedger(store, { lane: '4x0', streamId }, epoch, `w${epoch}`);
  });
  const positions = new Map<string, Position>();
  /** What is written again is the same row. */
  const positionFor = (what: string): Position => {
    const seq = 1 + 5 * positions.size;
    const stored = random.chance(0.5) ? { toStoredMs: 7 } : {};
    const position = { fromSeq: seq, toSeq: seq - 1 + random.below(4), ...stored };
    positions.set(what, positions.get(what) ?? position);
    return positions.get(what)!;
  };
  for (let i = 0; i < 16; i += 1) {
    const ledger = random.pick(ledgers);
    const { closing, isBegun } = ledger;
    const position = positionFor(`${closing} ${isBegun}`);
    if (random.chance(0.5)) transcript.push(await said(ledger.claim(1)));
    else if (isBegun) transcript.push(await said(ledger.commit(position)));
    else transcript.push(await said(ledger.begin(position)));
    const closings = ledgers.map(({ closing }) => closing);
    transcript.push(closings, ledger.hides, await look());
  }
  for (const createdMs of [900, 1, 1000])
    transcript.push(await newestIdentity(store, '4x0', createdMs));
  transcript.push(await newestIdentity(store, '4x1', 900));
  for (const streamId of [1000, 1001, 1002]) {
    transcript.push(await storedBelow(store, { lane: '4x0', streamId }));
  }
  return transcript;
}

/** A frame of one of a few agents; not all of its slots have a value. */
function drawFrame(random: Random, streamSeq: number): StoredFrame {
  const instance = `host-${random.whole(1, 2)}`;
  const incarnation = BigInt(random.whole(1, 2));
  const seq = random.whole(1, 40);
  // Some of the next minute.
  const timestampMs = START_MS + seq * 2500;
  const values = [seq, seq / 3, random.chance(0.3) ? undefined : -seq];
  const batch = frameMessage({
    instance,
    incarnation,
    seq,
    timestampMs,
    catalogue: CATALOGUE,
    values,
  });
  return new StoredFrame(new FrameBatch(alignedCopy(batch)), 0, streamSeq, METRICS);
}

function daysBefore({ batch, timestampMs, streamSeq }: StoredFrame, days: number): StoredFrame {
  const bytes = alignedCopy(batch.bytes);
  bytes.writeBigUInt64LE(BigInt(timestampMs - days * DAY_MS), TIMESTAMP_AT);
  return new StoredFrame(new FrameBatch(bytes), 0, streamSeq, METRICS);
}

function insertFrames(
  store: Store,
  frames: readonly StoredFrame[],
  closing: bigint,
  token: string,
  table = 'frames',
): Promise<void> {
  const origin = { lane: '4x0', streamId: 1000, closing };
  return store.insertBlock(table, frameBlock(frames, origin).chunks, token);
}

/** What memories take for new, among frames that were stored, hidden or not, and frames that were not. */
async function framesOn({ store }: Database, seed: number): Promise<unknown[]> {
  const random = new Random(seed);
  const transcript: unknown[] = [];
  for (let streamSeq = 1; streamSeq <= 8; streamSeq += 1) {
    const memory = new FrameMemory(3_600_000);
    const given = Array.from({ length: random.whole(1, 12) }, () => drawFrame(random, streamSeq));
    const hides = [1n, 2n, 3n].filter(() => random.chance(0.3));
    await memory.learn(store, given, hides, 0);
    const fresh = allOf(byTargetAndTime(memory.takeFresh(given, 0)));
    transcript.push(fresh.map(({ target, incarnation, seq }) => [target, incarnation, seq]));
    if (fresh.length === 0) continue;
    const closing = BigInt(random.whole(1, 3));
    const table = random.chance(0.5) ? 'frames' : 'frames_recent';
    await insertFrames(store, fresh, closing, `${seed}:${streamSeq}`, table);
    // The same block again is dropped.
    if (random.chance(0.3))
      await insertFrames(store, fresh, closing, `${seed}:${streamSeq}`, table);
  }
  return transcript;
}

/** What is seen of rows of runs that follow each other, with sweeps in between. */
async function rowsOn({ store, look }: Database, seed: number): Promise<unknown[]> {
  const random = new Random(seed);
  const transcript: unknown[] = [];
  const sweep = new RecentSweep(store, silentLog, 7 * DAY_MS);
  const stream = { lane: '4x0', streamId: 1000 };
  const ledgers = [1, 2, 3].map((epoch) => new RunLedger(store, stream, epoch, `w${epoch}`));
  let claimed = 0;
  for (let at = 1; at <= 30; at += 1) {
    if (claimed < ledgers.length && random.chance(claimed === 0 ? 1 : 0.15)) {
      await ledgers[claimed]!.claim(1);
      claimed += 1;
    }
    const ledger = ledgers[random.below(claimed)]!;
    const frames = allOf(byTargetAndTime([drawFrame(random, at), drawFrame(random, at)]));
    const closing = ledger.closing + BigInt(random.below(3));
    const position = { fromSeq: at, toSeq: at };
    const action = random.below(6);
    if (action === 5) {
      // Of a day that samples are not kept of.
      const old = frames.map((frame) => daysBefore(frame, 9));
      const { chunks } = recentBlock(old, closing, numbers, new Scratch());
      await store.insertBlock('samples_recent', chunks, `${seed}:${at}`);
    } else if (action === 0) {
      const { chunks } = recentBlock(frames, closing, numbers, new Scratch());
      await store.insertBlock('samples_recent', chunks, `${seed}:${at}`);
      await insertFrames(store, frames, closing, `${seed}:${at}`, 'frames_recent');
    } else if (action === 1) {
      const { chunks } = minuteBlock(frames, closing, numbers, new Scratch());
      await store.insertBlock('series_minutes', chunks, `${seed}:${at}`);
      await insertFrames(store, frames, closing, `${seed}:${at}`);
    } else if (action === 2) transcript.push(await sweep.look());
    else if (ledger.isBegun) transcript.push(await said(ledger.commit(position)));
    else transcript.push(await said(ledger.begin(position)));
    transcript.push(await look());
  }
  return transcript;
}

/** What becomes of rows that so many runs in a row have hidden that no more fit. */
async function hiddenOn({ store, look }: Database): Promise<unknown[]> {
  const stream = { lane: '4x0', streamId: 1000 };
  const transcript: unknown[] = [];
  const random = new Random(1);
  for (let epoch = 1; epoch <= 131; epoch += 1) {
    const ledger = new RunLedger(store, stream, epoch, `w${epoch}`);
    await ledger.claim(1);
    if (epoch > 3 && epoch < 129) continue;
    await insertFrames(store, [drawFrame(random, epoch)], ledger.closing, `hidden ${epoch}`);
    transcript.push(epoch, ledger.hides.length, await look());
  }
  return transcript;
}

for (const [name, play] of [
  ['runs', runsOn],
  ['frames', framesOn],
  ['rows', rowsOn],
] as const) {
  await t.test(`${name} are answered and shown as by ClickHouse`, async (t) => {
    const real = await realDatabase(`simulated_${name}`);
    for (const seed of [1, 2, 3, 4, 5]) {
      await real.empty();
      const expected = await play(real, seed);
      t.strictSame(await play(simulatedDatabase(), seed), expected, `seed ${seed}`);
    }
  });
}

await t.test('what nobody hides any more is deleted as by ClickHouse', async (t) => {
  const expected = await hiddenOn(await realDatabase('simulated_hidden'));
  t.strictSame(await hiddenOn(simulatedDatabase()), expected);
});

await t.test('tokens are forgotten as by ClickHouse', async (t) => {
  const frame = drawFrame(new Random(1), 1);
  const tables = new ClickHouseTables(NOBODY);
  const real = await testStore(t, clickhouse.port, 'simulated_tokens');
  const { store: simulated } = simulatedDatabase(tables);
  const insert = async (token: string, closing = 1n): Promise<void> => {
    const { chunks } = recentBlock([frame], closing, numbers, new Scratch());
    for (const store of [real, simulated]) await store.insertBlock('samples_recent', chunks, token);
  };
  const parts = async (): Promise<[real: number, simulated: number]> => {
    const [row] = await real.rows<{ n: string }>(
      'SELECT uniqExact(_part) AS n FROM samples_recent',
    );
    return [Number(row!.n), tables.recent.length];
  };
  await insert('kept', 1n);
  await insert('dropped', 2n);
  for (const store of [real, simulated]) {
    const day = new Date(frame.timestampMs).toISOString().slice(0, 10).replaceAll('-', '');
    await store.run(`ALTER TABLE samples_recent DROP PARTITION ID '2-${day}'`);
  }
  t.same(await parts(), [1, 1]);
  await insert('kept', 1n);
  t.same(await parts(), [1, 1], 'known');
  await insert('dropped', 2n);
  t.same(await parts(), [2, 2], 'went with its partition');
  await real.run(
    `ALTER TABLE samples_recent MODIFY SETTING non_replicated_deduplication_window = ${TOKENS_MAX}`,
  );
  for (let n = 2; n <= TOKENS_MAX; n += 1) await insert(`token ${n}`);
  await insert('dropped', 2n);
  t.same(await parts(), [TOKENS_MAX + 1, TOKENS_MAX + 1], 'the oldest that is known');
  await insert('kept', 1n);
  t.same(await parts(), [TOKENS_MAX + 2, TOKENS_MAX + 2], 'the one before it');
});
