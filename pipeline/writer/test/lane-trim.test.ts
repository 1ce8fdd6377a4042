import { pino } from 'pino';
import t from 'tap';
import type { Test } from 'tap';
import { Bus } from '../../bus/bus.ts';
import { encodeNumbered } from '../../bus/numbered-value.ts';
import { silentLog, testBusOptions, testNats } from '../../embedded/test-servers.ts';
import { evaluatedSubject } from '../../log/positions.ts';
import { LaneTrim } from '../lane-trim.ts';

const nats = await testNats(t);
const LANE_BYTES_MAX = 128 * 1024;

/** A lane with ten messages. */
async function filledLane(t: Test, fleet: string, bytes = 100) {
  const options = { ...testBusOptions(nats.port, fleet), laneBytesMax: LANE_BYTES_MAX };
  const bus = await Bus.connect(options);
  t.teardown(() => bus.close());
  const lane = bus.topology.lane(1);
  for (let i = 0; i < 10; i += 1) await bus.publish(lane.subject, Buffer.alloc(bytes));
  const evaluated = (seq: number) =>
    bus.publish(evaluatedSubject(bus, lane.id), encodeNumbered(seq));
  const kept = async (): Promise<number[]> => {
    const { state } = await bus.streamInfo(lane.stream);
    return [state.first_seq, state.last_seq];
  };
  const trim = new LaneTrim(bus, lane, silentLog);
  const createdMs = Date.parse((await bus.streamInfo(lane.stream)).created);
  const trimTo = (safeSeq: number, readSeq = safeSeq - 1) =>
    trim.trim({ safeSeq, readSeq, createdMs });
  return { bus, lane, evaluated, kept, trim, trimTo, createdMs };
}

await t.test('what writer and alerter are both done with is trimmed', async (t) => {
  const { bus, lane, evaluated, kept, trim, trimTo } = await filledLane(t, 'both');
  await evaluated(8);
  await trimTo(5);
  t.same(await kept(), [5, 10], 'the writer is behind');
  await trimTo(10);
  t.same(await kept(), [9, 10], 'the alerter is behind: it has evaluated up to 8');
  await evaluated(10);
  await trimTo(11);
  t.same(await kept(), [11, 10], 'both are done: nothing is left');
  t.equal(trim.missedTotal, 0);
  await trimTo(11);
  t.equal(await bus.publish(lane.subject, Buffer.from('x')), 11, 'sequences go on');
});

await t.test('what the alerter has not evaluated is kept while there is room', async (t) => {
  const { evaluated, kept, trimTo } = await filledLane(t, 'kept');
  await evaluated(0);
  await trimTo(11);
  t.same(await kept(), [1, 10]);
  await evaluated(2);
  await trimTo(11);
  t.same(await kept(), [3, 10]);
});

await t.test('an alerter that lags in a full lane is not waited for', async (t) => {
  const { evaluated, kept, trim, trimTo } = await filledLane(t, 'full', 8 * 1024);
  await evaluated(2);
  await trimTo(6);
  t.same(await kept(), [6, 10], 'but nothing that is not stored goes');
  t.equal(trim.missedTotal, 3, '3, 4 and 5');
  await trimTo(6);
  t.same(await kept(), [6, 10]);
  t.equal(trim.missedTotal, 3, 'nothing is counted twice');
});

await t.test('what was read and is not stored for good takes room', async (t) => {
  const { trimTo } = await filledLane(t, 'held', 8 * 1024);
  const whole = await trimTo(1, 10);
  t.ok(whole > 0.6 && whole < 0.7, '80 of 128 KiB');
  t.equal(await trimTo(1, 5), whole / 2);
  t.ok(Math.abs((await trimTo(6, 10)) - whole / 2) < 0.001, 'the first five are stored');
  t.equal(await trimTo(11, 10), 0);
  t.equal(await trimTo(11, 10), 0, 'the lane is empty');
});

await t.test('an alerter that is nearly there is waited for in a full lane too', async (t) => {
  const { evaluated, kept, trim, trimTo } = await filledLane(t, 'nearly', 8 * 1024);
  await evaluated(4);
  await trimTo(11);
  t.same(await kept(), [5, 10]);
  t.equal(trim.missedTotal, 0);
});

await t.test('an alerter that never ran is not waited for', async (t) => {
  const { bus, lane, kept, trim, trimTo } = await filledLane(t, 'alone');
  const subject = evaluatedSubject(bus, lane.id);
  t.equal(await bus.last(bus.topology.stateStream, subject), undefined);
  await trimTo(1);
  t.same(await kept(), [1, 10]);
  await trimTo(7);
  t.same(await kept(), [7, 10], 'the writer alone decides');
  await trimTo(3);
  t.same(await kept(), [7, 10], 'a position that is behind trims nothing');
  t.equal(trim.missedTotal, 0);
});

await t.test('that the alerter lags is said once, and that it no longer does', async (t) => {
  const { bus, lane, evaluated, createdMs } = await filledLane(t, 'said', 12 * 1024);
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  const trim = new LaneTrim(bus, lane, log);
  await evaluated(1);
  for (const seq of [2, 3, 4, 5]) await trim.trim({ safeSeq: seq, readSeq: seq, createdMs });
  t.equal(lines.length, 1);
  t.match(JSON.parse(lines[0]!), { level: 50, lane: lane.id, share: Number });
  t.equal(trim.missedTotal, 3, '2, 3 and 4');
  await evaluated(10);
  await trim.trim({ safeSeq: 5, readSeq: 5, createdMs });
  t.equal(lines.length, 2);
  t.match(JSON.parse(lines[1]!), { level: 30 });
});

await t.test(
  'a lane that was made anew is not trimmed by the position in the old one',
  async (t) => {
    const { bus, lane, kept, trimTo } = await filledLane(t, 'anew');
    await t.rejects(trimTo(12), { code: 'stream_replaced' }, 'the stream ends before the position');
    await bus.manager.streams.delete(lane.stream);
    await bus.ensureStreams();
    for (let i = 0; i < 10; i += 1) await bus.publish(lane.subject, Buffer.alloc(10));
    await t.rejects(trimTo(7), { code: 'stream_replaced' });
    t.same(await kept(), [1, 10]);
  },
);
