import t from 'tap';
import type { Test } from 'tap';
import { testClickHouse, testNats } from '../../embedded/test-servers.ts';
import { until } from '../../embedded/test/until.ts';
import { RollcallError } from '../../error.ts';
import { Store } from '../../store/store.ts';
import { laneFixture, storeWith } from './lane-fixture.ts';
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

const nats = await testNats(t);
const clickhouse = await testClickHouse(t);
const ports = { nats: nats.port, clickhouse: clickhouse.port };
const NOW_MS = Date.now();
const SLOTS = 40;
const A = catalogueOf(
  ...Array.from({ length: SLOTS }, (_, i) => ['metric', ['slot', String(i)]] as const),
);
const INSTANCES = instancesOf(40);

function tickOf(seq: number): SentFrame[] {
  return INSTANCES.map((instance, i) => ({
    instance,
    incarnation: 7n,
    seq,
    timestampMs: NOW_MS + seq,
    catalogue: A,
    values: Array.from({ length: SLOTS }, (_, slot) => seq * i + slot),
  }));
}

type Fixture = Awaited<ReturnType<typeof laneFixture>>;

/** Publishes ticks one after the other, each with the one before it again. */
function sender({ bus, lane }: Fixture) {
  const frames: SentFrame[] = [];
  let seq = 0;
  const send = async (ticks: number): Promise<void> => {
    for (let i = 0; i < ticks; i += 1) {
      seq += 1;
      const tick = tickOf(seq);
      await publishBatch(bus, lane, [A, ...frames.slice(-INSTANCES.length), ...tick]);
      frames.push(...tick);
    }
  };
  return { frames, send };
}

async function checkStored(t: Test, { store }: Fixture, frames: SentFrame[]): Promise<void> {
  t.same(await storedFrames(store), framesOf(frames), 'the frames');
  t.same(await storedSamples(store), samplesOf(frames), 'the samples');
}

await t.test('a database that is killed during inserts has each frame once', async (t) => {
  const fixture = await laneFixture(t, ports, 'killed');
  const { write, stored } = fixture;
  const { frames, send } = sender(fixture);
  const { counters, ended } = write({ flushIntervalMs: 10 });
  for (let round = 0; round < 4; round += 1) {
    const inserts = counters.inserts;
    await send(10);
    await until('it inserts', () => counters.inserts > inserts);
    const sending = send(10);
    await clickhouse.kill();
    await sending;
    await clickhouse.startAgain();
  }
  await send(1);
  await stored(frames.length);
  await checkStored(t, fixture, frames);
  t.ok(counters.retries > 0, 'something had to be repeated');
  t.equal(await Promise.race([ended, Promise.resolve('goes on')]), 'goes on');
});

await t.test(
  'a database that is killed together with the writer has each frame once',
  async (t) => {
    const fixture = await laneFixture(t, ports, 'both');
    const { write, stored } = fixture;
    const { frames, send } = sender(fixture);
    for (let round = 0; round < 3; round += 1) {
      const { counters, end } = write({ flushIntervalMs: 10 });
      await send(10);
      await until('it inserts', () => counters.inserts > 0);
      await clickhouse.kill();
      await end();
      await clickhouse.startAgain();
    }
    write();
    await stored(frames.length);
    await checkStored(t, fixture, frames);
  },
);

await t.test('a database that hangs is asked again, and has each frame once', async (t) => {
  const fixture = await laneFixture(t, ports, 'hangs');
  const { write, stored, store } = fixture;
  const { frames, send } = sender(fixture);
  const hasty = new Store({
    url: `http://127.0.0.1:${clickhouse.port}`,
    user: 'default',
    database: store.database,
    requestTimeoutMs: 500,
  });
  t.teardown(() => hasty.close());
  t.teardown(() => clickhouse.signal('SIGCONT'));
  const { counters } = write({ flushIntervalMs: 10 }, { store: hasty });
  await send(5);
  await stored(frames.length);
  for (let round = 1; round <= 2; round += 1) {
    clickhouse.signal('SIGSTOP');
    await send(5);
    await until('it has asked again', () => counters.retries >= 2 * round);
    clickhouse.signal('SIGCONT');
    await stored(frames.length);
  }
  await checkStored(t, fixture, frames);
});

await t.test('what gathered during an outage is inserted in portions', async (t) => {
  const fixture = await laneFixture(t, ports, 'portions');
  const { write, stored, store, bus, lane } = fixture;
  const { frames, send } = sender(fixture);
  const outage = { isOver: false };
  const inserts = new Set<string>();
  const failing = storeWith(store, async (table, token, insert) => {
    if (!outage.isOver) throw new RollcallError('clickhouse_failed', 'away', { retryable: true });
    if (table === 'samples_recent') inserts.add(token);
    await insert();
  });
  const flushBytesMax = 64 * 1024;
  const { counters } = write({ flushIntervalMs: 10, flushBytesMax }, { store: failing });
  await send(30);
  await until('all has gathered', () => counters.messages === 30);
  const { state } = await bus.streamInfo(lane.stream);
  outage.isOver = true;
  await stored(frames.length);
  await checkStored(t, fixture, frames);
  await until('it has ended the last one', () => counters.bufferBytes === 0);
  t.ok(inserts.size >= state.bytes / flushBytesMax, `${inserts.size} inserts`);
});

await t.test('a lane that has no room for a minute is not full until it is over', async (t) => {
  const laneBytesMax = 256 * 1024;
  const fixture = await laneFixture(t, ports, 'small', { laneBytesMax });
  const { bus, lane, write, stored } = fixture;
  const { frames, send } = sender(fixture);
  const { counters } = write({ closingSpanMs: 3_600_000, closingIdleMs: 3_600_000 });
  const isTaken = () =>
    send(1).then(
      () => true,
      () => false,
    );
  let refusals = 0;
  while (counters.bytes < 3 * laneBytesMax) {
    if (await isTaken()) continue;
    refusals += 1;
    await until('there is room', isTaken);
  }
  t.ok(refusals >= 2, `the lane was full ${refusals} times`);
  t.ok(counters.closings >= 2, `${counters.closings} closings`);
  await stored(frames.length);
  await checkStored(t, fixture, frames);
  const { state } = await bus.streamInfo(lane.stream);
  t.ok(state.first_seq > 1, 'the lane is trimmed');
});

await t.test('a NATS server that is killed costs nothing that it had', async (t) => {
  const fixture = await laneFixture(t, ports, 'nats');
  const { bus, write, stored } = fixture;
  const { frames, send } = sender(fixture);
  const { counters } = write({ flushIntervalMs: 10 });
  for (let round = 0; round < 2; round += 1) {
    await send(20);
    await until('it reads', () => counters.messages > 20 * round);
    await nats.kill();
    await until('the loss is noticed', () => !bus.isConnected);
    await nats.startAgain();
    await until('the connection is back', () => bus.isConnected);
  }
  await send(1);
  await stored(frames.length);
  await checkStored(t, fixture, frames);
  t.equal(counters.messages, 41, 'every batch was read once');
});

await t.test('a writer that starts during an outage waits for its servers', async (t) => {
  const fixture = await laneFixture(t, ports, 'late');
  const { write, stored, bus } = fixture;
  const { frames, send } = sender(fixture);
  await send(3);
  await clickhouse.kill();
  await nats.kill();
  await until('the loss is noticed', () => !bus.isConnected);
  const { counters } = write();
  await until('it has tried', () => counters.retries > 0);
  await nats.startAgain();
  await until('it has tried again', () => counters.retries > 2);
  await clickhouse.startAgain();
  await stored(frames.length);
  await checkStored(t, fixture, frames);
});
