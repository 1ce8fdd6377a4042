import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Test } from 'tap';
import { silentLog, testClickHouse, testNats } from '../../embedded/test-servers.ts';
import { until } from '../../embedded/test/until.ts';
import { RollcallError } from '../../error.ts';
import { alignedCopy } from '../../wire/batch.ts';
import { hexId } from '../../wire/shard.ts';
import { CatalogueBook } from '../catalogue-book.ts';
import { FrameMemory } from '../frame-memory.ts';
import { IntentLedger } from '../intent-ledger.ts';
import type { Intent } from '../intent-ledger.ts';
import { LaneInsert } from '../lane-insert.ts';
import { digestOf } from '../message-digest.ts';
import { Parking } from '../parking.ts';
import type { LaneMessage } from '../stored-frame.ts';
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

/** Three batches in the lane, the third with a repeat; what a predecessor may have done with them. */
async function lanePrepared(t: Test, fleet: string) {
  const fixture = await laneFixture(t, ports, fleet);
  const { bus, store, lane } = fixture;
  const instances = instancesOf(4);
  const batches = [1, 2, 3].map((batch) =>
    instances.flatMap((instance) => [sent(instance, 2 * batch), sent(instance, 2 * batch + 1)]),
  );
  batches[2]!.push(...batches[0]!);
  const bytes = [batchOf([A, ...batches[0]!]), batchOf(batches[1]!), batchOf(batches[2]!)];
  for (const batch of bytes) await bus.publish(lane.subject, batch);
  const streamId = Date.parse((await bus.streamInfo(lane.stream)).created);
  const ledger = new IntentLedger(store, { lane: lane.id, streamId }, 0, 'predecessor');
  const insert = new LaneInsert({
    store,
    catalogues: new CatalogueBook(store, bus),
    parking: new Parking(bus, silentLog),
    memory: new FrameMemory(3_600_000),
    lane: lane.id,
    log: silentLog,
  });
  const insertOf = (messages: readonly LaneMessage[], { fromSeq }: Intent) =>
    insert.prepare(messages, { streamId, fromSeq });
  /** Inserts as the predecessor would have; `tables` says how far it came with each partition. */
  const carryOut = async (
    intent: Intent,
    tables: readonly (readonly ('samples' | 'frames')[])[],
  ): Promise<void> => {
    const messages = bytes
      .map((batch, i) => ({ seq: i + 1, storedMs: 0, batch: alignedCopy(batch) }))
      .filter(({ seq }) => seq >= intent.fromSeq && seq <= intent.toSeq);
    const { blocks } = await insertOf(messages, intent);
    t.equal(blocks.length, tables.length, 'a block a day');
    for (const [i, block] of blocks.entries()) {
      const token = ledger.token(intent, block.partition, digestOf(messages));
      for (const table of tables[i] ?? []) await store.insertBlock(table, block[table], token);
    }
  };
  return { ...fixture, frames: batches.flat(), ledger, insertOf, carryOut };
}

async function checkStored(t: Test, store: Fixture['store'], frames: SentFrame[]): Promise<void> {
  t.same(await storedFrames(store), framesOf(frames), 'the frames');
  t.same(await storedSamples(store), samplesOf(frames), 'the samples');
}

const INTENT = { fromSeq: 1, toSeq: 2 };
const STAGES = [
  { name: 'nothing', tables: [[], []] },
  { name: 'the samples of one day', tables: [['samples'], []] },
  { name: 'one day', tables: [['samples', 'frames'], []] },
  { name: 'one day and the samples of the other', tables: [['samples', 'frames'], ['samples']] },
  {
    name: 'all',
    tables: [
      ['samples', 'frames'],
      ['samples', 'frames'],
    ],
  },
] as const;

for (const [i, { name, tables }] of STAGES.entries()) {
  await t.test(`an open intent of which ${name} was inserted is carried out once`, async (t) => {
    const { store, ledger, carryOut, write, frames } = await lanePrepared(t, `open_${i}`);
    await ledger.write(INTENT);
    await carryOut(INTENT, tables);
    const { counters } = write();
    const unique = framesOf(frames).length;
    await until('all is stored', async () => (await storedFrames(store)).length >= unique);
    await until('the repeats are dropped', () => counters.duplicates >= 8);
    await checkStored(t, store, frames);
  });
}

await t.test('what a predecessor could not know stays out of its insert', async (t) => {
  const fixture = await lanePrepared(t, 'unknown');
  const { bus, store, lane, ledger, insertOf, write, stored } = fixture;
  const B = catalogueOf(['up'], ['load1']);
  const [instance] = instancesOf(1) as [string];
  const waiting = { ...sent(instance, 90), catalogue: B, values: [1, 2] };
  const bytes = batchOf([waiting, sent(instance, 91)]);
  const seq = await bus.publish(lane.subject, bytes);
  const range = { fromSeq: seq, toSeq: seq };
  const messages = [{ seq, storedMs: 0, batch: alignedCopy(bytes) }];
  // The batches before are done.
  const before = { fromSeq: 1, toSeq: 3 };
  await ledger.write(before);
  await fixture.carryOut(before, STAGES[4].tables);
  const prepared = await insertOf(messages, range);
  t.same(prepared.unknownCatalogues, [B.hash]);
  const intent = { ...range, unknownCatalogues: prepared.unknownCatalogues };
  await ledger.write(intent);
  for (const block of prepared.blocks) {
    const token = ledger.token(intent, block.partition, digestOf(messages));
    await store.insertBlock('samples', block.samples, token);
  }
  // It dies, and the catalogue turns up.
  await bus.publish(bus.topology.catalogueSubject(hexId(B.hash)), B.payload);
  const { parking } = write();
  const all = [...fixture.frames, sent(instance, 91)];
  await stored(framesOf(all).length);
  await until('it is parked', () => parking.parkedTotal.get('unknown_catalogue') === 1);
  await checkStored(t, store, all);
  await publishBatch(bus, lane, [waiting]);
  await stored(framesOf([...all, waiting]).length);
  await checkStored(t, store, [...all, waiting]);
});

await t.test('an intent larger than what a successor may buffer is carried out', async (t) => {
  const { store, ledger, carryOut, write, frames } = await lanePrepared(t, 'large');
  await ledger.write(INTENT);
  await carryOut(INTENT, [['samples'], []]);
  write({ bufferBytesMax: 100 });
  const unique = framesOf(frames).length;
  await until('all is stored', async () => (await storedFrames(store)).length >= unique);
  await checkStored(t, store, frames);
});

await t.test('an insert that comes after the take-over does no harm', async (t) => {
  const { store, ledger, carryOut, write, stored, frames } = await lanePrepared(t, 'late');
  await ledger.write(INTENT);
  write();
  await stored(framesOf(frames).length);
  await carryOut(INTENT, STAGES[4].tables);
  await checkStored(t, store, frames);
  await t.rejects(ledger.write({ fromSeq: 4, toSeq: 4 }), { code: 'fenced' });
});

await t.test('only the newest intent is carried out again', async (t) => {
  const { store, ledger, carryOut, write, stored, frames } = await lanePrepared(t, 'overtaken');
  await ledger.write({ fromSeq: 1, toSeq: 1 });
  await carryOut({ fromSeq: 1, toSeq: 1 }, [['samples', 'frames']]);
  await ledger.write({ fromSeq: 2, toSeq: 3 });
  await carryOut({ fromSeq: 2, toSeq: 3 }, STAGES[1].tables);
  write();
  await stored(framesOf(frames).length);
  await checkStored(t, store, frames);
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
    const rows = await store.rows<object>('SELECT 1 FROM lane_intents WHERE epoch = 2');
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
  t.same(attempts, ['samples'], 'it did not insert again');
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
       FROM frames AS f JOIN samples AS s ON f.target_id = s.target_id AND f.timestamp = s.timestamp
       GROUP BY f.target_id, f.incarnation, f.seq HAVING wanted != found)`,
  );
  t.equal(rows[0]!.wrong, '0', 'every frame has as many samples as its record says');
});

await t.test(
  'an idle writer closes its intent, and its successor has nothing to repeat',
  async (t) => {
    const { bus, store, lane, write, stored } = await laneFixture(t, ports, 'idle');
    const [instance] = instancesOf(1) as [string];
    const first = write();
    await publishBatch(bus, lane, [A, sent(instance, 1)]);
    await stored(1);
    await until('the intent is closed', async () => {
      const rows = await store.rows<object>(
        'SELECT 1 FROM lane_intents WHERE from_seq = 2 AND to_seq = 1',
      );
      return rows.length > 0;
    });
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
