import t from 'tap';
import { testClickHouse, testNats } from '../../embedded/test-servers.ts';
import { until } from '../../embedded/test/until.ts';
import { ElderLanes } from '../elder-lanes.ts';
import { RunLedger } from '../run-ledger.ts';
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

const nats = await testNats(t);
const clickhouse = await testClickHouse(t);
const ports = { nats: nats.port, clickhouse: clickhouse.port };
const A = catalogueOf(['load1'], ['load5']);
const NOW_MS = Date.now();

function tick(instances: readonly string[], seq: number): SentFrame[] {
  return instances.map((instance) => ({
    instance,
    incarnation: 7n,
    seq,
    timestampMs: NOW_MS + seq,
    catalogue: A,
    values: [seq, -seq],
  }));
}

/** The lanes of the fleet are younger than the one lane there was before. */
async function twoGenerations(t: Parameters<typeof laneFixture>[0], fleet: string) {
  const fixture = await laneFixture(t, ports, fleet);
  const { bus } = fixture;
  const older = bus.topology.lane(0, 1);
  await bus.manager.streams.add({ name: older.stream, subjects: [older.subject] });
  for (const index of [0, 1]) await bus.manager.streams.delete(bus.topology.lane(index).stream);
  await bus.ensureStreams();
  return { ...fixture, older };
}

await t.test('a lane waits for the elder lane that its agents were on', async (t) => {
  const { bus, store, lane, older, write, stored } = await twoGenerations(t, 'waits');
  const instances = instancesOf(5);
  const before = [1, 2, 3].map((seq) => tick(instances, seq));
  await publishBatch(bus, older, [A, ...before.flat()]);
  // The last tick was not acknowledged: it comes again on the new lane.
  await publishBatch(bus, lane, [A, ...before[2]!, ...tick(instances, 4)]);
  const younger = write();
  await until('it waits', () => younger.counters.retries > 0);
  t.same(await storedFrames(store), []);
  const elder = write({ lane: older, laneCount: 1, epoch: 1 });
  await stored(20);
  const all = [1, 2, 3, 4].flatMap((seq) => tick(instances, seq));
  t.same(await storedFrames(store), framesOf(all));
  t.same(await storedSamples(store), samplesOf(all));
  await until('it is counted', () => younger.counters.duplicates === 5);

  // What still comes on the elder lane is seen as well, although the runs are known.
  await publishBatch(bus, older, tick(instances, 5));
  await publishBatch(bus, lane, [...tick(instances, 5), ...tick(instances, 6)]);
  await stored(30);
  const more = [...all, ...tick(instances, 5), ...tick(instances, 6)];
  t.same(await storedFrames(store), framesOf(more));
  t.same(await storedSamples(store), samplesOf(more));
  t.equal(elder.counters.duplicates, 0);
});

await t.test('traffic that goes on along an elder lane is not waited for', async (t) => {
  const { bus, store, lane, older } = await twoGenerations(t, 'traffic');
  const elderMs = Date.parse((await bus.streamInfo(older.stream)).created);
  const { created } = await bus.streamInfo(lane.stream);
  const place = { index: 0, count: 2, createdMs: Math.max(Date.parse(created), elderMs + 1) };
  const elders = await ElderLanes.find(bus, store, place);
  await publishBatch(bus, older, [A]);
  const marks = await elders.marks();
  await t.rejects(elders.settle(marks), { code: 'elder_lanes', message: /up to 1 first/ });
  await publishBatch(bus, older, [A]);
  await t.rejects(elders.settle(marks), { message: /somebody still publishes there/ });
  const ledger = new RunLedger(store, { lane: older.id, streamId: elderMs }, 1, 'elder');
  await ledger.claim(1);
  await ledger.commit({ fromSeq: 2, toSeq: 2 });
  t.equal(await elders.settle(marks), true, 'the first message is stored, the second is not');
  t.equal(await elders.settle(marks), false);
  await t.rejects(elders.settle(await elders.marks()), { code: 'elder_lanes' });
});

await t.test('only lanes that are older and share agents are waited for', async (t) => {
  const { bus, store, lane } = await laneFixture(t, ports, 'kin');
  const createdMs = Date.parse((await bus.streamInfo(lane.stream)).created);
  for (const [index, count] of [
    [0, 4],
    [1, 4],
    [2, 4],
    [0, 3],
  ] as const) {
    const other = bus.topology.lane(index, count);
    await bus.manager.streams.add({ name: other.stream, subjects: [other.subject] });
  }
  const find = (index: number, count: number, at: number) =>
    ElderLanes.find(bus, store, { index, count, createdMs: at });
  t.equal((await find(0, 2, createdMs)).count, 0, 'the others are younger');
  const later = Date.now() + 60_000;
  t.equal((await find(0, 2, later)).count, 3, '4x0, 4x2, 3x0');
  t.equal((await find(1, 2, later)).count, 2, '4x1, 3x0');
  t.equal((await find(0, 4, later)).count, 2, '2x0, 3x0');
});

await t.test('an elder lane that is empty, or deleted, holds nobody up', async (t) => {
  const { bus, store, lane, older, write, stored } = await twoGenerations(t, 'gone');
  const instances = instancesOf(2);
  write();
  await publishBatch(bus, lane, [A, ...tick(instances, 1)]);
  await stored(2);
  await publishBatch(bus, older, [A, ...tick(instances, 1)]);
  const held = write();
  await publishBatch(bus, lane, tick(instances, 2));
  await until('it waits', () => held.counters.retries > 0);
  await bus.manager.streams.delete(older.stream);
  await stored(4);
  t.same(await storedFrames(store), framesOf([...tick(instances, 1), ...tick(instances, 2)]));
});
