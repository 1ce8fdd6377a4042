import { randomBytes } from 'node:crypto';
import t from 'tap';
import { testClickHouse, testNats } from '../../embedded/test-servers.ts';
import { until } from '../../embedded/test/until.ts';
import { putTargets } from '../../targets/target-store.ts';
import { metricId } from '../../wire/catalogue.ts';
import { hexId } from '../../wire/shard.ts';
import { WHOLE_BYTES_HEADER } from '../parking.ts';
import { laneFixture, parked } from './lane-fixture.ts';
import {
  batchOf,
  catalogueOf,
  frameMessage,
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

const A = catalogueOf(
  ['load1'],
  ['cpu_seconds_total', ['cpu', '0'], ['mode', 'idle']],
  ['cpu_seconds_total', ['cpu', '0'], ['mode', 'user "x"\n']],
  ['temperature_celsius', ['chip', 'größer ☃']],
);
/** Shares two series with `A`, in other slots. */
const B = catalogueOf(
  ['up'],
  ['temperature_celsius', ['chip', 'größer ☃']],
  ['load1'],
  ['filesystem_free_bytes', ['mountpoint', '/']],
  ['filesystem_free_bytes', ['mountpoint', '/srv']],
);

function sent(instance: string, seq: number, changes: Partial<SentFrame> = {}): SentFrame {
  return {
    instance,
    incarnation: 0xfedcba9876543210n,
    seq,
    timestampMs: NOW_MS + 5000 * seq,
    catalogue: A,
    values: [seq, 2 * seq, undefined, seq / 3],
    ...changes,
  };
}

await t.test('what is stored is exactly what was sent', async (t) => {
  const { bus, store, lane, write, stored } = await laneFixture(t, ports, 'exact');
  const instances = instancesOf(7);
  const odd = [NaN, -0, Infinity, -Infinity, 5e-324, Number.MAX_VALUE, 0.1, -1];
  const frames = instances.flatMap((instance, i) => [
    sent(instance, 1, { values: [odd[i], odd[i + 1], undefined, i] }),
    sent(instance, 2, { catalogue: B, values: [1, undefined, i, NaN, undefined] }),
    sent(instance, 3, { catalogue: B, values: [undefined, undefined, undefined, undefined, -0] }),
    sent(instance, 4, { values: [undefined, undefined, undefined, undefined], isBacklog: true }),
    // Another run of the agent: its numbers begin anew.
    sent(instance, 1, { incarnation: 1n, timestampMs: NOW_MS + 60_000, isBacklog: true }),
  ]);
  const half = Math.floor(frames.length / 2);
  await publishBatch(bus, lane, [A, ...frames.slice(0, 3), B, ...frames.slice(3, half)]);
  await publishBatch(bus, lane, [B, A, ...frames.slice(half).toReversed()]);
  const { counters } = write();
  await stored(frames.length);
  t.same(await storedSamples(store), samplesOf(frames));
  t.same(await storedFrames(store), framesOf(frames));
  await until('it is counted', () => counters.frames === frames.length);
  t.match(counters, { messages: 2, duplicates: 0, retries: 0, pending: 0, bufferBytes: 0 });
  t.equal(counters.samples, samplesOf(frames).length);
  t.equal(counters.newestMs, NOW_MS + 60_000);

  const series = await store.rows<{ metric_id: string; name: string; labels: object }>(
    `SELECT metric_id, name, mapFromArrays(label_names, label_values) AS labels FROM series FINAL
     ORDER BY metric_id`,
  );
  const expected = new Map(
    [...A.series, ...B.series].map(({ name, labels }) => [
      metricId(name, labels),
      { metric_id: `${metricId(name, labels)}`, name, labels: Object.fromEntries(labels) },
    ]),
  );
  t.equal(series.length, 7, 'a series that both catalogues have is registered once');
  t.same(
    series,
    [...expected].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row),
  );
});

await t.test('`metrics` shows it under its names', async (t) => {
  const { bus, store, lane, write, stored } = await laneFixture(t, ports, 'names');
  const [one, two] = instancesOf(2) as [string, string];
  await putTargets(
    store,
    [one, two].map((instance) => ({
      instance,
      address: 'a:1',
      labels: { zone: `of ${instance}` },
      intervalMs: 5000,
    })),
  );
  await publishBatch(bus, lane, [
    A,
    B,
    sent(one, 1, { values: [1.5, undefined, 2.5, undefined] }),
    sent(two, 1, { catalogue: B, values: [undefined, -4, undefined, 3.5, undefined] }),
  ]);
  write();
  await stored(2);
  const rows = await store.rows<object>(
    `SELECT toUnixTimestamp64Milli(time) AS ms, instance, name, labels, value, target_labels
     FROM metrics(start = '1970-01-01 00:00:00', end = '2100-01-01 00:00:00') ORDER BY value`,
  );
  const ms = String(NOW_MS + 5000);
  const of = (instance: string) => ({ ms, instance, target_labels: { zone: `of ${instance}` } });
  t.same(rows, [
    { ...of(two), name: 'temperature_celsius', labels: { chip: 'größer ☃' }, value: -4 },
    { ...of(one), name: 'load1', labels: {}, value: 1.5 },
    {
      ...of(one),
      name: 'cpu_seconds_total',
      labels: { cpu: '0', mode: 'user "x"\n' },
      value: 2.5,
    },
    { ...of(two), name: 'filesystem_free_bytes', labels: { mountpoint: '/' }, value: 3.5 },
  ]);
});

await t.test('a frame that comes again is stored once and counted', async (t) => {
  const { bus, store, lane, write, stored, closed } = await laneFixture(t, ports, 'repeated');
  const instances = instancesOf(5);
  const frames = instances.flatMap((instance) => [1, 2, 3, 5].map((seq) => sent(instance, seq)));
  const first = write();
  await publishBatch(bus, lane, [A, ...frames, ...frames]);
  await stored(frames.length);
  await publishBatch(bus, lane, frames);
  await publishBatch(bus, lane, [...frames.slice(5), A]);
  await until('the repeats are counted', () => {
    return first.counters.duplicates === 3 * frames.length - 5;
  });
  await closed();
  await first.end();

  const second = write();
  const fresh = instances.map((instance) => sent(instance, 4));
  await publishBatch(bus, lane, [...frames, ...fresh, ...frames]);
  await until('the repeats are counted', () => second.counters.duplicates >= 2 * frames.length);
  await stored(frames.length + fresh.length);
  t.same(await storedSamples(store), samplesOf([...frames, ...fresh]));
  t.same(await storedFrames(store), framesOf([...frames, ...fresh]));
  t.equal(second.counters.frames, fresh.length);
});

await t.test('the days of a batch go into partitions of their own', async (t) => {
  const { bus, store, lane, write, stored } = await laneFixture(t, ports, 'days');
  const midnightMs = Math.floor(NOW_MS / 86_400_000) * 86_400_000;
  const [instance] = instancesOf(1) as [string];
  const frames = [-86_400_001, -1, 0, 1].map((ms, i) =>
    sent(instance, i, { timestampMs: midnightMs + ms }),
  );
  const { counters } = write();
  await publishBatch(bus, lane, [A, ...frames]);
  await stored(frames.length);
  t.same(await storedSamples(store), samplesOf(frames));
  const parts = await store.rows<{ partition: string; rows: string }>(
    `SELECT extract(partition, '....-..-..') AS partition, sum(rows) AS rows FROM system.parts
     WHERE database = currentDatabase() AND table = 'frames_recent' AND active
     GROUP BY ALL ORDER BY ALL`,
  );
  t.same(parts, [
    { partition: day(midnightMs - 2 * 86_400_000), rows: '1' },
    { partition: day(midnightMs - 86_400_000), rows: '1' },
    { partition: day(midnightMs), rows: '2' },
  ]);
  await until('it is counted', () => counters.inserts === 3);
  t.equal(counters.inserts, 3, 'one insert a partition');
});

await t.test('garbage is parked with its reason, and the flow goes on', async (t) => {
  const { bus, store, lane, write, stored } = await laneFixture(t, ports, 'garbage');
  const [instance] = instancesOf(1) as [string];
  const good = [sent(instance, 1), sent(instance, 2)];
  const whole = batchOf([A, sent(instance, 3), sent(instance, 4)]);
  const wrongHash = batchOf([A]);
  wrongHash[32 + 16]! ^= 1;
  const garbage = [
    randomBytes(1000),
    Buffer.alloc(0),
    Buffer.from('{"json": true}'),
    whole.subarray(0, whole.length - 8),
    Buffer.concat([whole, Buffer.alloc(8)]),
  ];
  await publishBatch(bus, lane, [A, good[0]!]);
  for (const bytes of garbage) await bus.publish(lane.subject, bytes);
  // There is nothing in it to be kept: frames that need it would be parked themselves.
  await bus.publish(lane.subject, wrongHash);
  await publishBatch(bus, lane, [good[1]!]);
  const { parking } = write();
  await stored(2);
  t.same(await storedSamples(store), samplesOf(good), 'nothing of a bad batch is stored');
  const found = await parked(bus);
  t.same(
    found.map(([reason, bytes]) => [reason, bytes.toString('hex')]),
    garbage.map((bytes) => ['bad_batch', bytes.toString('hex')]),
  );
  t.same([...parking.parkedTotal], [['bad_batch', garbage.length]]);
  t.equal(parking.refusedTotal, 0);
});

await t.test('garbage as large as NATS takes is parked cut off', async (t) => {
  const { bus, store, lane, write, stored } = await laneFixture(t, ports, 'oversized');
  const garbage = randomBytes(bus.payloadBytesMax);
  const frames = [sent(instancesOf(1)[0]!, 1)];
  await bus.publish(lane.subject, garbage);
  await publishBatch(bus, lane, [A, ...frames]);
  write();
  await stored(1);
  t.same(await storedFrames(store), framesOf(frames));
  const [[reason, bytes]] = (await parked(bus)) as [[string, Buffer]];
  t.equal(reason, 'bad_batch');
  t.ok(garbage.subarray(0, bytes.length).equals(bytes), 'its beginning');
  const { parkedStream } = bus.topology;
  const message = await bus.manager.streams.getMessage(parkedStream, { seq: 1 });
  t.equal(message!.header.get(WHOLE_BYTES_HEADER), String(garbage.length));
});

await t.test('a frame whose catalogue nobody knows is parked, not guessed', async (t) => {
  const { bus, store, lane, write, stored } = await laneFixture(t, ports, 'unknown');
  const [instance] = instancesOf(1) as [string];
  const lost = sent(instance, 1, { catalogue: B, values: [1, 2, 3, 4, 5] });
  const known = sent(instance, 2);
  const short = sent(instance, 3, { values: [1, 2, 3] });
  await publishBatch(bus, lane, [lost, A, known, short]);
  const { parking } = write();
  await stored(1);
  t.same(await storedFrames(store), framesOf([known]));
  t.same(
    (await parked(bus)).map(([reason, bytes]) => [reason, bytes.toString('hex')]),
    [
      [`unknown_catalogue.${hexId(B.hash)}`, frameMessage(lost).toString('hex')],
      ['bad_frame', frameMessage(short).toString('hex')],
    ],
  );
  t.same(
    [...parking.parkedTotal],
    [
      ['unknown_catalogue', 1],
      ['bad_frame', 1],
    ],
  );
});

await t.test('a catalogue that did not come along is found where it was registered', async (t) => {
  const { bus, store, lane, write, stored, closed } = await laneFixture(t, ports, 'found');
  const [instance] = instancesOf(1) as [string];
  const frames = [
    sent(instance, 1),
    sent(instance, 2, { catalogue: B, values: [1, 2, 3, 4, 5] }),
    sent(instance, 3, { catalogue: B, values: [1, undefined, 3, 4, 5] }),
  ];
  await bus.publish(bus.topology.catalogueSubject(hexId(A.hash)), A.payload);
  const first = write();
  await publishBatch(bus, lane, [frames[0]!]);
  await stored(1);
  await publishBatch(bus, lane, [B, frames[1]!]);
  await stored(2);
  await closed();
  await first.end();
  // Only the database remembers B.
  const second = write();
  await publishBatch(bus, lane, [frames[2]!]);
  await stored(3);
  t.same(await storedSamples(store), samplesOf(frames));
  t.equal(second.catalogues.size, 1);
  t.same(await parked(bus), []);
});

await t.test('a compacted catalogue that is broken holds nobody up', async (t) => {
  const { bus, store, lane, write, stored } = await laneFixture(t, ports, 'broken');
  const [instance] = instancesOf(1) as [string];
  const { topology } = bus;
  await bus.publish(
    topology.catalogueSubject(hexId(B.hash)),
    Buffer.concat([Buffer.from([0x78]), randomBytes(100)]),
  );
  const broken = sent(instance, 1, { catalogue: B, values: [1, 2, 3, 4, 5] });
  const good = sent(instance, 2);
  await publishBatch(bus, lane, [A, broken, good]);
  write();
  await stored(1);
  t.same(await storedFrames(store), framesOf([good]));
  t.same(
    (await parked(bus)).map(([reason]) => reason),
    [`unknown_catalogue.${hexId(B.hash)}`],
  );
});

await t.test('a series whose id belongs to another is refused, and the flow goes on', async (t) => {
  const { bus, store, lane, write, stored } = await laneFixture(t, ports, 'collision');
  const [instance] = instancesOf(1) as [string];
  await store.insertRows('series', [
    { metric_id: `${metricId('up', [])}`, name: 'down', label_names: [], label_values: [] },
  ]);
  const good = sent(instance, 2);
  await publishBatch(bus, lane, [
    A,
    B,
    sent(instance, 1, { catalogue: B, values: [1, 2, 3, 4, 5] }),
    good,
  ]);
  write();
  await stored(1);
  t.same(await storedFrames(store), framesOf([good]));
  t.equal((await parked(bus)).length, 1);
});

await t.test('a time that the database cannot hold is parked', async (t) => {
  const { bus, store, lane, write, stored } = await laneFixture(t, ports, 'times');
  const [instance] = instancesOf(1) as [string];
  const good = [sent(instance, 1), sent(instance, 4)];
  const far = [8_640_000_000_000_001, 2 ** 53 - 1, 5_000_000_000_000].map((timestampMs, i) =>
    sent(instance, 10 + i, { timestampMs }),
  );
  await publishBatch(bus, lane, [A, good[0]!, ...far, good[1]!]);
  write();
  await stored(2);
  t.same(await storedFrames(store), framesOf(good));
  t.same(
    (await parked(bus)).map(([reason, bytes]) => [reason, bytes.toString('hex')]),
    far.map((bad) => ['bad_timestamp', frameMessage(bad).toString('hex')]),
  );
});

await t.test('a backlog larger than the buffer is stored whole', async (t) => {
  const { bus, store, lane, write, stored } = await laneFixture(t, ports, 'backlog');
  const instances = instancesOf(20);
  const frames: SentFrame[] = [];
  for (let seq = 1; seq <= 60; seq += 1) {
    const tick = instances.map((instance) => sent(instance, seq));
    await publishBatch(bus, lane, seq === 1 ? [A, ...tick] : tick);
    frames.push(...tick);
  }
  const { counters } = write({ flushBytesMax: 8 * 1024, bufferBytesMax: 10 * 1024 });
  await stored(frames.length);
  t.same(await storedSamples(store), samplesOf(frames));
  t.same(await storedFrames(store), framesOf(frames));
  await until('the buffer is empty', () => counters.bufferBytes === 0);
  t.ok(counters.inserts > 5, 'in many inserts');
});

await t.test('an older generation of lanes is drained beside the new one', async (t) => {
  const { bus, store, lane, write, stored } = await laneFixture(t, ports, 'lanes');
  const [instance] = instancesOf(1) as [string];
  const older = bus.topology.lane(0, 1);
  await bus.manager.streams.add({ name: older.stream, subjects: [older.subject] });
  const frames = [sent(instance, 1), sent(instance, 2), sent(instance, 3)];
  write({ lane: older, laneCount: 1 });
  await publishBatch(bus, older, [A, frames[0]!, frames[1]!]);
  await stored(2);
  // The collector has moved on, and the agent repeats what was not acknowledged to it.
  const { counters } = write();
  await publishBatch(bus, lane, [A, frames[1]!, frames[2]!]);
  await stored(3);
  t.same(await storedFrames(store), framesOf(frames));
  t.same(await storedSamples(store), samplesOf(frames));
  await until('the repeat is counted', () => counters.duplicates === 1);
});

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
