import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Test } from 'tap';
import type { Bus } from '../../../pipeline/bus/bus.ts';
import { StreamReader } from '../../../pipeline/bus/stream-reader.ts';
import { silentLog, testBus, testNats } from '../../../pipeline/embedded/test-servers.ts';
import { hexId } from '../../../pipeline/wire/shard.ts';
import { decodeTransitions } from '../../../pipeline/log/record-codec.ts';
import { AlertBook } from '../alert-book.ts';
import { AlertSnapshot } from '../alert-snapshot.ts';
import { LaneEvaluator } from '../lane-evaluator.ts';
import { batchOf, catalogue, frameOf, rules, target } from './hand-made.ts';

const nats = await testNats(t);
const host = target('web-1');
const load = catalogue(['node_load1']);
const ruleSet = rules(
  '- {alert: High, expr: node_load1 > 5}',
  '- {alert: Slow, expr: node_load1 > 7, for: 10s}',
);

let fleets = 0;

async function fixture(t: Test) {
  fleets += 1;
  const bus = await testBus(t, nats.port, `lane${fleets}`);
  const lane = bus.topology.lane(0);
  // As the collector does it: a successor finds the catalogue where it is compacted.
  await bus.publish(bus.topology.catalogueSubject(hexId(load.hash)), load.payload);
  let seq = 0;
  const publish = async (second: number, value: number): Promise<void> => {
    seq += 1;
    const frame = frameOf(host, seq, 1000 * second, load, [value]);
    const batch = seq === 1 ? batchOf(load, frame) : batchOf(frame);
    await bus.publish(lane.subject, batch);
  };
  const start = async (on: Bus = bus) => {
    const book = new AlertBook(300_000);
    const stop = new AbortController();
    const options = { lane, checkpointIntervalMs: 50 };
    const evaluator = new LaneEvaluator({ bus: on, book, log: silentLog }, options, stop.signal);
    await evaluator.recover();
    book.setTarget(host);
    await evaluator.change(() => book.dropUnconfirmed());
    await evaluator.change(() => book.setRules(ruleSet));
    const running = evaluator.run();
    running.catch(() => undefined);
    t.teardown(() => stop.abort());
    const die = async (): Promise<void> => {
      stop.abort();
      await running.catch(() => undefined);
    };
    return { book, evaluator, running, die };
  };
  return { bus, lane, publish, start };
}

/** Everything the log says, as `alert previous>state`. */
async function logOf(bus: Bus): Promise<string[]> {
  const { state } = await bus.streamInfo(bus.topology.logStream);
  if (state.messages === 0) return [];
  const reader = new StreamReader(bus, { stream: bus.topology.logStream, from: 1 });
  const told: string[] = [];
  for await (const { seq, data } of reader) {
    for (const { alert, previous, state: now } of decodeTransitions(data).transitions) {
      told.push(`${alert} ${previous}>${now}`);
    }
    if (seq >= state.last_seq) break;
  }
  return told;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}

await t.test('what frames change is in the log before the next frame is looked at', async (t) => {
  const { bus, publish, start } = await fixture(t);
  const { evaluator } = await start();
  await publish(0, 1);
  await publish(5, 8);
  await publish(10, 8);
  await publish(15, 8);
  await publish(20, 1);
  await until(() => evaluator.counters.messages === 5);
  t.same(await logOf(bus), [
    'High inactive>firing',
    'Slow inactive>pending',
    'Slow pending>firing',
    'High firing>inactive',
    'Slow firing>inactive',
  ]);
});

await t.test(
  'a successor goes on where the predecessor died, whatever the alert’s state',
  async (t) => {
    const { bus, publish, start } = await fixture(t);
    const first = await start();
    await publish(0, 8);
    await until(() => first.evaluator.counters.messages === 1);
    await first.die();
    await publish(5, 8); // nobody evaluates
    const second = await start();
    await publish(10, 8);
    await until(() => second.evaluator.counters.messages === 2);
    await second.die();
    const third = await start();
    t.equal(third.book.activeCount, 2);
    await publish(15, 1);
    await until(() => third.evaluator.counters.messages >= 1 && third.book.activeCount === 0);
    t.same(await logOf(bus), [
      'High inactive>firing',
      'Slow inactive>pending',
      'Slow pending>firing',
      'High firing>inactive',
      'Slow firing>inactive',
    ]);
  },
);

await t.test('a breach that began and ended while nobody evaluated is told', async (t) => {
  const { bus, publish, start } = await fixture(t);
  const first = await start();
  await publish(0, 1);
  await until(() => first.evaluator.counters.messages === 1);
  await first.die();
  await publish(5, 6);
  await publish(10, 1);
  const second = await start();
  await until(() => second.evaluator.counters.messages >= 2);
  t.same(await logOf(bus), ['High inactive>firing', 'High firing>inactive']);
});

await t.test('a stale evaluator is fenced by the log', async (t) => {
  const { bus, publish, start } = await fixture(t);
  const stale = await start();
  await publish(0, 1);
  await until(() => stale.evaluator.counters.messages === 1);
  const other = await testBus(t, nats.port, bus.topology.fleet);
  const owner = await start(other);
  await publish(5, 6);
  await until(() => owner.book.activeCount === 1 && stale.book.activeCount === 1);
  const ends = await Promise.race([
    Promise.all([stale.running, owner.running]).catch((error: { code: string }) => error.code),
    sleep(20_000, 'both went on'),
  ]);
  t.equal(ends, 'stale', 'one of the two has lost the race and ends');
  t.same(await logOf(bus), ['High inactive>firing'], 'the page is in the log once');
});

await t.test('a snapshot in chunks shortens the log that must be read', async (t) => {
  const { bus, publish, start } = await fixture(t);
  const first = await start();
  await publish(0, 8);
  await until(() => first.evaluator.counters.messages === 1);
  await first.die();
  const snapshot = new AlertSnapshot(bus, first.evaluator.laneId);
  const [alert] = [...first.book.active()];
  const many = Array.from({ length: 1200 }, (_, i) => ({ ...alert!, seriesKey: `x${i}` }));
  const { state } = await bus.streamInfo(bus.topology.logStream);
  await snapshot.save({ logSeq: state.last_seq, alerts: many });
  t.same(await snapshot.load(), { logSeq: state.last_seq, alerts: many });
  await snapshot.save({ logSeq: state.last_seq, alerts: [...first.book.active()] });
  await bus.trim(bus.topology.logStream, state.last_seq + 1);
  const second = await start();
  t.equal(second.book.activeCount, 2, 'recovered although the log is gone');
});

await t.test('garbage and frames without a catalogue do not stop the lane', async (t) => {
  const { bus, lane, publish, start } = await fixture(t);
  const { evaluator } = await start();
  await bus.publish(lane.subject, Buffer.from('garbage'));
  const stranger = catalogue(['unheard_of']);
  await bus.publish(lane.subject, batchOf(frameOf(host, 1, 1000, stranger, [1], 7n)));
  await publish(5, 6);
  await until(() => evaluator.counters.messages === 3);
  t.equal(evaluator.counters.badBatches, 1);
  t.equal(evaluator.counters.unknownCatalogueFrames, 1);
  t.same(await logOf(bus), ['High inactive>firing']);
});
