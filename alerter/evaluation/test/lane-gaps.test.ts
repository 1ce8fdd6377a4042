import t from 'tap';
import { silentLog, testBus, testNats } from '../../../pipeline/embedded/test-servers.ts';
import { LaneEvaluatorCounters } from '../lane-counters.ts';
import { LaneGaps } from '../lane-gaps.ts';

const nats = await testNats(t);

await t.test('messages that are there are asked for again, once', async (t) => {
  const bus = await testBus(t, nats.port);
  const { stream, subject } = bus.topology.lane(0);
  for (let seq = 1; seq <= 9; seq += 1) await bus.publish(subject, Buffer.from('x'));
  const counters = new LaneEvaluatorCounters();
  const gaps = new LaneGaps({ bus, log: silentLog, counters }, stream);

  t.equal(await gaps.mustReadAgain(0, 3), false, 'a lane may begin anywhere');
  t.equal(await gaps.mustReadAgain(2, 3), false);
  t.equal(await gaps.mustReadAgain(3, 6), true);
  t.equal(await gaps.mustReadAgain(3, 6), false, 'it was in vain');
  gaps.passed(3, 6);
  t.equal(counters.missedMessages, 2);

  await bus.trim(stream, 8);
  t.equal(await gaps.mustReadAgain(6, 8), false, 'what was trimmed is no more');
  t.equal(await gaps.mustReadAgain(6, 9), true, 'but some of it is there');
  gaps.passed(6, 8);
  gaps.passed(8, 9);
  t.equal(counters.missedMessages, 3);
});
