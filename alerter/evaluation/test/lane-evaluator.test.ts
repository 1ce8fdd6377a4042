import t from 'tap';
import type { Test } from 'tap';
import type { Bus } from '../../../pipeline/bus/bus.ts';
import { StreamReader } from '../../../pipeline/bus/stream-reader.ts';
import { silentLog, testBus, testNats } from '../../../pipeline/embedded/test-servers.ts';
import { until } from '../../../pipeline/embedded/test/until.ts';
import { hexId } from '../../../pipeline/wire/shard.ts';
import { decodeTransitions } from '../../../pipeline/log/record-codec.ts';
import { encodeNumbered, numberOf } from '../../../pipeline/bus/numbered-value.ts';
import { RollcallError } from '../../../pipeline/error.ts';
import { evaluatedSubject, snapshotSubject } from '../../../pipeline/log/positions.ts';
import { AlertBook } from '../alert-book.ts';
import { AlertSnapshot } from '../alert-snapshot.ts';
import { LaneEvaluator } from '../lane-evaluator.ts';
import { LanePosition } from '../lane-position.ts';
import { batchOf, catalogue, frameOf, rules, standIn, target } from './hand-made.ts';

const nats = await testNats(t);
const host = target('web-1');
const load = catalogue(['node_load1']);
const ruleSet = rules(
  '- {alert: High, expr: node_load1 > 5}',
  '- {alert: Slow, expr: node_load1 > 7, for: 10s}',
);

let fleets = 0;
let epochs = 0;

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
  const start = async (on: Bus = bus, know: (book: AlertBook) => void = () => {}) => {
    const book = new AlertBook(300_000);
    const stop = new AbortController();
    epochs += 1;
    const options = { lane, checkpointIntervalMs: 50, epoch: epochs, member: `m${epochs}` };
    const evaluator = new LaneEvaluator({ bus: on, book, log: silentLog }, options, stop.signal);
    await evaluator.recover();
    book.setTarget(host);
    know(book);
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

/** The same, once it says so much. */
async function logOnceThere(bus: Bus, count: number): Promise<string[]> {
  await until(`the log says ${count} things`, async () => (await logOf(bus)).length >= count);
  return logOf(bus);
}

/** A bus that dies at the record of transitions after so many. */
function failingAfter(bus: Bus, records: number): Bus {
  let left = records;
  const publish: Bus['publish'] = async (subject, data, options) => {
    const isRecord = subject.includes('.log.') && decodeTransitions(data).transitions.length > 0;
    if (!isRecord) return bus.publish(subject, data, options);
    if (left === 0) throw new RollcallError('stale', 'killed');
    left -= 1;
    return bus.publish(subject, data, options);
  };
  return standIn(bus, { publish });
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

await t.test('what frames change is in the log before the next frame is looked at', async (t) => {
  const { bus, publish, start } = await fixture(t);
  const { evaluator } = await start();
  await publish(0, 1);
  await publish(5, 8);
  await publish(10, 8);
  await publish(15, 8);
  await publish(20, 1);
  await until('it is evaluated', () => evaluator.counters.messages === 5);
  t.same(await logOnceThere(bus, 5), [
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
    await until('it is evaluated', () => first.evaluator.counters.messages === 1);
    await first.die();
    await publish(5, 8); // nobody evaluates
    const second = await start();
    await publish(10, 8);
    await until('it is evaluated', () => second.evaluator.counters.messages === 2);
    await second.die();
    const third = await start();
    t.equal(third.book.activeCount, 2);
    await publish(15, 1);
    await until(
      'it is evaluated',
      () => third.evaluator.counters.messages >= 1 && third.book.activeCount === 0,
    );
    t.same(await logOnceThere(bus, 5), [
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
  await until('it is evaluated', () => first.evaluator.counters.messages === 1);
  await first.die();
  await publish(5, 6);
  await publish(10, 1);
  const second = await start();
  await until('it is evaluated', () => second.evaluator.counters.messages >= 2);
  t.same(await logOnceThere(bus, 2), ['High inactive>firing', 'High firing>inactive']);
});

await t.test('who was replaced ends before it records anything', async (t) => {
  const { bus, publish, start } = await fixture(t);
  const stale = await start();
  await publish(0, 1);
  await until('it is evaluated', () => stale.evaluator.counters.messages === 1);
  const other = await testBus(t, nats.port, bus.topology.fleet);
  const owner = await start(other);
  await publish(5, 6);
  await t.rejects(stale.running, { code: 'stale' });
  await until('the successor has evaluated it', () => owner.book.activeCount === 1);
  t.same(await logOnceThere(bus, 1), ['High inactive>firing'], 'the page is in the log once');
  await publish(10, 1);
  await until('and goes on', () => owner.book.activeCount === 0);
});

await t.test('who was replaced cannot take the lane again under its old claim', async (t) => {
  const { bus, lane, start } = await fixture(t);
  await start();
  const options = { lane, checkpointIntervalMs: 50, epoch: epochs - 1, member: 'before' };
  const parts = { bus, book: new AlertBook(300_000), log: silentLog };
  const stale = new LaneEvaluator(parts, options, new AbortController().signal);
  await t.rejects(stale.recover(), { code: 'stale' });
});

await t.test('an orderly end leaves all to the successor, however long the log is', async (t) => {
  const { bus, lane, publish, start } = await fixture(t);
  const first = await start();
  await publish(0, 8);
  await until('it is evaluated', () => first.evaluator.counters.messages === 1);
  await first.die();
  t.equal(await first.running, undefined, 'it ended in peace');
  const position = await bus.last(bus.topology.stateStream, evaluatedSubject(bus, lane.id));
  t.equal(numberOf(position!.data), 1);
  const { state } = await bus.streamInfo(bus.topology.logStream);
  await bus.trim(bus.topology.logStream, state.last_seq + 1);
  const second = await start();
  t.equal(second.book.activeCount, 2, 'recovered although the log is gone');
  await publish(5, 8);
  await publish(10, 8);
  await until('it goes on', () => second.evaluator.counters.messages === 2);
  t.same(await logOnceThere(bus, 1), ['Slow pending>firing'], '"for" kept its progress');
});

await t.test('a log that was trimmed to its end is no sign of a successor', async (t) => {
  const { bus, publish, start } = await fixture(t);
  const { evaluator, book } = await start();
  await publish(0, 8);
  await until('it is evaluated', () => evaluator.counters.messages === 1);
  const { state } = await bus.streamInfo(bus.topology.logStream);
  await bus.trim(bus.topology.logStream, state.last_seq + 1);
  await publish(5, 1);
  await until('it goes on', () => book.activeCount === 0);
  t.same(await logOnceThere(bus, 2), ['High firing>inactive', 'Slow pending>inactive']);
});

await t.test(
  'a lane that was deleted and made again is evaluated from its beginning',
  async (t) => {
    const { bus, lane, publish, start } = await fixture(t);
    const { evaluator, book } = await start();
    for (const second of [0, 5, 10]) await publish(second, 1);
    await until('it is evaluated', () => evaluator.counters.messages === 3);
    await bus.manager.streams.delete(lane.stream);
    await bus.ensureStreams();
    await publish(15, 6);
    await until('it goes on', () => book.activeCount === 1);
    t.same(await logOnceThere(bus, 1), ['High inactive>firing']);
    await publish(20, 1);
    await until('it is over', () => book.activeCount === 0);
    await publish(25, 6);
    await until('it is evaluated', () => evaluator.counters.messages === 6);
    const successor = await start();
    t.equal(successor.book.activeCount, 1, 'places of the old lane do not mislead the successor');
    await publish(30, 1);
    await until('it is over', () => successor.book.activeCount === 0);
    t.equal(successor.evaluator.counters.missedMessages, 0);
  },
);

await t.test('more transitions than a record holds survive a death in between', async (t) => {
  const { bus, lane, start } = await fixture(t);
  const hosts = Array.from({ length: 500 }, (_, i) => target(`many-${i}`));
  const know = (book: AlertBook): void => hosts.forEach((one) => book.setTarget(one));
  const batch = (seq: number, value: number): Promise<number> => {
    const frames = hosts.map((one) => frameOf(one, seq, 5000 * seq, load, [value]));
    return bus.publish(lane.subject, batchOf(load, ...frames));
  };
  const first = await start(failingAfter(bus, 1), know);
  await batch(1, 6);
  await t.rejects(first.running, { message: 'killed' });
  t.equal((await logOf(bus)).length, 300, 'it died after the first record');
  const second = await start(bus, know);
  await until('the rest is there', () => second.book.activeCount === 500);
  await batch(2, 1);
  await until('all are over', () => second.book.activeCount === 0);
  const told = await logOnceThere(bus, 1000);
  t.equal(told.length, 1000);
  t.ok(told.slice(0, 500).every((line) => line === 'High inactive>firing'));
});

/** A host with so many labels of a kilobyte. */
const fat = (name: string, labels: number) =>
  target(
    name,
    Object.fromEntries(Array.from({ length: labels }, (_, i) => [`l${i}`, 'x'.repeat(1024)])),
  );

await t.test('however large the labels are, records and snapshots fit NATS', async (t) => {
  const { bus, lane, start } = await fixture(t);
  const hosts = Array.from({ length: 40 }, (_, i) => fat(`fat-${i}`, 60));
  const know = (book: AlertBook): void => hosts.forEach((one) => book.setTarget(one));
  const batch = (seq: number, value: number): Promise<number> => {
    const frames = hosts.map((one) => frameOf(one, seq, 5000 * seq, load, [value]));
    return bus.publish(lane.subject, batchOf(load, ...frames));
  };
  const first = await start(failingAfter(bus, 2), know);
  await batch(1, 6);
  await t.rejects(first.running, { message: 'killed' });
  const begun = (await logOf(bus)).length;
  t.ok(begun > 2 && begun < 40, `${begun} in two records`);
  const second = await start(bus, know);
  await until('the rest is there', () => second.book.activeCount === 40);
  await until('the log has it', async () => (await logOf(bus)).length === 40);
  await second.die();
  const { state } = await bus.streamInfo(bus.topology.logStream);
  await bus.trim(bus.topology.logStream, state.last_seq + 1);
  const third = await start(bus, know);
  t.equal(third.book.activeCount, 40, 'the snapshot has all of them');
  await batch(2, 1);
  await until('all are over', () => third.book.activeCount === 0);
  t.equal((await logOnceThere(bus, 40)).length, 40);
  t.equal(third.evaluator.counters.lostTransitions, 0);
});

await t.test('a record that is larger than NATS takes is lost, and the lane goes on', async (t) => {
  const { bus, lane, publish, start } = await fixture(t);
  const huge = fat('huge', 30);
  const small = standIn(bus, { payloadBytesMax: 16_384 });
  const { evaluator, book, die } = await start(small, (known) => known.setTarget(huge));
  await bus.publish(lane.subject, batchOf(load, frameOf(huge, 1, 0, load, [6])));
  await until('it is given up', () => evaluator.counters.lostTransitions === 1);
  await publish(5, 6);
  await until('the next is recorded', () => book.activeCount === 2);
  t.same(await logOnceThere(bus, 1), ['High inactive>firing']);
  t.equal(evaluator.counters.retries, 0, 'it was not tried again');
  const written = async () => {
    const value = await bus.last(bus.topology.stateStream, evaluatedSubject(bus, lane.id));
    return numberOf(value!.data);
  };
  await until('the position moves', async () => (await written()) === 2);
  await publish(10, 1);
  await until('it goes on', () => book.activeCount === 1);
  await die();
  t.equal(await written(), 3, 'although the snapshot would not fit either');
});

await t.test('what was evaluated of a trimmed message is not skipped in the next', async (t) => {
  const { bus, lane, start } = await fixture(t);
  const hosts = Array.from({ length: 200 }, (_, i) => target(`trimmed-${i}`));
  const know = (book: AlertBook): void => hosts.forEach((one) => book.setTarget(one));
  const frames = hosts.map((one) => frameOf(one, 1, 5000, load, [8]));
  const first = await start(failingAfter(bus, 1), know);
  await bus.publish(lane.subject, batchOf(load, ...frames));
  await t.rejects(first.running, { message: 'killed' });
  await bus.trim(lane.stream, 2);
  // A stopwatch has to be recorded, since the first host was restarted, and then the second's alerts end.
  const batch = batchOf(
    frameOf(hosts[0]!, 1, 10_000, load, [8], 2n),
    frameOf(hosts[1]!, 2, 10_000, load, [1]),
  );
  await bus.publish(lane.subject, batch);
  const second = await start(failingAfter(bus, 0), know);
  await t.rejects(second.running, { message: 'killed' });
  await start(bus, know);
  const told = await logOnceThere(bus, 302);
  t.same(told.slice(300), ['High firing>inactive', 'Slow pending>inactive']);
});

await t.test(
  'a lane whose numbers NATS gave out again is evaluated from its beginning',
  async (t) => {
    const { bus, lane, publish, start } = await fixture(t);
    await publish(1, 1);
    const first = await start();
    await until('the first message is evaluated', () => first.evaluator.counters.messages === 1);
    await first.die();
    await publish(2, 9);
    await publish(3, 9);
    // The position says that three messages were evaluated; but the third was another one then.
    epochs += 1;
    const position = new LanePosition(bus, lane.id, { epoch: epochs, member: 'before' });
    const arrivalMs = (await bus.publishedAtMs(lane.stream, 3))! - 5000;
    await position.take((place) => ({ ...place!, laneSeq: 3, laneMs: arrivalMs, arrivalMs }));
    const second = await start();
    await until('the breach is found', () => second.book.activeCount > 0);
    await second.die();
  },
);

await t.test('a state that cannot be read is named, and what to do about it', async (t) => {
  const { bus, lane, start } = await fixture(t);
  const first = await start();
  await first.die();
  const owner = { epoch: epochs + 1, member: 'm' };
  for (const data of [Buffer.from('x'), encodeNumbered(1, Buffer.from('{')), encodeNumbered(NaN)]) {
    const position = evaluatedSubject(bus, lane.id);
    await bus.publish(position, data);
    const reading = new LanePosition(bus, lane.id, owner).read();
    await t.rejects(reading, { code: 'state_unreadable', message: `purge` });
    await t.rejects(reading, { message: `--subject '${position}'` });
    await bus.publish(snapshotSubject(bus, lane.id), data);
    const loading = new AlertSnapshot(bus, lane.id, owner).load();
    await t.rejects(loading, { code: 'state_unreadable' });
  }
  const head = Buffer.from(JSON.stringify({ side: 'bad', chunks: 1 }));
  await bus.publish(snapshotSubject(bus, lane.id), encodeNumbered(1, head));
  await bus.publish(bus.topology.stateSubject('alerts', lane.id, 'bad', '0'), Buffer.from('x'));
  const loading = new AlertSnapshot(bus, lane.id, owner).load();
  const all = bus.topology.stateSubject('alerts', lane.id, '>');
  await t.rejects(loading, { code: 'state_unreadable', message: `--subject '${all}'` });
});

await t.test('a snapshot in chunks is replaced as a whole, and the old one goes', async (t) => {
  const { bus, lane, publish, start } = await fixture(t);
  const first = await start();
  await publish(0, 8);
  await until('it is evaluated', () => first.evaluator.counters.messages === 1);
  await first.die();
  const [alert] = [...first.book.active()];
  const [stopwatch] = [...first.book.stopwatches()];
  const names = Array.from({ length: 1200 }, (_, i) => ({ seriesKey: `x${i}` }));
  const many = {
    logSeq: 1,
    place: { laneSeq: 1, streamId: 7, laneMs: 3, arrivalMs: 4 },
    alerts: names.map((name) => ({ ...alert!, ...name })),
    stopwatches: names.map((name) => ({ ...stopwatch!, ...name })),
  };
  const snapshot = new AlertSnapshot(bus, lane.id, { epoch: epochs + 1, member: 'm' });
  await snapshot.save(many);
  t.same(await snapshot.load(), many);
  const few = {
    ...many,
    alerts: many.alerts.slice(0, 2),
    stopwatches: many.stopwatches.slice(0, 2),
  };
  await snapshot.save(few);
  t.same(await snapshot.load(), few);
  const pattern = bus.topology.stateSubject('alerts', lane.id, '>');
  t.equal((await bus.subjects(bus.topology.stateStream, pattern)).length, 2, 'head and one chunk');

  const stale = new AlertSnapshot(bus, lane.id, { epoch: epochs, member: 'stale' });
  await t.rejects(stale.save(many), { code: 'stale' });
  t.same(await snapshot.load(), few, 'who was replaced changes nothing');
  epochs += 1;
});

await t.test('garbage and frames without a catalogue do not stop the lane', async (t) => {
  const { bus, lane, publish, start } = await fixture(t);
  const { evaluator } = await start();
  await bus.publish(lane.subject, Buffer.from('garbage'));
  const stranger = catalogue(['unheard_of']);
  await bus.publish(lane.subject, batchOf(frameOf(host, 1, 1000, stranger, [1], 7n)));
  await publish(5, 6);
  await until('it is evaluated', () => evaluator.counters.messages === 3);
  t.equal(evaluator.counters.badBatches, 1);
  t.equal(evaluator.counters.unknownCatalogueFrames, 1);
  t.same(await logOnceThere(bus, 1), ['High inactive>firing']);
});
