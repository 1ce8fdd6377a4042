import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import t from 'tap';
import { freePort } from '../../embedded/free-port.ts';
import { natsServer } from '../../embedded/nats-server.ts';
import { testBus, testBusOptions, testNats, TestServer } from '../../embedded/test-servers.ts';
import { until } from '../../embedded/test/until.ts';
import { Bus } from '../bus.ts';

const MEBIBYTE = 1024 * 1024;
const nats = await testNats(t);
const text = (value: string): Buffer => Buffer.from(value);

await t.test('streams are created with explicit limits, and twice is fine', async (t) => {
  const options = testBusOptions(nats.port, 'streams');
  const first = await Bus.connect(options);
  t.teardown(() => first.close());
  const { topology } = first;
  await first.publish(topology.lane(0).subject, text('kept'));
  const before = await Promise.all(topology.streams().map(({ name }) => first.streamInfo(name)));
  const second = await Bus.connect(options);
  t.teardown(() => second.close());
  const after = await Promise.all(topology.streams().map(({ name }) => second.streamInfo(name)));

  t.same(
    after.map(({ config, created }) => ({ config, created })),
    before.map(({ config, created }) => ({ config, created })),
    'a second start changes nothing',
  );
  topology.streams().forEach((spec, i) => {
    t.match(after[i]!.config, {
      name: spec.name,
      subjects: [...spec.subjects],
      storage: 'file',
      retention: 'limits',
      discard: 'new',
      max_bytes: spec.bytesMax,
      max_age: 0,
      num_replicas: 1,
      duplicate_window: 120_000 * 1e6,
      max_msgs_per_subject: spec.isCompacted ? 1 : -1,
    });
    t.ok(spec.bytesMax > 0, `${spec.name} has a limit`);
  });
  t.equal((await second.streamInfo(topology.lane(0).stream)).state.messages, 1);
});

await t.test('a limit that was configured anew is applied to a stream that exists', async (t) => {
  const options = testBusOptions(nats.port, 'limits');
  for (const laneBytesMax of [8 * MEBIBYTE, 32 * MEBIBYTE, 4 * MEBIBYTE]) {
    const bus = await Bus.connect({ ...options, laneBytesMax });
    t.teardown(() => bus.close());
    const { config } = await bus.streamInfo(bus.topology.lane(1).stream);
    t.equal(config.max_bytes, laneBytesMax);
  }
});

await t.test('a stale compare-and-set is refused', async (t) => {
  const bus = await testBus(t, nats.port, 'claims');
  const subject = bus.topology.stateSubject('owner', 'writer');
  const stale = { code: 'stale', retryable: false };
  const first = await bus.publish(subject, text('a'), { lastSeq: 0 });
  await t.rejects(bus.publish(subject, text('b'), { lastSeq: 0 }), stale, 'there is one already');
  await t.rejects(bus.publish(subject, text('b'), { lastSeq: first + 1 }), stale, 'not there yet');
  const second = await bus.publish(subject, text('b'), { lastSeq: first });
  t.ok(second > first, 'sequences grow');
  await t.rejects(bus.publish(subject, text('c'), { lastSeq: first }), stale, 'overtaken');
  const value = await bus.last(bus.topology.stateStream, subject);
  t.equal(value?.seq, second);
  t.equal(Buffer.from(value!.data).toString(), 'b');
});

await t.test('of many who claim at once exactly one wins', async (t) => {
  const bus = await testBus(t, nats.port, 'race');
  const subject = bus.topology.stateSubject('owner', 'collector');
  const claims = await Promise.allSettled(
    Array.from({ length: 20 }, (_, i) => bus.publish(subject, text(`${i}`), { lastSeq: 0 })),
  );
  const won = claims.filter(({ status }) => status === 'fulfilled');
  t.equal(won.length, 1);
  for (const claim of claims) {
    if (claim.status === 'rejected') t.match(claim.reason, { code: 'stale' });
  }
});

await t.test('a message that is repeated under its id is not stored twice', async (t) => {
  const bus = await testBus(t, nats.port, 'repeats');
  const { subject, stream } = bus.topology.lane(0);
  const seq = await bus.publish(subject, text('x'), { id: 'run-1' });
  t.equal(await bus.publish(subject, text('x'), { id: 'run-1' }), seq, 'the first one is named');
  t.not(await bus.publish(subject, text('x'), { id: 'run-2' }), seq);
  t.equal((await bus.streamInfo(stream)).state.messages, 2);
});

await t.test('a compacted subject keeps the newest value', async (t) => {
  const bus = await testBus(t, nats.port, 'compacted');
  const { stateStream } = bus.topology;
  const [a, b] = [bus.topology.stateSubject('x', 'a'), bus.topology.stateSubject('x', 'b')];
  for (const value of ['1', '2', '3']) await bus.publish(a, text(value));
  await bus.publish(b, text('other'));
  t.equal((await bus.streamInfo(stateStream)).state.messages, 2);
  t.equal(Buffer.from((await bus.last(stateStream, a))!.data).toString(), '3');
  t.equal(Buffer.from((await bus.last(stateStream, b))!.data).toString(), 'other');
  t.equal(await bus.last(stateStream, bus.topology.stateSubject('x', 'c')), undefined);
});

await t.test('a full lane refuses what is new and takes more once it is trimmed', async (t) => {
  const options = { ...testBusOptions(nats.port, 'full'), laneBytesMax: 64 * 1024 };
  const bus = await Bus.connect(options);
  t.teardown(() => bus.close());
  const { subject, stream } = bus.topology.lane(0);
  const body = Buffer.alloc(10_000, 7);
  let newest = 0;
  const refused = await until('the lane is full', async () => {
    try {
      newest = await bus.publish(subject, body);
      return undefined;
    } catch (error) {
      return error as Error;
    }
  });
  t.match(refused, { code: 'publish_failed', retryable: true, message: /maximum bytes/ });
  const { state } = await bus.streamInfo(stream);
  t.equal(state.first_seq, 1, 'nothing old was discarded');
  t.equal(state.last_seq, newest);
  t.equal(await bus.trim(stream, 3), 2, 'messages below the given one go');
  t.equal(await bus.publish(subject, body), newest + 1);
  t.equal((await bus.streamInfo(stream)).state.first_seq, 3);
});

await t.test('trimming may be confined to a subject', async (t) => {
  const bus = await testBus(t, nats.port, 'trim');
  const { topology } = bus;
  const [a, b] = [topology.transitionsSubject('a'), topology.transitionsSubject('b')];
  for (const subject of [a, b, a, b]) await bus.publish(subject, text('x'));
  t.equal(await bus.trim(topology.logStream, 4, a), 2);
  t.equal((await bus.streamInfo(topology.logStream)).state.messages, 2);
});

await t.test('the time of a message is known while the message is there', async (t) => {
  const bus = await testBus(t, nats.port, 'times');
  const { subject, stream } = bus.topology.lane(0);
  const seq = await bus.publish(subject, text('x'));
  const { state } = await bus.streamInfo(stream);
  const publishedMs = await bus.publishedAtMs(stream, seq);
  t.equal(publishedMs, Date.parse(state.last_ts));
  t.equal(await bus.publishedAtMs(stream, seq + 1), undefined);
});

await t.test('the lanes of every generation of this fleet are found', async (t) => {
  const options = testBusOptions(nats.port, 'lanes');
  await testBus(t, nats.port, 'lanes_other');
  for (const lanes of [2, 3]) {
    const bus = await Bus.connect({ ...options, lanes });
    t.teardown(() => bus.close());
  }
  const bus = await Bus.connect({ ...options, lanes: 3 });
  t.teardown(() => bus.close());
  const found = await bus.lanes();
  t.same(found.map(({ lane }) => lane.id).toSorted(), ['2x0', '2x1', '3x0', '3x1', '3x2']);
  for (const { lane, index, count } of found) t.same(bus.topology.lane(index, count), lane);
});

await t.test('calls without a connection fail at once as retryable', async (t) => {
  const bus = await testBus(t, nats.port, 'outage');
  const { subject, stream } = bus.topology.lane(0);
  let reconnects = 0;
  const forget = bus.onReconnect(() => (reconnects += 1));
  const outage = async (): Promise<void> => {
    await nats.kill();
    await until('the loss is noticed', () => !bus.isConnected);
  };
  const recovery = async (): Promise<void> => {
    await nats.startAgain();
    await until('the connection is back', () => bus.isConnected);
  };
  const seq = await bus.publish(subject, text('before'));
  await outage();
  const gone = { code: 'nats_disconnected', retryable: true };
  await t.rejects(bus.publish(subject, text('during')), gone);
  await t.rejects(bus.last(stream, subject), gone);
  await t.rejects(bus.trim(stream, 1), gone);
  await t.rejects(bus.streamInfo(stream), gone);
  await t.rejects(bus.publishedAtMs(stream, 1), gone);
  await t.rejects(bus.lanes(), gone);
  await recovery();
  t.equal(await bus.publish(subject, text('after')), seq + 1, 'nothing was sent behind our back');
  t.equal(reconnects, 1);
  forget();
  await outage();
  await recovery();
  t.equal(reconnects, 1, 'who has forgotten is not called');
});

await t.test('connecting waits for a server that is not there yet', async (t) => {
  await nats.kill();
  const connecting = testBus(t, nats.port, 'patient');
  await nats.startAgain();
  const bus = await connecting;
  t.equal(bus.isConnected, true);
  t.ok(await bus.publish(bus.topology.lane(0).subject, text('x')));
});

await t.test('waiting for a server can be given up', async (t) => {
  const port = await freePort();
  const stop = new AbortController();
  const connecting = Bus.connect(testBusOptions(port), stop.signal);
  stop.abort();
  await t.rejects(connecting, { name: 'AbortError' });
});

await t.test('a server that does not let us in is an error, not a wait', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'rollcall-test-'));
  t.teardown(() => rmSync(dataDir, { recursive: true, force: true }));
  const port = await freePort();
  const binary = process.env['ROLLCALL_NATS_SERVER'] ?? 'nats-server';
  const open = natsServer({ binary, port, dataDir });
  await TestServer.start(t, { ...open, args: [...open.args, '--auth', 'secret'] }, port);
  const options = testBusOptions(port);
  await t.rejects(Bus.connect(options), { code: 'nats_refused', retryable: false });
  await t.rejects(Bus.connect({ ...options, token: 'wrong' }), { code: 'nats_refused' });
  const bus = await Bus.connect({ ...options, token: 'secret' });
  t.teardown(() => bus.close());
  t.equal(bus.isConnected, true);
});

await t.test('refusals for a while do not end the connection', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'rollcall-test-'));
  t.teardown(() => rmSync(dataDir, { recursive: true, force: true }));
  const port = await freePort();
  const binary = process.env['ROLLCALL_NATS_SERVER'] ?? 'nats-server';
  const open = natsServer({ binary, port, dataDir });
  const withToken = (token: string) =>
    TestServer.start(t, { ...open, args: [...open.args, '--auth', token] }, port);
  const before = await withToken('secret');
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => lines.push(line) });
  const bus = await Bus.connect({ ...testBusOptions(port), token: 'secret', log });
  t.teardown(() => bus.close());
  let refusals = 0;
  void (async () => {
    for await (const { type } of bus.connection.status()) if (type === 'error') refusals += 1;
  })();
  await before.kill();
  const other = await withToken('another');
  await until('it was refused several times', () => refusals >= 4);
  t.equal(bus.isConnected, false);
  t.equal(lines.length, 2, 'either is said once');
  t.match(lines[0], /NATS is gone/);
  t.match(lines[1], /renew the credentials/);
  await other.kill();
  await withToken('secret');
  await until('the connection is back', () => bus.isConnected);
  t.ok(await bus.publish(bus.topology.lane(0).subject, text('x')));
});

await t.test('streams that cannot be created after a reconnect are tried again', async (t) => {
  const bus = await testBus(t, nats.port, 'again');
  const ensure = bus.ensureStreams.bind(bus);
  let attempts = 0;
  bus.ensureStreams = () => {
    attempts += 1;
    return attempts < 3 ? Promise.reject(new Error('no leader')) : ensure();
  };
  await bus.manager.streams.delete(bus.topology.logStream);
  await bus.connection.reconnect();
  await until('it has tried three times', () => attempts === 3);
  await until('the stream is there', async () => {
    return (await bus.findStream(bus.topology.logStream)) !== undefined;
  });
});
