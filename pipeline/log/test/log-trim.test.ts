import { pino } from 'pino';
import type { Logger } from 'pino';
import t from 'tap';
import type { Test } from 'tap';
import { Bus } from '../../bus/bus.ts';
import { encodeNumbered } from '../../bus/numbered-value.ts';
import { testBusOptions, testNats } from '../../embedded/test-servers.ts';
import { LogTrim } from '../log-trim.ts';
import { notifiedSubject, snapshotSubject } from '../positions.ts';

const nats = await testNats(t);
const LOG_BYTES_MAX = 128 * 1024;
const RECORDS = 20;

/** A log of twenty records of one lane that fill a share of it. */
async function filledLog(
  t: Test,
  fleet: string,
  share: number,
  { offered, log }: { offered?: ReadonlySet<string>; log?: Logger } = {},
) {
  const bus = await Bus.connect({
    ...testBusOptions(nats.port, fleet),
    logBytesMax: LOG_BYTES_MAX,
    ...(log === undefined ? {} : { log }),
  });
  t.teardown(() => bus.close());
  const lane = bus.topology.lane(0).id;
  const record = Buffer.alloc(Math.floor((share * LOG_BYTES_MAX) / RECORDS) - 60);
  for (let i = 0; i < RECORDS; i += 1) {
    await bus.publish(bus.topology.transitionsSubject(lane), record);
  }
  const snapshot = (seq: number) => bus.publish(snapshotSubject(bus, lane), encodeNumbered(seq));
  const notified = (name: string, seq: number) =>
    bus.publish(notifiedSubject(bus, name), encodeNumbered(seq));
  const createdMs = Date.parse((await bus.streamInfo(bus.topology.logStream)).created);
  const trim = new LogTrim(bus, () => Promise.resolve(offered));
  const trimTo = (projectedSeq: number) => trim.trim(projectedSeq, createdMs);
  return { bus, snapshot, notified, trimTo };
}

await t.test('a log with room is kept whole', async (t) => {
  const { snapshot, trimTo } = await filledLog(t, 'room', 0.3);
  await snapshot(20);
  t.equal(await trimTo(21), undefined);
});

await t.test('at most the older half goes, and only what is projected', async (t) => {
  const { bus, snapshot, trimTo } = await filledLog(t, 'half', 0.7);
  await snapshot(20);
  t.equal(await trimTo(1), undefined, 'nothing is projected');
  t.equal(await trimTo(5), 5);
  t.equal((await bus.streamInfo(bus.topology.logStream)).state.first_seq, 5);
});

await t.test('what no snapshot contains stays, whatever else', async (t) => {
  const { snapshot, trimTo } = await filledLog(t, 'snapshot', 0.95);
  t.equal(await trimTo(21), undefined, 'the lane has no snapshot');
  await snapshot(3);
  t.equal(await trimTo(21), 4);
});

await t.test('receivers are waited for, but not until alerting stops', async (t) => {
  const patient = await filledLog(t, 'patient', 0.7);
  await patient.snapshot(20);
  await patient.notified('fast', 20);
  await patient.notified('slow', 6);
  t.equal(await patient.trimTo(21), 7);
  const full = await filledLog(t, 'full', 0.95);
  await full.snapshot(20);
  await full.notified('hanging', 0);
  t.equal(await full.trimTo(21), 11);
});

await t.test('a receiver that nobody serves any more is not waited for', async (t) => {
  const offered = new Set(['served']);
  const { snapshot, notified, trimTo } = await filledLog(t, 'gone', 0.7, { offered });
  await snapshot(20);
  await notified('served', 8);
  await notified('gone', 2);
  t.equal(await trimTo(21), 9);
});

await t.test('which receivers are not waited for is said once', async (t) => {
  const lines: string[] = [];
  const log = pino({ level: 'error' }, { write: (line) => lines.push(line) });
  const { snapshot, notified, trimTo } = await filledLog(t, 'said', 0.95, { log });
  await snapshot(20);
  await notified('fast', 20);
  await notified('hanging', 0);
  // Too little goes for there to be room again.
  t.equal(await trimTo(2), 2);
  t.equal(await trimTo(3), 3);
  t.equal(lines.length, 1);
  t.match(JSON.parse(lines[0]!), { receivers: ['hanging'], msg: /not waited for/ });
});

await t.test(
  'a log that was made anew is not trimmed by the position in the old one',
  async (t) => {
    const { bus, snapshot, trimTo } = await filledLog(t, 'anew', 0.7);
    await snapshot(20);
    const { logStream } = bus.topology;
    await t.rejects(trimTo(22), { code: 'stream_replaced' }, 'it ends before the position');
    await bus.manager.streams.delete(logStream);
    await bus.ensureStreams();
    await t.rejects(trimTo(1), { code: 'stream_replaced' });
  },
);
