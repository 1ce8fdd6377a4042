import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import t from 'tap';
import { testBus, testBusOptions, testNats } from '../../embedded/test-servers.ts';
import { until } from '../../embedded/test/until.ts';
import { Bus } from '../bus.ts';
import { FETCH_EXPIRES_MS_MIN, StreamReader } from '../stream-reader.ts';
import type { StreamReaderOptions } from '../stream-reader.ts';

const nats = await testNats(t);

interface Seen {
  readonly seq: number;
  readonly subject: string;
  readonly text: string;
  readonly pending: number;
}

/** Reads in the background into `seen`. */
function reading(bus: Bus, options: StreamReaderOptions) {
  const reader = new StreamReader(bus, options);
  const seen: Seen[] = [];
  const state = { isCaughtUp: false };
  void reader.caughtUp.then(() => (state.isCaughtUp = true));
  const ended = (async () => {
    for await (const { seq, subject, data, pending } of reader) {
      seen.push({ seq, subject, text: Buffer.from(data).toString(), pending });
    }
  })();
  t.teardown(() => reader.stop());
  return { reader, seen, state, ended };
}

async function publishMany(bus: Bus, subject: string, texts: readonly string[]): Promise<void> {
  for (const value of texts) await bus.publish(subject, Buffer.from(value));
}

function numbers(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, i) => String(first + i));
}

await t.test('a message as large as NATS takes is read', async (t) => {
  const bus = await testBus(t, nats.port, 'largest');
  const { subject, stream } = bus.topology.lane(0);
  await bus.publish(subject, Buffer.alloc(bus.payloadBytesMax, 'x'));
  await publishMany(bus, subject, ['after it']);
  const { seen } = reading(bus, { stream, from: 1 });
  await until('both are read', () => seen.length === 2);
  t.equal(seen[0]!.text.length, bus.payloadBytesMax);
  t.equal(seen[1]!.text, 'after it');
});

await t.test('that a stream cannot be read is said once', async (t) => {
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => lines.push(line) });
  const bus = await Bus.connect({ ...testBusOptions(nats.port, 'unreadable'), log });
  t.teardown(() => bus.close());
  const { seen } = reading(bus, { stream: 'unreadable_later', from: 1 });
  await until('it is said', () => lines.length > 0);
  t.match(JSON.parse(lines[0]!), { stream: 'unreadable_later', msg: /CONSUMER\.CREATE/ });
  await bus.manager.streams.add({ name: 'unreadable_later', subjects: ['unreadable.later'] });
  await bus.publish('unreadable.later', Buffer.from('x'));
  await until('it is read', () => seen.length === 1);
  t.equal(lines.length, 1);
});

await t.test('requests that run out are followed by others, and nobody speaks of it', async (t) => {
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => lines.push(line) });
  const bus = await Bus.connect({ ...testBusOptions(nats.port, 'expires'), log });
  t.teardown(() => bus.close());
  const { subject, stream } = bus.topology.lane(0);
  await publishMany(bus, subject, ['1']);
  const { seen } = reading(bus, { stream, from: 1, fetchExpiresMs: FETCH_EXPIRES_MS_MIN });
  await until('it is read', () => seen.length === 1);
  await sleep(2.5 * FETCH_EXPIRES_MS_MIN);
  await publishMany(bus, subject, ['2']);
  await until('that too', () => seen.length === 2);
  t.same(lines, []);
});

await t.test('messages come in order from the position asked for', async (t) => {
  const bus = await testBus(t, nats.port, 'position');
  const { subject, stream } = bus.topology.lane(0);
  await publishMany(bus, subject, numbers(1, 100));
  const { seen } = reading(bus, { stream, from: 41 });
  await until('the rest is read', () => seen.length === 60);
  t.same(
    seen.map(({ text }) => text),
    numbers(41, 100),
  );
  t.same(
    seen.map(({ seq }) => seq),
    numbers(41, 100).map(Number),
  );
  t.equal(seen[0]!.pending, 59);
  t.equal(seen.at(-1)!.pending, 0);
  await publishMany(bus, subject, numbers(101, 110));
  await until('what follows is read', () => seen.length === 70);
  t.same(
    seen.map(({ text }) => text),
    numbers(41, 110),
  );
});

await t.test('a position that was trimmed away begins at what is left', async (t) => {
  const bus = await testBus(t, nats.port, 'trimmed');
  const { subject, stream } = bus.topology.lane(0);
  await publishMany(bus, subject, numbers(1, 20));
  await bus.trim(stream, 15);
  const { seen } = reading(bus, { stream, from: 3 });
  await until('the rest is read', () => seen.length === 6);
  t.same(
    seen.map(({ text }) => text),
    numbers(15, 20),
  );
});

await t.test('many small messages come through one consumer', async (t) => {
  const bus = await testBus(t, nats.port, 'many');
  const { subject, stream } = bus.topology.lane(0);
  await publishMany(bus, subject, numbers(1, 350));
  const { seen } = reading(bus, { stream, from: 1 });
  await until('all is read', () => seen.length === 350);
  const consumers = await Array.fromAsync(bus.manager.consumers.list(stream));
  t.equal(consumers.length, 1, 'no fetch had to be given up');
});

await t.test('more bytes than a fetch may have come through one consumer', async (t) => {
  const bus = await testBus(t, nats.port, 'bytes');
  const { subject, stream } = bus.topology.lane(0);
  for (let i = 0; i < 40; i += 1) await bus.publish(subject, Buffer.alloc(400_000, i));
  const { seen } = reading(bus, { stream, from: 1 });
  await until('all is read', () => seen.length === 40);
  const consumers = await Array.fromAsync(bus.manager.consumers.list(stream));
  t.equal(consumers.length, 1, 'no fetch had to be given up');
});

await t.test('messages that the server leaves out are asked for again', async (t) => {
  const bus = await testBus(t, nats.port, 'left_out');
  const { subject, stream } = bus.topology.lane(0);
  const { consumers } = bus.manager;
  const add = consumers.add.bind(consumers);
  const begins: unknown[] = [];
  // As if the second consumer had jumped: it begins behind where it was told to.
  t.intercept(consumers, 'add', {
    value: (of: string, config: { opt_start_seq: number }) => {
      begins.push(config.opt_start_seq);
      return add(of, begins.length === 2 ? { ...config, opt_start_seq: 15 } : config);
    },
  });
  await publishMany(bus, subject, numbers(1, 10));
  const { seen } = reading(bus, { stream, from: 1 });
  await until('the first ones are read', () => seen.length === 10);
  for await (const { name } of consumers.list(stream)) await consumers.delete(stream, name);
  await publishMany(bus, subject, numbers(11, 20));
  await until('all are read', () => seen.length === 20);
  t.same(
    seen.map(({ seq }) => seq),
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
  t.same(begins, [1, 11, 11]);
});

await t.test('small fetches lose nothing', async (t) => {
  const bus = await testBus(t, nats.port, 'small');
  const { subject, stream } = bus.topology.lane(0);
  await publishMany(bus, subject, numbers(1, 60));
  const { seen } = reading(bus, { stream, from: 1, fetchBytesMax: 1000 });
  await until('all is read', () => seen.length === 60);
  t.same(
    seen.map(({ text }) => text),
    numbers(1, 60),
  );
});

await t.test('only the subjects asked for are delivered', async (t) => {
  const bus = await testBus(t, nats.port, 'filter');
  const { topology } = bus;
  for (const i of numbers(1, 10)) {
    await publishMany(bus, topology.transitionsSubject(`2x${Number(i) % 2}`), [i]);
    await publishMany(bus, topology.notificationsSubject('ops'), [i]);
  }
  const one = reading(bus, {
    stream: topology.logStream,
    subject: topology.transitionsSubject('2x1'),
    from: 1,
  });
  const all = reading(bus, {
    stream: topology.logStream,
    subject: topology.transitionsSubject('*'),
    from: 5,
  });
  await until('both have read', () => one.seen.length === 5 && all.seen.length === 8);
  t.same(
    one.seen.map(({ text }) => text),
    ['1', '3', '5', '7', '9'],
  );
  t.same(
    all.seen.map(({ text }) => text),
    numbers(3, 10),
  );
});

await t.test('current values come first, then what changes', async (t) => {
  const bus = await testBus(t, nats.port, 'values');
  const { topology } = bus;
  const [a, b] = [topology.stateSubject('x', 'a'), topology.stateSubject('x', 'b')];
  await publishMany(bus, a, ['a1', 'a2']);
  await publishMany(bus, b, ['b1', 'b2', 'b3']);
  await publishMany(bus, topology.stateSubject('y', 'a'), ['not asked for']);
  const { seen, reader } = reading(bus, {
    stream: topology.stateStream,
    subject: topology.stateSubject('x', '>'),
    from: 'last_per_subject',
  });
  await reader.caughtUp;
  t.same(
    seen.map(({ text }) => text),
    ['a2', 'b3'],
  );
  await publishMany(bus, a, ['a3']);
  await until('the change is read', () => seen.length === 3);
  t.match(seen[2], { subject: a, text: 'a3' });
});

await t.test('a number that was given out again ends the reading', async (t) => {
  const bus = await testBus(t, nats.port, 'reused');
  const { subject, stream } = bus.topology.lane(0);
  await publishMany(bus, subject, numbers(1, 3));
  const storedMs = (await bus.publishedAtMs(stream, 2))!;
  const same = reading(bus, { stream, from: 3, beforeStoredMs: storedMs });
  await until('the third is read', () => same.seen.length === 1);
  const other = reading(bus, { stream, from: 3, beforeStoredMs: storedMs - 1000 });
  await t.rejects(other.ended, { code: 'stream_replaced', message: /number 2 out again/ });
  t.same(other.seen, []);
  await bus.manager.streams.purge(stream, { seq: 3 });
  const trimmed = reading(bus, { stream, from: 3, beforeStoredMs: storedMs - 1000 });
  await until('nothing is left to compare with', () => trimmed.seen.length === 1);
});

await t.test('an empty stream is caught up with at once', async (t) => {
  const bus = await testBus(t, nats.port, 'empty');
  const { reader, seen } = reading(bus, { stream: bus.topology.lane(0).stream, from: 1 });
  await reader.caughtUp;
  t.same(seen, []);
});

await t.test(
  'a filled stream is caught up with once its last message is handed over',
  async (t) => {
    const bus = await testBus(t, nats.port, 'filled');
    const { subject, stream } = bus.topology.lane(0);
    await publishMany(bus, subject, numbers(1, 50));
    const reader = new StreamReader(bus, { stream, from: 1 });
    let handedOver = 0;
    let atCaughtUp: number | undefined;
    void reader.caughtUp.then(() => (atCaughtUp = handedOver));
    for await (const { seq } of reader) {
      t.equal(atCaughtUp, undefined, `not before message ${seq}`);
      await new Promise((resolve) => setImmediate(resolve));
      handedOver += 1;
      if (seq === 50) break;
    }
    const again = reading(bus, { stream, from: 1 });
    await again.reader.caughtUp;
    t.equal(again.seen.length, 50);
  },
);

await t.test('what is deleted before it can be read is not waited for', async (t) => {
  const bus = await testBus(t, nats.port, 'deleted');
  const { subject, stream } = bus.topology.lane(0);
  await publishMany(bus, subject, numbers(1, 50));
  const { consumers } = bus.js;
  const get = consumers.get.bind(consumers);
  // The consumer exists, and the server has announced what is waiting for it.
  t.intercept(consumers, 'get', {
    value: async (of: string, name: string) => {
      await bus.trim(stream, 51);
      return get(of, name);
    },
  });
  const { reader, seen } = reading(bus, { stream, from: 1 });
  await reader.caughtUp;
  t.same(seen, []);
});

await t.test('a consumer that the server has lost is replaced without a gap', async (t) => {
  const bus = await testBus(t, nats.port, 'lost');
  const { subject, stream } = bus.topology.lane(0);
  const { seen } = reading(bus, { stream, from: 1 });
  for (let round = 0; round < 2; round += 1) {
    await publishMany(bus, subject, numbers(10 * round + 1, 10 * round + 10));
    await until('the round is read', () => seen.length === 10 * (round + 1));
    for await (const { name } of bus.manager.consumers.list(stream)) {
      await bus.manager.consumers.delete(stream, name);
    }
  }
  await publishMany(bus, subject, ['last']);
  await until('the last is read', () => seen.at(-1)?.text === 'last');
  t.same(
    seen.map(({ text }) => text),
    [...numbers(1, 20), 'last'],
  );
});

await t.test('stopping ends the reading, also while nothing arrives', async (t) => {
  const bus = await testBus(t, nats.port, 'stop');
  const { reader, ended } = reading(bus, { stream: bus.topology.lane(0).stream, from: 1 });
  await reader.caughtUp;
  reader.stop();
  await ended;
  t.pass('the loop has ended');
});

await t.test(
  'every message is delivered once, in order, though the server is killed',
  async (t) => {
    const bus = await testBus(t, nats.port, 'kill');
    const { subject, stream } = bus.topology.lane(0);
    const { topology } = bus;
    await publishMany(bus, subject, numbers(1, 500));
    const slow = new StreamReader(bus, { stream, from: 101, fetchBytesMax: 4096 });
    const slowly: string[] = [];
    const slowEnded = (async () => {
      for await (const { data } of slow) {
        const text = Buffer.from(data).toString();
        await new Promise((resolve) => setImmediate(resolve));
        slowly.push(text);
      }
    })();
    const quick = reading(bus, { stream, from: 101 });
    const values = reading(bus, {
      stream: topology.stateStream,
      subject: topology.stateSubject('x', '>'),
      from: 'last_per_subject',
    });
    await publishMany(bus, topology.stateSubject('x', 'a'), ['before']);
    for (let round = 0; round < 2; round += 1) {
      await until('reading is under way', () => slowly.length > 20 * round);
      await nats.kill();
      await until('the loss is noticed', () => !bus.isConnected);
      await nats.startAgain();
      await until('the connection is back', () => bus.isConnected);
      await publishMany(bus, subject, numbers(501 + 50 * round, 550 + 50 * round));
      await publishMany(bus, topology.stateSubject('x', 'a'), [`after ${round}`]);
      await until('the value is followed', () => values.seen.at(-1)?.text === `after ${round}`);
    }
    await until('all is read', () => quick.seen.length >= 500 && slowly.length >= 500);
    t.same(
      quick.seen.map(({ text }) => text),
      numbers(101, 600),
    );
    t.same(slowly, numbers(101, 600));
    t.same(
      values.seen.map(({ text }) => text),
      ['before', 'after 0', 'after 1'],
    );
    slow.stop();
    await slowEnded;
  },
);
