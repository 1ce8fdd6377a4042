import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Test } from 'tap';
import { silentLog, testClickHouse, testNats } from '../../embedded/test-servers.ts';
import { until } from '../../embedded/test/until.ts';
import { RollcallError } from '../../error.ts';
import { alignedCopy } from '../../wire/batch.ts';
import { CatalogueBook } from '../catalogue-book.ts';
import { ClosingInsert } from '../closing-insert.ts';
import { FrameMemory } from '../frame-memory.ts';
import { InsertSlots } from '../insert-slots.ts';
import { LaneInsert } from '../lane-insert.ts';
import { LaneIntake } from '../lane-intake.ts';
import { OpenClosings } from '../open-closings.ts';
import type { FrozenClosing } from '../open-closings.ts';
import { Parking } from '../parking.ts';
import { RunLedger } from '../run-ledger.ts';
import { laneFixture, storeWith } from './lane-fixture.ts';
import {
  batchOf,
  catalogueOf,
  framesOf,
  instancesOf,
  publishBatch,
  samplesOf,
  storedFrames,
  storedSamples,
} from './traffic.ts';
import type { SentFrame } from './traffic.ts';

const nats = await testNats(t);
const clickhouse = await testClickHouse(t);
const ports = { nats: nats.port, clickhouse: clickhouse.port };
const DAY_MS = 86_400_000;
const NOW_MS = Date.now();
const NEVER = new AbortController().signal;
const A = catalogueOf(['load1'], ['load5'], ['temperature', ['chip', '0']]);

/** Numbers that look random and are the same for the same seed. Source: mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

function sent(instance: string, seq: number): SentFrame {
  return {
    instance,
    incarnation: 7n,
    seq,
    // Some frames lie on the day before.
    timestampMs: NOW_MS - (seq % 5 === 0 ? DAY_MS : 0) + seq,
    catalogue: A,
    values: [seq, seq % 3 === 0 ? undefined : -seq, seq / 7],
  };
}

type Fixture = Awaited<ReturnType<typeof laneFixture>>;
type Step = (predecessor: Awaited<ReturnType<typeof predecessorOf>>) => Promise<unknown>;

/** A writer of epoch 0 whose steps are taken one by one; it has read three batches, the third with a repeat. */
async function predecessorOf({ bus, store, lane }: Fixture) {
  const instances = instancesOf(4);
  const batches = [1, 2, 3].map((batch) =>
    instances.flatMap((instance) => [sent(instance, 2 * batch), sent(instance, 2 * batch + 1)]),
  );
  batches[2]!.push(...batches[0]!);
  const bytes = [batchOf([A, ...batches[0]!]), batchOf(batches[1]!), batchOf(batches[2]!)];
  for (const batch of bytes) await bus.publish(lane.subject, batch);
  const messages = bytes.map((batch, i) => ({
    seq: i + 1,
    storedMs: 0,
    batch: alignedCopy(batch),
  }));
  const streamId = Date.parse((await bus.streamInfo(lane.stream)).created);
  const ledger = new RunLedger(store, { lane: lane.id, streamId }, 0, 'predecessor');
  const position = await ledger.claim(1);
  const catalogues = new CatalogueBook(store, bus);
  const parking = new Parking(bus, silentLog);
  const memory = new FrameMemory(3_600_000);
  const parts = { store, catalogues, lane: lane.id, log: silentLog };
  const intake = new LaneIntake({ ...parts, parking, memory });
  const insert = new LaneInsert({
    ...parts,
    slots: new InsertSlots(1),
    ledger,
    streamId,
    patience: { log: silentLog },
    onInsert: () => undefined,
  });
  const times = { spanMs: 60_000, graceMs: 0 };
  const open = new OpenClosings(ledger.closing, position, times, NOW_MS + DAY_MS);
  let frozen: FrozenClosing | undefined;
  return {
    frames: batches.flat(),
    ledger,
    begin: () => ledger.begin(position),
    /** Inserts message after message, as if each were a flush. */
    flush: async (from: number, to: number): Promise<void> => {
      for (const message of messages.slice(from, to)) {
        const taken = await intake.take([message], { streamId, hides: ledger.hides });
        for (const [closing, some] of open.add(taken.fresh, message.seq, message.storedMs)) {
          await insert.recent(some, closing, NEVER);
        }
      }
    },
    /** Inserts so many slices of the closing: one a day, and one with the frames. */
    slices: async (count: number): Promise<void> => {
      frozen = open.freeze();
      const closing = new ClosingInsert(frozen, insert, NEVER);
      for (let i = 0; i < count; i += 1) t.equal(await closing.next(), true);
    },
    commit: async (): Promise<void> => {
      await ledger.commit(frozen!.position);
      open.advance(frozen!, NOW_MS + DAY_MS);
    },
  };
}

async function checkStored(t: Test, store: Fixture['store'], frames: SentFrame[]): Promise<void> {
  t.same(await storedFrames(store), framesOf(frames), 'the frames');
  t.same(await storedSamples(store), samplesOf(frames), 'the samples');
}

const STAGES: readonly [name: string, step: Step][] = [
  ['claimed the lane', () => Promise.resolve()],
  ['inserted before it began', ({ flush }) => flush(0, 2)],
  ['begun', ({ begin }) => begin()],
  ['inserted something', ({ flush }) => flush(0, 1)],
  ['inserted all', ({ flush }) => flush(1, 3)],
  ['stored a part by the minute', ({ slices }) => slices(1)],
  ['stored all by the minute', ({ slices }) => slices(2)],
  ['stored all by the minute, with the frames', ({ slices }) => slices(3)],
  ['committed that', ({ commit }) => commit()],
];

for (const [i, [name]] of STAGES.entries()) {
  await t.test(`what a predecessor had ${name} is there once`, async (t) => {
    const fixture = await laneFixture(t, ports, `stage_${i}`);
    const { store, write, closed } = fixture;
    const predecessor = await predecessorOf(fixture);
    // Those before the first insert are left out where it begins first.
    const skipped = i > 1 ? 1 : -1;
    for (const [at, [, step]] of STAGES.slice(0, i + 1).entries()) {
      if (at !== skipped) await step(predecessor);
    }
    write();
    await closed();
    await checkStored(t, store, predecessor.frames);
    await t.rejects(predecessor.begin(), { code: 'fenced' });
    await checkStored(t, store, predecessor.frames);
  });
}

await t.test('what was to be seen stays to be seen while a successor takes over', async (t) => {
  const fixture = await laneFixture(t, ports, 'seen');
  const { store, write, closed } = fixture;
  const predecessor = await predecessorOf(fixture);
  await predecessor.begin();
  await predecessor.flush(0, 3);
  const all = framesOf(predecessor.frames);
  const watching = new AbortController();
  const wrong: unknown[] = [];
  const watcher = (async () => {
    while (!watching.signal.aborted) {
      const [frames, samples] = [await storedFrames(store), await storedSamples(store)];
      const isWhole = samples.length === samplesOf(predecessor.frames).length;
      if (frames.length !== all.length || !isWhole) wrong.push([frames.length, samples.length]);
    }
  })();
  write({ closingSpanMs: 200 });
  await closed();
  watching.abort();
  await watcher;
  t.same(wrong, []);
});

await t.test('inserts that come after the take-over do no harm', async (t) => {
  const fixture = await laneFixture(t, ports, 'late');
  const { store, write, stored, closed } = fixture;
  const predecessor = await predecessorOf(fixture);
  await predecessor.begin();
  await predecessor.flush(0, 1);
  write({ closingSpanMs: 60_000, closingIdleMs: 60_000 });
  await stored(framesOf(predecessor.frames).length);
  await predecessor.flush(1, 3);
  await predecessor.slices(1);
  await checkStored(t, store, predecessor.frames);
  await t.rejects(predecessor.commit(), { code: 'fenced' });
  await checkStored(t, store, predecessor.frames);
  write();
  await closed();
  await checkStored(t, store, predecessor.frames);
});

await t.test('a predecessor with a lower epoch is fenced', async (t) => {
  const { bus, store, lane, write, stored } = await laneFixture(t, ports, 'fenced');
  const [instance] = instancesOf(1) as [string];
  const frames = [sent(instance, 1), sent(instance, 2)];
  const first = write();
  await publishBatch(bus, lane, [A, frames[0]!]);
  await stored(1);
  const second = write();
  await until('the second one has claimed the lane', async () => {
    const rows = await store.rows<object>('SELECT 1 FROM lane_runs WHERE epoch = 2');
    return rows.length > 0;
  });
  await publishBatch(bus, lane, [frames[1]!]);
  await stored(2);
  t.match(await first.ended, { code: 'fenced' });
  await checkStored(t, store, frames);
  t.equal(await second.end(), undefined, 'the second one goes on until it is stopped');
});

await t.test('a writer that was held up asks whether the lane is its own', async (t) => {
  const { bus, store, lane, write, stored } = await laneFixture(t, ports, 'held_up');
  const [instance] = instancesOf(1) as [string];
  const isHeld = Promise.withResolvers<void>();
  const goesOn = Promise.withResolvers<void>();
  const attempts: string[] = [];
  const held = storeWith(store, async (table, _token, insert) => {
    attempts.push(table);
    await insert();
    isHeld.resolve();
    await goesOn.promise;
    throw new RollcallError('clickhouse_failed', 'the answer was lost', { retryable: true });
  });
  const first = write({}, { store: held });
  await publishBatch(bus, lane, [A, sent(instance, 1)]);
  await isHeld.promise;
  const second = write();
  await stored(1);
  await until('the second one is done', () => second.counters.inserts > 0);

  const now = performance.now.bind(performance);
  t.teardown(() => Object.assign(performance, { now }));
  Object.assign(performance, { now: () => now() + 6000 });
  goesOn.resolve();
  t.match(await first.ended, { code: 'fenced' });
  t.same(attempts, ['samples_recent'], 'it did not insert again');
  await checkStored(t, store, [sent(instance, 1)]);
});

await t.test('stops and take-overs at any moment lose and repeat nothing', async (t) => {
  const seed = Date.now() % 1_000_000;
  t.comment(`seed ${seed}`);
  const random = randomFrom(seed);
  const { bus, store, lane, write, stored } = await laneFixture(t, ports, 'any_moment');
  const instances = instancesOf(10);
  const frames: SentFrame[] = [];
  const sending = new AbortController();
  const sender = (async () => {
    for (let seq = 1; !sending.signal.aborted; seq += 1) {
      const tick = instances.map((instance) => sent(instance, seq));
      frames.push(...tick);
      // Now and then some of what has been sent is sent again, as after a lost acknowledgement.
      const again = random() < 0.3 ? frames.slice(Math.floor(random() * frames.length)) : [];
      await publishBatch(bus, lane, [...(seq === 1 ? [A] : []), ...tick, ...again.slice(0, 50)]);
      await sleep(5);
    }
  })();
  for (let round = 0; round < 12; round += 1) {
    const writer = write({ flushIntervalMs: 10, frameMemoryMs: 2 * DAY_MS });
    await until('it has begun', () => writer.counters.messages > 0);
    await sleep(random() * 150);
    const stopping = writer.end();
    // Every other time the successor does not wait for the requests that are still under way.
    if (round % 2 === 0) await stopping;
  }
  sending.abort();
  await sender;
  const last = write({ frameMemoryMs: 2 * DAY_MS });
  await stored(framesOf(frames).length);
  await until('all is read', () => last.counters.pending === 0 && last.counters.bufferBytes === 0);
  await checkStored(t, store, frames);
  const rows = await store.rows<{ wrong: string }>(
    `SELECT count() AS wrong FROM (
       SELECT any(f.samples) AS wanted, count() AS found
       FROM stored_frames AS f
       JOIN samples_between(start = '1970-01-01 00:00:00', end = '2100-01-01 00:00:00') AS s
         ON f.target_id = s.target_id AND f.timestamp = s.time
       GROUP BY f.target_id, f.incarnation, f.seq HAVING wanted != found)`,
  );
  t.equal(rows[0]!.wrong, '0', 'every frame has as many samples as its record says');
});

await t.test(
  'an idle writer closes what it has, and its successor has nothing to repeat',
  async (t) => {
    const { bus, store, lane, write, stored, closed } = await laneFixture(t, ports, 'idle');
    const [instance] = instancesOf(1) as [string];
    const first = write();
    await publishBatch(bus, lane, [A, sent(instance, 1)]);
    await stored(1);
    await closed();
    await first.end();
    const second = write();
    await publishBatch(bus, lane, [sent(instance, 2)]);
    await stored(2);
    await until('it is counted', () => second.counters.frames === 1);
    t.equal(second.counters.messages, 1, 'the first batch was not read again');
    await checkStored(t, store, [sent(instance, 1), sent(instance, 2)]);
  },
);

await t.test('a writer can be stopped while it starts', async (t) => {
  const { bus, store, lane, write, stored } = await laneFixture(t, ports, 'stopped');
  const [instance] = instancesOf(1) as [string];
  await publishBatch(bus, lane, [A, sent(instance, 1)]);
  for (let turns = 0; turns < 20; turns += 1) {
    const { end } = write();
    for (let i = 0; i < 2 * turns; i += 1) await new Promise((resolve) => setImmediate(resolve));
    t.equal(await end(), undefined);
  }
  write();
  await stored(1);
  await checkStored(t, store, [sent(instance, 1)]);
});

await t.test('a stream that was made anew begins anew', async (t) => {
  const { bus, store, lane, write, stored } = await laneFixture(t, ports, 'anew');
  const [instance] = instancesOf(1) as [string];
  const first = write();
  await publishBatch(bus, lane, [A, sent(instance, 1)]);
  await publishBatch(bus, lane, [sent(instance, 2)]);
  await stored(2);
  await first.end();
  await bus.manager.streams.delete(lane.stream);
  await bus.ensureStreams();
  await publishBatch(bus, lane, [A, sent(instance, 2), sent(instance, 3)]);
  write();
  await stored(3);
  await checkStored(
    t,
    store,
    [1, 2, 3].map((seq) => sent(instance, seq)),
  );
});
