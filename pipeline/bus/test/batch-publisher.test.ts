import t from 'tap';
import { testBus, testBusOptions, testNats } from '../../embedded/test-servers.ts';
import { until } from '../../embedded/test/until.ts';
import { BatchPublisher } from '../batch-publisher.ts';
import { Bus } from '../bus.ts';
import { StreamReader } from '../stream-reader.ts';

const nats = await testNats(t);

/** What a lane holds now. */
async function contents(bus: Bus, stream: string): Promise<string[]> {
  const { state } = await bus.streamInfo(stream);
  const found: string[] = [];
  if (state.messages === 0) return found;
  for await (const { seq, data } of new StreamReader(bus, { stream, from: 1 })) {
    found.push(Buffer.from(data).toString());
    if (seq === state.last_seq) break;
  }
  return found;
}

await t.test('bytes in flight are counted until the stream has them', async (t) => {
  const bus = await testBus(t, nats.port, 'flight');
  const { subject, stream } = bus.topology.lane(0);
  const publisher = new BatchPublisher(bus, 'run');
  const published = [10, 20, 30].map((size) => publisher.publish(subject, Buffer.alloc(size)));
  t.equal(publisher.bytesInFlight, 60);
  t.equal(publisher.batchesInFlight, 3);
  t.same(await Promise.all(published), [true, true, true]);
  t.equal(publisher.bytesInFlight, 0);
  t.equal(publisher.batchesInFlight, 0);
  t.match(publisher.counters, { published: 3, publishedBytes: 60 });
  t.equal(publisher.counters.retries.size, 0);
  t.equal((await bus.streamInfo(stream)).state.messages, 3);
});

await t.test('a batch outlives the death of the server and is stored exactly once', async (t) => {
  const bus = await testBus(t, nats.port, 'death');
  const { subject, stream } = bus.topology.lane(0);
  const publisher = new BatchPublisher(bus, 'run');
  const sent: string[] = [];
  const publishing: Promise<boolean>[] = [];
  const publishSome = (count: number): void => {
    for (let i = 0; i < count; i += 1) {
      const text = `batch ${sent.length}`;
      sent.push(text);
      publishing.push(publisher.publish(subject, Buffer.from(text)));
    }
  };
  for (let round = 0; round < 2; round += 1) {
    publishSome(50);
    await nats.kill();
    publishSome(10);
    await until('the loss is noticed', () => !bus.isConnected);
    publishSome(10);
    await nats.startAgain();
  }
  t.ok((await Promise.all(publishing)).every(Boolean), 'every batch was acknowledged');
  t.same((await contents(bus, stream)).toSorted(), sent.toSorted());
  t.ok(publisher.counters.retries.size > 0, 'some were published again');
  t.equal(publisher.counters.published, sent.length);
});

await t.test('a batch waits for room in a full lane', async (t) => {
  const bus = await Bus.connect({ ...testBusOptions(nats.port, 'full'), laneBytesMax: 64 * 1024 });
  t.teardown(() => bus.close());
  const { subject, stream } = bus.topology.lane(0);
  const publisher = new BatchPublisher(bus, 'run');
  for (let i = 0; i < 6; i += 1) await publisher.publish(subject, Buffer.alloc(10_000));
  const waiting = publisher.publish(subject, Buffer.alloc(10_000));
  await until('it is refused', () => (publisher.counters.retries.get('stream_full') ?? 0) > 1);
  t.equal(publisher.batchesInFlight, 1);
  await bus.trim(stream, 4);
  t.equal(await waiting, true);
  t.equal((await bus.streamInfo(stream)).state.messages, 4);
});

await t.test('batches that a full lane refused come in order, and before later ones', async (t) => {
  const bus = await Bus.connect({ ...testBusOptions(nats.port, 'order'), laneBytesMax: 64 * 1024 });
  t.teardown(() => bus.close());
  const { subject, stream } = bus.topology.lane(0);
  const publisher = new BatchPublisher(bus, 'run');
  const publish = (text: string) => publisher.publish(subject, Buffer.from(text.padEnd(6000)));
  const refusals = () => publisher.counters.retries.get('stream_full') ?? 0;
  for (let i = 0; i < 10; i += 1) await publish('before');
  const refused = Array.from({ length: 20 }, (_, i) => publish(`batch ${i}`));
  await until('all are refused', () => refusals() >= 20);
  const later = [20, 21, 22].map((i) => publish(`batch ${i}`));
  await until('the first is refused again', () => refusals() >= 25);
  t.equal(publisher.batchesInFlight, 23);
  const seen: string[] = [];
  for await (const { seq, data } of new StreamReader(bus, { stream, from: 1 })) {
    seen.push(Buffer.from(data).toString().trim());
    if (seen.length === 33) break;
    await bus.trim(stream, seq);
  }
  t.ok((await Promise.all([...refused, ...later])).every(Boolean));
  const wanted = Array.from({ length: 23 }, (_, i) => `batch ${i}`);
  t.same(seen.slice(10), wanted);
});

await t.test('a publisher that is stopped lets those go that wait for their turn', async (t) => {
  const bus = await Bus.connect({ ...testBusOptions(nats.port, 'turns'), laneBytesMax: 64 * 1024 });
  t.teardown(() => bus.close());
  const { subject } = bus.topology.lane(0);
  const publisher = new BatchPublisher(bus, 'run');
  for (let i = 0; i < 6; i += 1) await publisher.publish(subject, Buffer.alloc(10_000));
  const waiting = Array.from({ length: 5 }, () => publisher.publish(subject, Buffer.alloc(10_000)));
  await until('all are refused', () => (publisher.counters.retries.get('stream_full') ?? 0) >= 5);
  publisher.stop();
  t.same(
    await Promise.all(waiting),
    Array.from({ length: 5 }, () => false),
  );
  t.equal(await publisher.publish(subject, Buffer.alloc(10)), false);
});

await t.test('a publisher that is stopped says that the batch is not stored', async (t) => {
  const bus = await testBus(t, nats.port, 'stopped');
  const { subject } = bus.topology.lane(0);
  const publisher = new BatchPublisher(bus, 'run');
  await nats.kill();
  await until('the loss is noticed', () => !bus.isConnected);
  const waiting = publisher.publish(subject, Buffer.from('never'));
  publisher.stop();
  t.equal(await waiting, false);
  t.equal(publisher.bytesInFlight, 0);
  t.equal(publisher.counters.published, 0);
  await nats.startAgain();
});
