import { Registry } from 'prom-client';
import t from 'tap';
import { silentLog, testBus, testNats } from '../../embedded/test-servers.ts';
import { until } from '../../embedded/test/until.ts';
import { StreamGauges } from '../stream-gauges.ts';

const nats = await testNats(t);

await t.test('how full each stream of the fleet is can be scraped', async (t) => {
  const bus = await testBus(t, nats.port);
  // A fleet whose name begins as ours does, and one with streams of its own.
  await testBus(t, nats.port, 'fleet_eu');
  const lane = bus.topology.lane(1);
  await bus.publish(lane.subject, Buffer.alloc(1024 * 1024));
  const gauges = new StreamGauges(bus, silentLog);
  const registry = new Registry();
  gauges.register(registry);
  t.notMatch(await registry.metrics(), 'stream="');
  const stop = new AbortController();
  const ended = gauges.run(stop.signal);
  await until('polled', () => gauges.levels.length > 0);
  t.same(
    gauges.levels.map(({ stream }) => stream).toSorted(),
    bus.topology
      .streams()
      .map(({ name }) => name)
      .toSorted(),
  );
  const level = gauges.levels.find(({ stream }) => stream === lane.stream)!;
  t.equal(level.messages, 1);
  t.equal(level.bytesMax, 64 * 1024 * 1024);
  t.ok(level.bytes > 1024 * 1024);
  const text = await registry.metrics();
  t.match(text, `rollcall_stream_bytes{stream="${lane.stream}"} ${level.bytes}`);
  t.match(text, `rollcall_stream_bytes_max{stream="${lane.stream}"} 67108864`);
  t.match(text, `rollcall_stream_messages{stream="${lane.stream}"} 1`);
  const ratio = level.bytes / level.bytesMax;
  t.match(text, `rollcall_stream_fill_ratio{stream="${lane.stream}"} ${ratio}`);

  stop.abort();
  await ended;
  t.notMatch(await registry.metrics(), 'stream="', 'another process says that now');
  await nats.kill();
  await t.rejects(gauges.poll());
});
