import t from 'tap';
import type { Test } from 'tap';
import { request } from 'undici';
import { freePort } from '../../embedded/free-port.ts';
import {
  silentLog,
  testBus,
  TEST_RETENTION,
  testBusOptions,
  testClickHouse,
  testNats,
} from '../../embedded/test-servers.ts';
import { until } from '../../embedded/test/until.ts';
import { decodeClaim, encodeClaim } from '../../membership/claim.ts';
import { Follower } from '../../projection/follower.ts';
import { migrations } from '../../store/migrate.ts';
import { Store } from '../../store/store.ts';
import { putTargets } from '../../targets/target-store.ts';
import { decodeTargets } from '../../targets/target.ts';
import { Writer } from '../writer.ts';
import { batchOf, catalogueOf, framesOf, instancesOf, storedFrames } from './traffic.ts';
import type { SentFrame } from './traffic.ts';

const nats = await testNats(t);
const clickhouse = await testClickHouse(t);
const NOW_MS = Date.now();
const A = catalogueOf(['load1'], ['load5']);

function sent(instance: string, seq: number): SentFrame {
  return {
    instance,
    incarnation: 1n,
    seq,
    timestampMs: NOW_MS + seq,
    catalogue: A,
    values: [seq, undefined],
  };
}

function storeOptions(fleet: string) {
  return {
    url: `http://127.0.0.1:${clickhouse.port}`,
    user: 'default',
    database: fleet,
    requestTimeoutMs: 10_000,
  };
}

/** A writer as `rollcall writer` runs it; not started yet. */
async function writerOf(t: Test, fleet: string, metricsPort?: number) {
  const { log: _, ...bus } = testBusOptions(nats.port, fleet);
  const port = metricsPort ?? (await freePort());
  const writer = new Writer({
    bus,
    member: `writer-${port}`,
    store: storeOptions(fleet),
    retention: TEST_RETENTION,
    lane: {
      flushIntervalMs: 20,
      flushBytesMax: 1 << 20,
      bufferBytesMax: 4 << 20,
      closingBytesMax: 4 << 20,
      closingSpanMs: 1000,
      frameMemoryMs: 3_600_000,
    },
    metricsListen: { host: '127.0.0.1', port },
    log: silentLog,
  });
  let failure: unknown;
  writer.failed.catch((error: unknown) => (failure = error));
  t.teardown(() => writer.stop());
  const get = async (path: string): Promise<{ statusCode: number; text: string }> => {
    const { statusCode, body } = await request(`http://127.0.0.1:${port}${path}`, { reset: true });
    return { statusCode, text: await body.text() };
  };
  return { writer, port, get, failure: () => failure };
}

await t.test('frames of every lane are stored, and it tells how it does', async (t) => {
  const { writer, get, failure } = await writerOf(t, 'whole');
  await writer.start();
  const store = new Store(storeOptions('whole'));
  t.teardown(() => store.close());
  const ledger = await store.rows<object>('SELECT version FROM migrations');
  t.equal(ledger.length, migrations().length, 'the database was made');
  t.match(await get('/readyz'), { statusCode: 200 });

  const bus = await testBus(t, nats.port, 'whole');
  const frames = [0, 1].flatMap((lane) => instancesOf(3, lane).map((host) => sent(host, 1)));
  for (const lane of [0, 1]) {
    const ofLane = frames.slice(3 * lane, 3 * lane + 3);
    await bus.publish(bus.topology.lane(lane).subject, batchOf([A, ...ofLane, ofLane[0]!]));
  }
  await bus.publish(bus.topology.lane(1).subject, Buffer.from('garbage'));
  await until('all is stored', async () => (await storedFrames(store, frames)).length === 6);
  t.same(await storedFrames(store, frames), framesOf(frames));

  const metrics = await until('all is counted', async () => {
    const { text } = await get('/metrics');
    return /parked_total\{reason="bad_batch"\} 1$/m.test(text) && text;
  });
  // The writer's reports on itself may be among them.
  const least: [series: string, value: number][] = [
    ['rollcall_writer_frames_total{lane="2x0"}', 3],
    ['rollcall_writer_samples_total{lane="2x1"}', 3],
    ['rollcall_writer_messages_total{lane="2x1"}', 2],
    ['rollcall_writer_catalogues', 1],
  ];
  const lines = new Map(metrics.split('\n').map((line) => line.split(' ') as [string, string]));
  for (const [series, value] of least) t.ok(Number(lines.get(series)) >= value, series);
  t.equal(lines.get('rollcall_writer_duplicate_frames_total{lane="2x0"}'), '1');
  t.equal(lines.get('rollcall_writer_nats_connected'), '1');
  t.match(metrics, /^rollcall_writer_freshness_seconds [\d.e-]+$/m);
  t.match(metrics, /^rollcall_writer_rollup_failures_total 0$/m);
  t.match(metrics, /^rollcall_writer_rollup_waiting_closings \d+$/m);
  t.equal(failure(), undefined);
});

await t.test('targets are projected onto the bus', async (t) => {
  const { writer } = await writerOf(t, 'targets');
  await writer.start();
  const store = new Store(storeOptions('targets'));
  t.teardown(() => store.close());
  const bus = await testBus(t, nats.port, 'targets');
  const seen: string[] = [];
  const follower = new Follower(bus, 'targets', (_key, value) => {
    seen.push(...decodeTargets(value).map(({ instance }) => instance));
  });
  const following = follower.run();
  await putTargets(store, [{ instance: 'web-1', address: 'a:1', labels: {}, intervalMs: 5000 }]);
  await until('it is followed', () => seen.includes('web-1'));
  follower.stop();
  await following;
  t.same(seen, ['web-1']);
});

await t.test('two writers share the lanes, and either goes on with all of them', async (t) => {
  const first = await writerOf(t, 'shared');
  const second = await writerOf(t, 'shared');
  await first.writer.start();
  const owned = async ({ get }: typeof first): Promise<number> => {
    const { text } = await get('/metrics');
    return Number(/^rollcall_parts_owned\{role="writer"\} (\d+)$/m.exec(text)?.[1]);
  };
  t.equal(await owned(first), 4, 'two lanes, the log and the projection');
  await second.writer.start();
  await until('two parts each', async () => (await owned(first)) + (await owned(second)) === 4);
  await until('evenly', async () => (await owned(first)) === 2);

  const bus = await testBus(t, nats.port, 'shared');
  const store = new Store(storeOptions('shared'));
  t.teardown(() => store.close());
  const hosts = [0, 1].map((lane) => instancesOf(1, lane)[0]!);
  const all: SentFrame[] = [];
  const send = async (seq: number): Promise<void> => {
    for (const [lane, host] of hosts.entries()) {
      const again = all.filter(({ instance }) => instance === host);
      all.push(sent(host, seq));
      // What was stored before comes along once more.
      await bus.publish(bus.topology.lane(lane).subject, batchOf([A, ...again, sent(host, seq)]));
    }
  };
  await send(1);
  await until('it is stored', async () => (await storedFrames(store, all)).length === 2);
  await first.writer.stop();
  await until('the second has all', async () => (await owned(second)) === 4);
  await send(2);
  await until('it is stored', async () => (await storedFrames(store, all)).length >= 4);
  await send(3);
  await until('it is stored', async () => (await storedFrames(store, all)).length >= 6);
  t.same(await storedFrames(store, all), framesOf(all));
  t.equal(first.failure(), undefined);
  t.equal(second.failure(), undefined);
});

await t.test('a lane that another writer claimed is left to it', async (t) => {
  const { writer, get, failure } = await writerOf(t, 'taken');
  await writer.start();
  const bus = await testBus(t, nats.port, 'taken');
  const subject = bus.topology.stateSubject('owner', 'writer', '2x0');
  const value = await bus.last(bus.topology.stateStream, subject);
  const { epoch } = decodeClaim(value!.data);
  const claim = { member: 'other', name: 'another host', epoch: epoch + 1, isReleased: false };
  await bus.publish(subject, encodeClaim(claim), { lastSeq: value!.seq });
  await until('it is lost', async () => {
    return /^rollcall_parts_lost_total\{role="writer"\} 1$/m.test((await get('/metrics')).text);
  });
  t.equal(failure(), undefined);
  t.match(await get('/readyz'), { statusCode: 200 }, 'the other parts go on');
});

await t.test('a writer that cannot serve its metrics does not begin', async (t) => {
  const first = await writerOf(t, 'port');
  await first.writer.start();
  const second = await writerOf(t, 'port', first.port);
  await t.rejects(second.writer.start(), { code: 'listen_failed' });
  t.match(await first.get('/readyz'), { statusCode: 200 });
});

await t.test('a writer that waits for its servers can be stopped', async (t) => {
  await clickhouse.kill();
  const { writer, get } = await writerOf(t, 'stopped');
  const starting = writer.start();
  await until('it serves', () => get('/healthz'));
  t.match(await get('/readyz'), { statusCode: 503 });
  await Promise.all([t.rejects(starting, { name: 'AbortError' }), writer.stop()]);
  await clickhouse.startAgain();
});
