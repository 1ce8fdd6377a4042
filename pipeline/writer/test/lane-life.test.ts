import { getEventListeners } from 'node:events';
import t from 'tap';
import { silentLog, testClickHouse, testNats } from '../../embedded/test-servers.ts';
import { until } from '../../embedded/test/until.ts';
import { Store } from '../../store/store.ts';
import { CatalogueBook } from '../catalogue-book.ts';
import { RunLedger } from '../run-ledger.ts';
import { InsertSlots } from '../insert-slots.ts';
import { LaneWriter } from '../lane-writer.ts';
import { Parking } from '../parking.ts';
import { laneFixture } from './lane-fixture.ts';
import {
  catalogueOf,
  framesOf,
  instancesOf,
  publishBatch,
  samplesOf,
  storedFrames,
  storedSamples,
} from './traffic.ts';
import type { SentFrame } from './traffic.ts';

/** A lane's writer begins, ends and starts over, many times in one process. */

const nats = await testNats(t);
const clickhouse = await testClickHouse(t);
const ports = { nats: nats.port, clickhouse: clickhouse.port };
const NOW_MS = Date.now();
const A = catalogueOf(['load1'], ['load5']);
const [INSTANCE] = instancesOf(1) as [string];

function sent(seq: number): SentFrame {
  return {
    instance: INSTANCE,
    incarnation: 7n,
    seq,
    timestampMs: NOW_MS + seq,
    catalogue: A,
    values: [seq, -seq],
  };
}

const upTo = (last: number): SentFrame[] => Array.from({ length: last }, (_, i) => sent(i + 1));

type Fixture = Awaited<ReturnType<typeof laneFixture>>;

/** Those of clients' connections come and go; a writer that left one would leave many. */
function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}

/** A writer whose signal is the test's own. */
function bareWriter({ bus, store, lane }: Fixture, epoch: number, signal: AbortSignal) {
  const catalogues = new CatalogueBook(store, bus);
  const parking = new Parking(bus, silentLog);
  return new LaneWriter(
    { bus, store, catalogues, parking, slots: new InsertSlots(1), log: silentLog },
    {
      lane,
      laneIndex: 0,
      laneCount: 2,
      epoch,
      writer: 'bare',
      flushIntervalMs: 10,
      flushBytesMax: 1 << 20,
      bufferBytesMax: 4 << 20,
      closingBytesMax: 4 << 20,
      closingSpanMs: 1000,
      closingIdleMs: 100,
      frameMemoryMs: 3_600_000,
    },
    signal,
  );
}

await t.test('a writer that is stopped leaves nothing behind', async (t) => {
  const fixture = await laneFixture(t, ports, 'clean');
  const { bus, lane, store, stored } = fixture;
  await publishBatch(bus, lane, [A]);
  const before = timers();
  for (let epoch = 1; epoch <= 20; epoch += 1) {
    const stop = new AbortController();
    const writer = bareWriter(fixture, epoch, stop.signal);
    const running = writer.run();
    await publishBatch(bus, lane, [sent(epoch)]);
    if (epoch % 2 === 0) await stored(epoch);
    t.ok(getEventListeners(stop.signal, 'abort').length < 5, 'few listen to the signal');
    stop.abort();
    await running;
    t.equal(getEventListeners(stop.signal, 'abort').length, 0, 'none listens any longer');
  }
  await until('its timers are gone', () => timers() < before + 10);
  const stop = new AbortController();
  const last = bareWriter(fixture, 21, stop.signal).run();
  await stored(20);
  stop.abort();
  await last;
  t.same(await storedFrames(store), framesOf(upTo(20)));
});

await t.test('a writer whose database hangs ends when it is told to', async (t) => {
  const fixture = await laneFixture(t, ports, 'hung');
  const { bus, lane, store, stored } = fixture;
  // Nobody would wait that long.
  const patient = new Store({
    url: `http://127.0.0.1:${clickhouse.port}`,
    user: 'default',
    database: store.database,
    requestTimeoutMs: 3_600_000,
  });
  t.teardown(() => patient.close());
  t.teardown(() => clickhouse.signal('SIGCONT'));
  await publishBatch(bus, lane, [A, sent(1)]);
  const stop = new AbortController();
  const writer = bareWriter({ ...fixture, store: patient }, 1, stop.signal);
  const running = writer.run();
  await stored(1);
  clickhouse.signal('SIGSTOP');
  await publishBatch(bus, lane, [sent(2)]);
  await until('it has read', () => writer.counters.messages === 2);
  stop.abort();
  await running;
  t.pass('it has ended');
  clickhouse.signal('SIGCONT');
  const again = new AbortController();
  const successor = bareWriter(fixture, 2, again.signal).run();
  await stored(2);
  again.abort();
  await successor;
  t.same(await storedSamples(store), samplesOf(upTo(2)));
});

await t.test('a writer that has aborted before it begins does nothing', async (t) => {
  const fixture = await laneFixture(t, ports, 'never');
  await bareWriter(fixture, 1, AbortSignal.abort()).run();
  const rows = await fixture.store.rows('SELECT 1 FROM lane_runs');
  t.same(rows, []);
});

await t.test('when its stream is made anew the writer starts over by itself', async (t) => {
  const { bus, store, lane, write, stored } = await laneFixture(t, ports, 'anew');
  const { counters, ended } = write();
  await publishBatch(bus, lane, [A, sent(1)]);
  await publishBatch(bus, lane, [sent(2)]);
  await stored(2);
  for (let round = 1; round <= 3; round += 1) {
    await bus.manager.streams.delete(lane.stream);
    await bus.ensureStreams();
    await publishBatch(bus, lane, [A, sent(2), sent(2 + round)]);
    await stored(2 + round);
  }
  t.same(await storedFrames(store), framesOf(upTo(5)));
  t.same(await storedSamples(store), samplesOf(upTo(5)));
  t.ok(counters.streamReplaced >= 1);
  t.equal(await Promise.race([ended, Promise.resolve('goes on')]), 'goes on');
});

await t.test('a stream that lost its newest messages is written on from its end', async (t) => {
  const { bus, store, lane, write, stored, closed } = await laneFixture(t, ports, 'cut');
  const streamId = Date.parse((await bus.streamInfo(lane.stream)).created);
  await publishBatch(bus, lane, [A, sent(1)]);
  const first = write();
  await stored(1);
  await closed();
  await first.end();
  // The ledger says that it once had a hundred messages, and all below 91 are stored.
  const ledger = new RunLedger(store, { lane: lane.id, streamId }, 50, 'before');
  await ledger.begin({ fromSeq: 91, toSeq: 100 });
  const second = write({ epoch: 51 });
  await until('it has claimed what is left', async () => {
    const rows = await store.rows<object>(
      `SELECT 1 FROM lane_runs WHERE epoch = 51 AND number = 1 AND stream_id = ${streamId + 1}`,
    );
    return rows.length > 0;
  });
  await publishBatch(bus, lane, [A, sent(1), sent(2)]);
  await stored(2);
  await second.end();
  write({ epoch: 52 });
  await publishBatch(bus, lane, [sent(2), sent(3)]);
  await stored(3);
  t.same(await storedFrames(store), framesOf(upTo(3)));
  t.same(await storedSamples(store), samplesOf(upTo(3)));
});

await t.test(
  'numbers that NATS gave out again are noticed by the time of their message',
  async (t) => {
    const { bus, store, lane, write, stored, closed } = await laneFixture(t, ports, 'reused');
    const streamId = Date.parse((await bus.streamInfo(lane.stream)).created);
    await publishBatch(bus, lane, [A, sent(1)]);
    const first = write();
    await stored(1);
    await closed();
    await first.end();
    await publishBatch(bus, lane, [sent(2)]);
    await publishBatch(bus, lane, [sent(3)]);
    // The ledger says that the first three were stored; but the third was another message then.
    const ledger = new RunLedger(store, { lane: lane.id, streamId }, 50, 'before');
    const publishedMs = await bus.publishedAtMs(lane.stream, 3);
    await ledger.begin({ fromSeq: 4, toSeq: 3, toStoredMs: publishedMs! - 5000 });
    const second = write({ epoch: 51 });
    await stored(3);
    await second.end();
    t.same(await storedFrames(store), framesOf(upTo(3)));
    t.same(await storedSamples(store), samplesOf(upTo(3)));
    const rows = await store.rows<{ id: string }>(
      'SELECT max(stream_id) AS id FROM lane_runs WHERE epoch = 51',
    );
    t.equal(Number(rows[0]?.id), streamId + 1, 'it has an identity of its own from then on');
  },
);
