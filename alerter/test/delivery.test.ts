import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Test } from 'tap';
import type { Bus } from '../../pipeline/bus/bus.ts';
import { silentLog, testBus, testNats } from '../../pipeline/embedded/test-servers.ts';
import { encodeNumbered, payloadOf } from '../../pipeline/bus/numbered-value.ts';
import { notifiedSubject } from '../../pipeline/log/positions.ts';
import { decodeNotification, encodeRecord } from '../../pipeline/log/record-codec.ts';
import type { Transition } from '../../pipeline/log/transition.ts';
import { DeliveryPosition } from '../delivery-position.ts';
import { Delivery } from '../delivery.ts';
import type { Notification } from '../notify/notification.ts';
import type { DeliveryOutcome, Receiver } from '../notify/receiver.ts';

const nats = await testNats(t);
let fleets = 0;

async function newBus(t: Test): Promise<Bus> {
  fleets += 1;
  return testBus(t, nats.port, `delivery${fleets}`);
}

/** A receiver in this process, whose answers the test decides. */
class ScriptedReceiver implements Receiver {
  readonly name: string;
  readonly got: Notification[] = [];
  answer: () => DeliveryOutcome | Promise<DeliveryOutcome> = () => {
    return { kind: 'delivered', detail: 'ok' };
  };

  constructor(name: string) {
    this.name = name;
  }

  async deliver(notification: Notification): Promise<DeliveryOutcome> {
    const outcome = await this.answer();
    this.got.push(notification);
    return outcome;
  }

  get alertnames(): string[] {
    return this.got.map(({ alertname, status }) => `${alertname} ${status}`);
  }
}

async function append(bus: Bus, alert: string, state: Transition['state']): Promise<void> {
  await appendAll(bus, [alert], state);
}

/** One record of the log, with a transition of each alert. */
async function appendAll(
  bus: Bus,
  alerts: readonly string[],
  state: Transition['state'],
): Promise<void> {
  const transitions = alerts.map((alert) => transitionOf(alert, state));
  const record = encodeRecord({ lane: '2x0', laneSeq: 1, transitions });
  await bus.publish(bus.topology.transitionsSubject('2x0'), record);
}

function transitionOf(alert: string, state: Transition['state']): Transition {
  return {
    alert,
    state,
    previous: state === 'inactive' ? 'firing' : 'pending',
    reason: 'condition',
    ruleKey: 'r',
    seriesKey: 's',
    fingerprint: '00000000000000a1',
    targetId: '0000000000000001',
    timeMs: 1000,
    activeAtMs: 500,
    firedAtMs: 1000,
    value: NaN,
    labels: { alertname: alert },
    annotations: {},
  };
}

let epochs = 0;

/** A delivery as an alerter begins it that has just got the receiver, under the next epoch. */
async function start(t: Test, bus: Bus, receiver: Receiver) {
  const stop = new AbortController();
  epochs += 1;
  const options = { retryBackoffMsMin: 5, retryBackoffMsMax: 20, epoch: epochs };
  const delivery = new Delivery({ bus, receiver, log: silentLog }, options, stop.signal);
  await DeliveryPosition.begin(bus, receiver.name);
  let failure: unknown;
  const running = delivery.run().catch((error: unknown) => (failure = error));
  t.teardown(() => stop.abort());
  return { delivery, running, stop, failure: () => failure };
}

/** Until then the owner before may still send. */
async function untilTaken(bus: Bus, receiver: string, epoch: number): Promise<void> {
  for (;;) {
    const found = await bus.last(bus.topology.stateStream, notifiedSubject(bus, receiver));
    const detail = found && Buffer.from(payloadOf(found.data)).toString();
    if (detail && (JSON.parse(detail) as { epoch: number }).epoch === epoch) return;
    await sleep(10);
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10);
}

await t.test('pages come in order, and what became of each is in the log', async (t) => {
  const bus = await newBus(t);
  await append(bus, 'Old', 'firing');
  const receiver = new ScriptedReceiver('web');
  const { delivery } = await start(t, bus, receiver);
  await append(bus, 'A', 'pending');
  await append(bus, 'A', 'firing');
  await append(bus, 'A', 'inactive');
  await until(() => delivery.counters.delivered === 2);
  t.same(receiver.alertnames, ['A firing', 'A resolved'], 'a new receiver hears what is new');
  const subject = bus.topology.notificationsSubject('web');
  await until(() => delivery.counters.pending === 0);
  const last = await bus.last(bus.topology.logStream, subject);
  t.match(decodeNotification(last!.data), {
    status: 'resolved',
    outcome: 'delivered',
    attempts: 1,
  });
});

await t.test('a page that was not delivered survives the alerter, with the same key', async (t) => {
  const bus = await newBus(t);
  const receiver = new ScriptedReceiver('web');
  receiver.answer = () => ({ kind: 'retry', detail: 'status 500' });
  const first = await start(t, bus, receiver);
  await append(bus, 'A', 'firing');
  await until(() => receiver.got.length >= 3);
  first.stop.abort();
  await first.running;
  const key = receiver.got[0]!.key;
  receiver.got.length = 0;
  receiver.answer = () => ({ kind: 'delivered', detail: 'ok' });
  const second = await start(t, bus, receiver);
  await until(() => second.delivery.counters.delivered === 1);
  t.equal(receiver.got[0]!.key, key);
  second.stop.abort();
  await second.running;
  receiver.got.length = 0;
  const third = await start(t, bus, receiver);
  await append(bus, 'B', 'firing');
  await until(() => third.delivery.counters.delivered === 1);
  t.same(receiver.alertnames, ['B firing'], 'what was delivered is not sent again');
});

await t.test('a receiver that hangs or refuses delays nobody else', async (t) => {
  const bus = await newBus(t);
  const hanging = new ScriptedReceiver('hanging');
  hanging.answer = () => new Promise(() => undefined);
  const refusing = new ScriptedReceiver('refusing');
  refusing.answer = () => ({ kind: 'rejected', detail: 'status 400' });
  const good = new ScriptedReceiver('good');
  await start(t, bus, hanging);
  const { delivery } = await start(t, bus, refusing);
  await start(t, bus, good);
  await append(bus, 'A', 'firing');
  await append(bus, 'B', 'firing');
  await until(() => good.got.length === 2);
  await until(() => delivery.counters.rejected === 2);
  t.same(hanging.got, []);
});

await t.test(
  'of a record with several pages those that are delivered are not repeated',
  async (t) => {
    const bus = await newBus(t);
    const receiver = new ScriptedReceiver('web');
    const answers: DeliveryOutcome[] = [
      { kind: 'delivered', detail: 'ok' },
      { kind: 'delivered', detail: 'ok' },
    ];
    receiver.answer = () => answers.shift() ?? { kind: 'retry', detail: 'status 500' };
    const first = await start(t, bus, receiver);
    await appendAll(bus, ['A', 'B', 'C', 'D'], 'firing');
    await until(() => receiver.got.length >= 4);
    first.stop.abort();
    await first.running;
    receiver.got.length = 0;
    receiver.answer = () => ({ kind: 'delivered', detail: 'ok' });
    const second = await start(t, bus, receiver);
    await until(() => second.delivery.counters.delivered === 2);
    t.same(receiver.alertnames, ['C firing', 'D firing']);
  },
);

await t.test('who has lost the receiver sends nothing, whatever he has in hand', async (t) => {
  const bus = await newBus(t);
  const asleep = new ScriptedReceiver('web');
  const { promise: woken, resolve: wake } = Promise.withResolvers<DeliveryOutcome>();
  const stale = await start(t, bus, asleep);
  await append(bus, 'A', 'firing');
  await until(() => stale.delivery.counters.delivered === 1);
  asleep.answer = () => woken;
  const awake = new ScriptedReceiver('web');
  const owner = await start(t, bus, awake);
  await untilTaken(bus, 'web', epochs);
  await appendAll(bus, ['B', 'C'], 'firing');
  await until(() => owner.delivery.counters.delivered === 2);
  await stale.running;
  wake({ kind: 'delivered', detail: 'ok' });
  t.match(stale.failure(), { code: 'stale' });
  t.same(asleep.alertnames, ['A firing']);
  t.same(awake.alertnames, ['B firing', 'C firing']);
});

await t.test('who loses the receiver while he tries again does not try any more', async (t) => {
  const bus = await newBus(t);
  const failing = new ScriptedReceiver('web');
  failing.answer = () => ({ kind: 'retry', detail: 'status 500' });
  const stale = await start(t, bus, failing);
  await append(bus, 'A', 'firing');
  await until(() => failing.got.length >= 2);
  const working = new ScriptedReceiver('web');
  const owner = await start(t, bus, working);
  await append(bus, 'A', 'inactive');
  await until(() => owner.delivery.counters.delivered === 2);
  t.same(working.alertnames, ['A firing', 'A resolved']);
  failing.got.length = 0;
  failing.answer = () => ({ kind: 'delivered', detail: 'ok' });
  await stale.running;
  t.match(stale.failure(), { code: 'stale' });
  t.same(failing.got, [], 'nothing was sent after the new owner had sent it');
});

await t.test('what was trimmed away from a receiver that hangs is counted', async (t) => {
  const bus = await newBus(t);
  const receiver = new ScriptedReceiver('web');
  const { promise: answered, resolve: answer } = Promise.withResolvers<DeliveryOutcome>();
  receiver.answer = () => answered;
  const { delivery } = await start(t, bus, receiver);
  await append(bus, 'First', 'firing');
  await until(() => delivery.counters.pending === 1);
  // More than are fetched at once.
  for (let i = 0; i < 300; i += 1) await append(bus, `A${i}`, 'firing');
  const { state } = await bus.streamInfo(bus.topology.logStream);
  await bus.trim(bus.topology.logStream, state.last_seq + 1);
  await append(bus, 'Last', 'firing');
  receiver.answer = () => ({ kind: 'delivered', detail: 'ok' });
  answer({ kind: 'delivered', detail: 'ok' });
  await until(() => receiver.alertnames.includes('Last firing'));
  const { missed } = delivery.counters;
  t.ok(missed > 0);
  t.equal(missed + receiver.got.length, 302, 'each was delivered or is counted');
});

await t.test('records of other kinds between two pages are not missed ones', async (t) => {
  const bus = await newBus(t);
  const receiver = new ScriptedReceiver('web');
  const { delivery } = await start(t, bus, receiver);
  for (const alert of ['A', 'B', 'C']) {
    const { delivered } = delivery.counters;
    await append(bus, alert, 'firing');
    await until(() => delivery.counters.delivered > delivered);
  }
  await until(() => delivery.counters.pending === 0);
  t.equal(delivery.counters.missed, 0);
});

await t.test('a position that cannot be read is named, and waited for', async (t) => {
  const bus = await newBus(t);
  const subject = notifiedSubject(bus, 'web');
  for (const data of [Buffer.from('x'), encodeNumbered(-1), encodeNumbered(1, Buffer.from('{}'))]) {
    await bus.publish(subject, data);
    const taking = new DeliveryPosition(bus, 'web', 7).take();
    await t.rejects(taking, { code: 'state_unreadable', message: `--subject '${subject}'` });
  }
  const receiver = new ScriptedReceiver('web');
  const { delivery } = await start(t, bus, receiver);
  await append(bus, 'A', 'firing');
  await bus.trim(bus.topology.stateStream, Number.MAX_SAFE_INTEGER, subject);
  await until(() => delivery.counters.delivered === 1);
  t.same(receiver.alertnames, ['A firing'], 'once it is deleted all that is there is told');
});

await t.test('a member with a lower epoch does not get the receiver', async (t) => {
  const bus = await newBus(t);
  await DeliveryPosition.begin(bus, 'web');
  await new DeliveryPosition(bus, 'web', 7).take();
  await t.rejects(new DeliveryPosition(bus, 'web', 6).take(), { code: 'stale' });
  const again = new DeliveryPosition(bus, 'web', 8);
  t.same(await again.take(), { seq: 0, done: 0 });
  await again.write({ seq: 5, done: 1 });
  t.same(await new DeliveryPosition(bus, 'web', 9).take(), { seq: 5, done: 1 });
  await t.rejects(again.write({ seq: 6, done: 0 }), { code: 'stale' });
});
