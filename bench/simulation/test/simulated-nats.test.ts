import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { Bus } from '../../../pipeline/bus/bus.ts';
import { testBusOptions, testNats } from '../../../pipeline/embedded/test-servers.ts';
import { playOnBus } from './bus-play.ts';

await t.test('the simulated NATS says what a nats-server says', async (t) => {
  const nats = await testNats(t);
  const options = { ...testBusOptions(nats.port, 'sim'), laneBytesMax: 64 * 1024 };
  const bus = await Bus.connect(options);
  t.teardown(() => bus.close());
  const expected = await playOnBus(bus);
  const worker = new Worker(new URL('bus-thread.ts', import.meta.url));
  const [transcript] = (await once(worker, 'message')) as [unknown];
  // As it travels between threads: `undefined` stays, classes do not.
  t.strictSame(transcript, expected);
});
