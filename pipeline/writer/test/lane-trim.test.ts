import t from 'tap';
import type { Test } from 'tap';
import { Bus } from '../../bus/bus.ts';
import { encodeNumbered } from '../../bus/numbered-value.ts';
import { testBusOptions, testNats } from '../../embedded/test-servers.ts';
import { evaluatedSubject } from '../../log/positions.ts';
import { trimLane } from '../lane-trim.ts';

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
  return { bus, lane, evaluated, kept };
}

await t.test('what writer and alerter are both done with is trimmed', async (t) => {
  const { bus, lane, evaluated, kept } = await filledLane(t, 'both');
  await evaluated(8);
  await trimLane(bus, lane, 5);
  t.same(await kept(), [5, 10], 'the writer is behind');
  await trimLane(bus, lane, 10);
  t.same(await kept(), [9, 10], 'the alerter is behind: it has evaluated up to 8');
  await evaluated(10);
  await trimLane(bus, lane, 11);
  t.same(await kept(), [11, 10], 'both are done: nothing is left');
  await trimLane(bus, lane, 11);
  t.equal(await bus.publish(lane.subject, Buffer.from('x')), 11, 'sequences go on');
});

await t.test('what the alerter has not evaluated is kept while there is room', async (t) => {
  const { bus, lane, evaluated, kept } = await filledLane(t, 'kept');
  await evaluated(0);
  await trimLane(bus, lane, 11);
  t.same(await kept(), [1, 10]);
  await evaluated(2);
  await trimLane(bus, lane, 11);
  t.same(await kept(), [3, 10]);
});

await t.test('an alerter that lags in a full lane is not waited for', async (t) => {
  const { bus, lane, evaluated, kept } = await filledLane(t, 'full', 8 * 1024);
  await evaluated(2);
  await trimLane(bus, lane, 8);
  t.same(await kept(), [8, 10], 'but nothing that is not stored goes');
  await trimLane(bus, lane, 8);
  t.same(await kept(), [8, 10]);
});

await t.test('without any alerter the writer alone decides', async (t) => {
  const { bus, lane, kept } = await filledLane(t, 'alone');
  await trimLane(bus, lane, 1);
  t.same(await kept(), [1, 10]);
  await trimLane(bus, lane, 7);
  t.same(await kept(), [7, 10]);
  await trimLane(bus, lane, 3);
  t.same(await kept(), [7, 10], 'a position that is behind trims nothing');
});
