import t from 'tap';
import type { Test } from 'tap';
import { highOf, lowOf } from '../../wire/id-map.ts';
import { testClickHouse, testStore } from '../../embedded/test-servers.ts';
import { Store } from '../../store/store.ts';
import { FrameMemory } from '../frame-memory.ts';
import type { KnownFrame } from '../frame-memory.ts';

const clickhouse = await testClickHouse(t);
const START_MS = Date.now() - 40_000_000;
const KEEP_MS = 1000;
/** Closings whose rows do not count. */
const HIDES = [5n, 2n ** 64n - 1n];

/** Ticks are 5 s apart. */
function frame(target: bigint, seq: number, incarnation = 1n): KnownFrame {
  const halves = {
    targetLow: lowOf(target),
    targetHigh: highOf(target),
    incarnationLow: lowOf(incarnation),
    incarnationHigh: highOf(incarnation),
  };
  return { target, incarnation, ...halves, seq, timestampMs: START_MS + 5000 * seq };
}

async function fixture(t: Test, fleet: string) {
  const store = await testStore(t, clickhouse.port, fleet);
  const put = (
    frames: readonly KnownFrame[],
    closing = 0n,
    table: 'frames' | 'frames_recent' = 'frames',
  ): Promise<void> =>
    store.insertRows(
      table,
      frames.map(({ target, incarnation, seq, timestampMs }) => ({
        target_id: String(target),
        incarnation: String(incarnation),
        seq,
        timestamp: new Date(timestampMs).toISOString(),
        closing: String(closing),
      })),
    );
  const memory = new FrameMemory(KEEP_MS);
  /** The seqs that are new, after what is needed was looked up; they are not new any more then. */
  const judge = async (frames: readonly KnownFrame[], nowMs = 0, by = memory) => {
    await by.learn(store, frames, HIDES, nowMs);
    return by.takeFresh(frames, nowMs).map(({ seq }) => seq);
  };
  return { store, put, memory, judge };
}

await t.test('what is in the table is not new, however old it is', async (t) => {
  const { put, memory, judge } = await fixture(t, 'old');
  const stored = [1, 2, 3, 5, 7, 8, 4000, 4001];
  await put(stored.map((seq) => frame(9n, seq)));
  await put([frame(9n, 6, 2n), frame(8n, 6)]);
  const asked = Array.from({ length: 10 }, (_, i) => frame(9n, i + 1));
  t.same(await judge([...asked, frame(9n, 4000), frame(9n, 4002)]), [4, 6, 9, 10, 4002]);
  t.equal(memory.lookups, 1);
  t.same(await judge(asked), [], 'what was taken counts as stored');
  t.equal(memory.lookups, 1, 'and nothing is looked up again');
  t.ok(memory.lookupSeconds > 0);
});

await t.test('what is not stored for good counts as well', async (t) => {
  const { put, judge } = await fixture(t, 'recent');
  await put([frame(9n, 1), frame(9n, 2)], 0n);
  await put([frame(9n, 2), frame(9n, 3)], 16n, 'frames_recent');
  await put([frame(9n, 4), frame(9n, 5)], HIDES[0], 'frames_recent');
  const asked = [1, 2, 3, 4, 5].map((seq) => frame(9n, seq));
  t.same(await judge(asked), [4, 5]);
});

await t.test('a frame from below the floor is looked up, one above it is not', async (t) => {
  const { put, memory, judge } = await fixture(t, 'floor');
  await put([1, 2, 3, 4, 5, 6].map((seq) => frame(9n, seq)));
  t.same(await judge([frame(9n, 5), frame(9n, 7)]), [7]);
  t.same(await judge([frame(9n, 6), frame(9n, 8)]), [8]);
  t.equal(memory.lookups, 1);
  t.same(await judge([frame(9n, 2), frame(9n, 0)]), [0]);
  t.equal(memory.lookups, 2);
  t.same(await judge([frame(9n, 3), frame(9n, 4)]), []);
  t.equal(memory.lookups, 2);
});

await t.test('a clock that was set back hides nothing', async (t) => {
  const { put, judge } = await fixture(t, 'clock');
  const back = { ...frame(9n, 10), timestampMs: START_MS };
  await put([frame(9n, 8), frame(9n, 9), back]);
  t.same(await judge([frame(9n, 9)]), []);
  t.same(await judge([back, { ...frame(9n, 11), timestampMs: START_MS + 1 }]), [11]);
});

await t.test('a repeat is dropped, within an insert and after it', async (t) => {
  const { judge } = await fixture(t, 'within');
  const asked = [frame(9n, 1), frame(9n, 2), frame(9n, 1), frame(9n, 3), frame(9n, 2)];
  t.same(await judge(asked), [1, 2, 3]);
  t.same(await judge(asked), []);
  t.same(await judge([...asked, frame(9n, 4)]), [4]);
});

await t.test('rows of hidden closings do not count', async (t) => {
  const { put, judge } = await fixture(t, 'hidden');
  await put([frame(9n, 1)], 4n);
  await put([frame(9n, 2)], HIDES[0]);
  await put([frame(9n, 3)], HIDES[1]);
  await put([frame(9n, 4)], 6n);
  await put([frame(9n, 5)], HIDES[0]);
  await put([frame(9n, 5)], 7n);
  t.same(await judge([1, 2, 3, 4, 5].map((seq) => frame(9n, seq))), [2, 3]);
});

await t.test('a run that was silent is forgotten, and found again in the table', async (t) => {
  const { put, memory, judge } = await fixture(t, 'silent');
  await put([frame(8n, 1), frame(9n, 1)]);
  t.same(await judge([frame(8n, 1), frame(9n, 1)]), []);
  t.same(await judge([frame(9n, 2)], KEEP_MS), [2]);
  await put([frame(9n, 2)]);
  memory.forget(KEEP_MS);
  t.equal(memory.runs, 1, 'only one has spoken since');
  memory.forget(2 * KEEP_MS);
  t.equal(memory.runs, 0);
  t.same(await judge([frame(8n, 1), frame(9n, 1), frame(9n, 2), frame(9n, 3)]), [3]);
  t.equal(memory.runs, 2);
});

await t.test('above the cap those go that were silent longest', async (t) => {
  const { judge } = await fixture(t, 'cap');
  const memory = new FrameMemory(KEEP_MS, 10);
  for (let run = 1; run <= 20; run += 1) await judge([frame(BigInt(run), 1)], run, memory);
  memory.forget(20);
  t.equal(memory.runs, 9);
  const lookups = memory.lookups;
  await judge([frame(20n, 1), frame(12n, 1)], 21, memory);
  t.equal(memory.lookups, lookups, 'the newest are there');
  await judge([frame(11n, 1)], 21, memory);
  t.equal(memory.lookups, lookups + 1);
});

await t.test('a run with too many gaps is not kept', async (t) => {
  const { memory, judge } = await fixture(t, 'gaps');
  const odd = Array.from({ length: 1001 }, (_, i) => frame(9n, 2 * i + 1));
  t.equal((await judge(odd)).length, odd.length);
  t.equal(memory.runs, 0);
});

await t.test('thousands of runs take a few queries', async (t) => {
  const { put, memory, judge } = await fixture(t, 'many');
  // Ids all over the 64 bits.
  const targets = Array.from(
    { length: 2500 },
    (_, i) => (BigInt(i) * 0x9e3779b97f4a7c15n) % 2n ** 64n,
  );
  await put(targets.flatMap((target) => [1, 2, 3].map((seq) => frame(target, seq, target))));
  const asked = targets.flatMap((target) => [2, 4].map((seq) => frame(target, seq, target)));
  t.equal((await judge(asked)).length, targets.length);
  t.equal(memory.lookups, 3);
  t.equal(memory.lookedUpRuns, 2500);
  t.equal(memory.runs, 2500);
});

await t.test('a lookup that fails can be made again', async (t) => {
  const { store, put, memory, judge } = await fixture(t, 'fails');
  const targets = Array.from({ length: 1500 }, (_, i) => BigInt(i + 1));
  await put(targets.map((target) => frame(target, 1)));
  const asked = targets.flatMap((target) => [frame(target, 1), frame(target, 2)]);
  // The first of its two queries succeeds.
  const halting = new (class extends Store {
    #left = 1;

    override async rows<Row>(sql: string, parameters?: Record<string, unknown>): Promise<Row[]> {
      this.#left -= 1;
      if (this.#left < 0) throw new Error('it hangs');
      return super.rows<Row>(sql, parameters);
    }
  })({
    url: `http://127.0.0.1:${clickhouse.port}`,
    user: 'default',
    database: store.database,
    requestTimeoutMs: 10_000,
  });
  t.teardown(() => halting.close());
  await t.rejects(memory.learn(halting, asked, HIDES, 0), { message: 'it hangs' });
  t.same(
    await judge(asked),
    Array.from({ length: 1500 }, () => 2),
  );
});
