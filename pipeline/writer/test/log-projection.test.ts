import { getEventListeners } from 'node:events';
import t from 'tap';
import type { Test } from 'tap';
import {
  silentLog,
  testBus,
  testClickHouse,
  testNats,
  testStore,
} from '../../embedded/test-servers.ts';
import { until } from '../../embedded/test/until.ts';
import { encodeNumbered } from '../../bus/numbered-value.ts';
import type { NotificationRecord } from '../../log/notification-record.ts';
import { notifiedSubject, snapshotSubject } from '../../log/positions.ts';
import { encodeRecord } from '../../log/record-codec.ts';
import type { Transition, TransitionRecord } from '../../log/transition.ts';
import { Store } from '../../store/store.ts';
import { LogProjection } from '../log-projection.ts';
import { ProjectedLog } from '../projected-log.ts';

const nats = await testNats(t);
const clickhouse = await testClickHouse(t);
const START_MS = Date.now();

function transition(n: number, changes: Partial<Transition> = {}): Transition {
  return {
    alert: 'HostDown',
    state: 'firing',
    previous: 'pending',
    reason: 'condition',
    ruleKey: 'rule',
    seriesKey: 'up',
    fingerprint: n.toString(16).padStart(16, '0'),
    targetId: 'ffffffffffffffff',
    timeMs: START_MS + n,
    activeAtMs: START_MS - 60_000,
    firedAtMs: START_MS,
    value: n / 3,
    labels: { alertname: 'HostDown', instance: `größer "☃" ${n}\n` },
    annotations: { summary: "it's down" },
    ...changes,
  };
}

function notification(n: number): NotificationRecord {
  return {
    receiver: n % 2 === 0 ? 'ops' : 'mail',
    key: `key-${n}`,
    groupKey: `group-${n}`,
    status: 'firing',
    alertname: 'HostDown',
    alerts: n,
    attempts: 2,
    outcome: n % 3 === 0 ? 'rejected' : 'delivered',
    detail: `it's "${n}"`,
    timeMs: START_MS + n,
  };
}

/** When a row was stored is no part of it. */
function undated(rows: readonly object[]): object[] {
  return rows.map((row) => ({ ...row, stored_at: '' }));
}

async function fixture(t: Test, fleet: string) {
  const bus = await testBus(t, nats.port, fleet);
  const store = await testStore(t, clickhouse.port, fleet);
  let epoch = 0;
  const project = () => {
    epoch += 1;
    const stop = new AbortController();
    const identity = { epoch, writer: `writer-${epoch}` };
    const projection = new LogProjection({ bus, store, log: silentLog }, identity);
    const ended = projection.run(stop.signal).then(
      () => undefined,
      (error: unknown) => (stop.signal.aborted ? undefined : error),
    );
    const end = async (): Promise<unknown> => {
      stop.abort();
      return ended;
    };
    t.teardown(end);
    return { projection, ended, end };
  };
  const record = (transitions: readonly Transition[], laneSeq = 1): Promise<number> => {
    const message: TransitionRecord = { lane: '2x0', laneSeq, transitions };
    return bus.publish(bus.topology.transitionsSubject('2x0'), encodeRecord(message));
  };
  const notify = (n: number): Promise<number> => {
    const value = notification(n);
    return bus.publish(bus.topology.notificationsSubject(value.receiver), encodeRecord(value));
  };
  const transitions = () =>
    store.rows<{ fingerprint: string; log_seq: string; position: number }>(
      'SELECT * FROM alert_transitions FINAL ORDER BY log_seq, position',
    );
  const notifications = () =>
    store.rows<{ group_key: string }>('SELECT * FROM notifications FINAL ORDER BY log_seq');
  return { bus, store, project, record, notify, transitions, notifications };
}

await t.test('transitions and notifications are stored as they are', async (t) => {
  const { store, project, record, notify, transitions, notifications } = await fixture(t, 'stored');
  await record([transition(1), transition(2, { state: 'pending', reason: 'stale', value: NaN })]);
  await notify(4);
  await record([]);
  const odd = [Infinity, -Infinity, 1e300, -0.1];
  await record(odd.map((value, i) => transition(10 + i, { value })));
  const { projection } = project();
  await until('all is projected', () => projection.counters.projected === 4);
  t.match(projection, { pending: 0, counters: { malformed: 0 } });
  const rows = await transitions();
  t.same(
    rows.map(({ log_seq, position }) => [log_seq, position]),
    [
      ['1', 0],
      ['1', 1],
      ['4', 0],
      ['4', 1],
      ['4', 2],
      ['4', 3],
    ],
  );
  const [first] = await store.rows<object>(
    `SELECT lane, alert, state, reason, fingerprint, target_id, labels, annotations, value,
            toUnixTimestamp64Milli(time) AS time_ms, toUnixTimestamp64Milli(active_at) AS active_ms
     FROM alert_transitions WHERE log_seq = 1 AND position = 0`,
  );
  t.same(first, {
    lane: '2x0',
    alert: 'HostDown',
    state: 'firing',
    reason: 'condition',
    fingerprint: '1',
    target_id: '18446744073709551615',
    labels: transition(1).labels,
    annotations: { summary: "it's down" },
    value: 1 / 3,
    time_ms: `${START_MS + 1}`,
    active_ms: `${START_MS - 60_000}`,
  });
  const values = await store.rows<{ v: string }>(
    'SELECT toString(value) AS v FROM alert_transitions ORDER BY log_seq, position',
  );
  t.same(values.map(({ v }) => v).slice(1), ['nan', 'inf', '-inf', '1e300', '-0.1']);
  const [sent] = await notifications();
  t.match(sent, {
    log_seq: '2',
    receiver: 'ops',
    status: 'firing',
    alert: 'HostDown',
    group_key: 'group-4',
    alerts: 4,
    attempts: 2,
    outcome: 'delivered',
    detail: `it's "4"`,
  });
});

await t.test('`alerts` shows what is the case now', async (t) => {
  const { store, project, record } = await fixture(t, 'alerts');
  const resolved = { state: 'inactive', previous: 'firing' } as const;
  await record([transition(1, { state: 'pending' }), transition(2)]);
  await record([transition(1), transition(2, resolved), transition(3, { state: 'pending' })], 2);
  await record([transition(2, { state: 'pending' }), transition(2, resolved)], 3);
  const { projection } = project();
  await until('all is projected', () => projection.counters.projected === 3);
  const alerts = await store.rows<object>(
    'SELECT fingerprint, state FROM alerts ORDER BY fingerprint',
  );
  t.same(alerts, [
    { fingerprint: '1', state: 'firing' },
    { fingerprint: '3', state: 'pending' },
  ]);
});

await t.test('times at the edges hold nobody up', async (t) => {
  const { store, project, record, notify } = await fixture(t, 'times');
  await record([transition(1, { activeAtMs: 0, firedAtMs: 0 })]);
  await record([transition(2, { timeMs: 1, activeAtMs: 999 })]);
  await record([transition(3, { timeMs: START_MS + 3.4 })]);
  await record([transition(4, { timeMs: -1, activeAtMs: 1e300 })]);
  await notify(1);
  const { projection } = project();
  await until('all is projected', () => projection.counters.projected === 5);
  const times = await store.rows<{ time: string; active: string }>(
    `SELECT toUnixTimestamp64Milli(time) AS time, toUnixTimestamp64Milli(active_at) AS active
     FROM alert_transitions ORDER BY log_seq`,
  );
  const farMs = Date.UTC(2106, 0) - 1;
  t.same(
    times.map(({ time, active }) => [Number(time), Number(active)]),
    [
      [START_MS + 1, 0],
      [1, 999],
      [START_MS + 3, START_MS - 60_000],
      [0, farMs],
    ],
  );
});

await t.test('records that do not decode are counted and skipped', async (t) => {
  const { bus, project, record, transitions } = await fixture(t, 'malformed');
  const { topology } = bus;
  await bus.publish(topology.transitionsSubject('2x0'), Buffer.from('garbage'));
  await bus.publish(topology.notificationsSubject('ops'), new Uint8Array());
  await bus.publish(topology.transitionsSubject('2x0'), Buffer.from('{"lane":"2x0"}'));
  await bus.publish(`${topology.fleet}.log.of.another.kind`, Buffer.from('x'));
  await record([transition(1)]);
  const { projection } = project();
  await until('all is projected', () => projection.counters.projected === 5);
  t.equal(projection.counters.malformed, 3);
  t.equal((await transitions()).length, 1);
});

await t.test('what ClickHouse refuses is skipped, and nothing else', async (t) => {
  const { bus, project, record, notify, transitions, notifications } = await fixture(t, 'refused');
  const half = transition(2, { annotations: { summary: 'HALF' } });
  const raw = Buffer.from(encodeRecord({ lane: '2x0', laneSeq: 1, transitions: [half] }));
  await record([transition(1)]);
  // As it would be without the care of whoever writes records.
  const bad = raw.toString().replace('HALF', String.raw`\ud83d`);
  await bus.publish(bus.topology.transitionsSubject('2x0'), Buffer.from(bad));
  await notify(1);
  await record([transition(3, { annotations: { summary: '\ud83d' } })]);
  const { projection } = project();
  await until('all is projected', () => projection.counters.projected === 4);
  t.equal(projection.counters.malformed, 1);
  t.same(
    (await transitions()).map(({ log_seq: seq }) => seq),
    ['1', '4'],
  );
  t.equal((await notifications()).length, 1);
});

await t.test('a full log is trimmed although nothing comes', async (t) => {
  const { bus, store, record, project } = await fixture(t, 'idle');
  const { logStream, stateStream } = bus.topology;
  for (let n = 0; n < 8; n += 1) {
    await record([transition(n, { annotations: { text: 'x'.repeat(400_000) } })]);
  }
  const { projection, end } = project();
  await until('all is projected', () => projection.counters.projected === 8);
  await end();
  await bus.manager.streams.update(logStream, { max_bytes: 4_000_000 });
  await bus.publish(snapshotSubject(bus, '2x0'), encodeNumbered(8));
  // Of a receiver that was taken out of the settings; another one is served.
  await bus.publish(notifiedSubject(bus, 'gone'), encodeNumbered(1));
  const member = { role: 'notifier', member: 'm', name: 'one', started_at: new Date() };
  await store.insertRows('members', [{ ...member, offers: ['mail'], owns: 1, is_leaving: false }]);
  t.ok(await bus.last(stateStream, notifiedSubject(bus, 'gone')));
  project();
  await until('it is trimmed', async () => (await bus.streamInfo(logStream)).state.first_seq === 5);
});

await t.test('what was counted stays counted when the part goes and comes back', async (t) => {
  const { project, record } = await fixture(t, 'totals');
  const log = new ProjectedLog();
  await record([transition(1)]);
  const first = project();
  const following = log.follow(
    first.projection,
    first.ended.then(() => undefined),
  );
  await until('it projects', () => log.total('projected') === 1);
  await first.end();
  await following;
  t.equal(log.current, undefined);
  t.equal(log.total('projected'), 1);
  await record([transition(2)]);
  const second = project();
  void log.follow(
    second.projection,
    second.ended.then(() => undefined),
  );
  await until('it projects again', () => second.projection.counters.projected === 1);
  t.equal(log.total('projected'), 2);
  t.equal(log.total('malformed'), 0);
});

await t.test('restarts at any moment lose and repeat nothing', async (t) => {
  const { project, record, notify, transitions, notifications } = await fixture(t, 'restarts');
  let next = 0;
  const send = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i += 1) {
      next += 1;
      await record([transition(2 * next), transition(2 * next + 1)], next);
      await notify(next);
    }
  };
  for (let round = 0; round < 6; round += 1) {
    const { projection, end } = project();
    await send(5);
    await until('it has begun', () => projection.counters.projected > round % 3);
    await end();
  }
  const { projection } = project();
  await until('all is stored', async () => (await notifications()).length >= next);
  await until('all is read', () => projection.pending === 0);
  const expected = Array.from({ length: next }, (_, i) => i + 1);
  t.same(
    (await transitions()).map(({ fingerprint }) => Number(fingerprint)),
    expected.flatMap((n) => [2 * n, 2 * n + 1]),
  );
  t.same(
    (await notifications()).map(({ group_key }) => group_key),
    expected.map((n) => `group-${n}`),
  );
});

await t.test('it can be stopped while it starts', async (t) => {
  const { project } = await fixture(t, 'stopped');
  for (let turns = 0; turns < 20; turns += 1) {
    const { end } = project();
    for (let i = 0; i < turns; i += 1) await new Promise((resolve) => setImmediate(resolve));
    t.equal(await end(), undefined);
  }
});

await t.test('a predecessor with a lower epoch is fenced', async (t) => {
  const { project, record, transitions } = await fixture(t, 'fenced');
  const first = project();
  await record([transition(1)]);
  await until('the first one projects', () => first.projection.counters.projected === 1);
  const second = project();
  // Whoever comes first writes the position: until it is the second one, both project.
  let n = 1;
  let ended = false;
  void first.ended.then(() => (ended = true));
  await until('the first one has ended', async () => {
    if (ended) return true;
    n += 1;
    await record([transition(n)]);
    return undefined;
  });
  t.match(await first.ended, { code: 'fenced' });
  await until('the second one has projected all', async () => (await transitions()).length === n);
  t.same(
    (await transitions()).map(({ fingerprint }) => Number(fingerprint)),
    Array.from({ length: n }, (_, i) => i + 1),
  );
  t.equal(await second.end(), undefined);
});

await t.test('projecting goes on after an outage of either server', async (t) => {
  const { bus, store, project, record, transitions } = await fixture(t, 'outage');
  project();
  await record([transition(1)]);
  await until('it projects', async () => (await transitions()).length === 1);
  await clickhouse.kill();
  await record([transition(2)]);
  await nats.kill();
  await until('the loss is noticed', () => !bus.isConnected);
  await nats.startAgain();
  await clickhouse.startAgain();
  await until('both answer', async () => bus.isConnected && (await store.ping()));
  await record([transition(3)]);
  await until('all is projected', async () => (await transitions()).length >= 3);
  t.same(
    (await transitions()).map(({ fingerprint }) => fingerprint),
    ['1', '2', '3'],
  );
});

await t.test('a storm goes into the database in few inserts', async (t) => {
  const { store, project, record, notify, transitions, notifications } = await fixture(t, 'storm');
  const RECORDS = 1200;
  const sending = Array.from({ length: RECORDS }, (_, n) =>
    n % 10 === 9 ? notify(n) : record(n % 7 === 0 ? [] : [transition(n), transition(n)], n),
  );
  await Promise.all(sending);
  const { projection, end } = project();
  await until('all is projected', () => projection.counters.projected === RECORDS);
  t.equal(projection.pending, 0);
  t.equal(projection.bufferBytes, 0);
  t.ok(projection.counters.batches <= 20, `${projection.counters.batches} batches`);
  const before = [await transitions(), await notifications()];
  t.equal(before[1]!.length, RECORDS / 10);
  await end();
  // All of it once more, as after a kill: the rows have the same names.
  await store.run('TRUNCATE TABLE lane_runs');
  const again = project();
  await until('all is projected again', () => again.projection.counters.projected === RECORDS);
  t.same(undated(await transitions()), undated(before[0]!));
  t.same(undated(await notifications()), undated(before[1]!));
});

await t.test('records without transitions move the position', async (t) => {
  const { store, project, record } = await fixture(t, 'fences');
  await record([]);
  await record([]);
  const { projection, end } = project();
  await until('they are projected', () => projection.counters.projected === 2);
  await end();
  const rows = await store.rows<{ n: string }>('SELECT count() AS n FROM alert_transitions');
  t.same(rows, [{ n: '0' }]);
  const second = project();
  await record([transition(1)]);
  await until('it is projected', () => second.projection.counters.projected === 1);
  t.equal(second.projection.counters.malformed, 0);
});

await t.test('it ends when it is told to, also while the database hangs', async (t) => {
  const { bus, store, project, record, transitions } = await fixture(t, 'hung');
  t.teardown(() => clickhouse.signal('SIGCONT'));
  const patient = new Store({
    url: `http://127.0.0.1:${clickhouse.port}`,
    user: 'default',
    database: store.database,
    requestTimeoutMs: 3_600_000,
  });
  t.teardown(() => patient.close());
  const stop = new AbortController();
  const identity = { epoch: 1, writer: 'patient' };
  const projection = new LogProjection({ bus, store: patient, log: silentLog }, identity);
  const running = projection.run(stop.signal);
  await record([transition(1)]);
  await until('it projects', () => projection.counters.projected === 1);
  clickhouse.signal('SIGSTOP');
  await record([transition(2)]);
  await until('it has read', () => projection.pending === 1);
  stop.abort();
  await running;
  t.equal(getEventListeners(stop.signal, 'abort').length, 0);
  t.equal(projection.pending, 0, 'it holds nothing');
  clickhouse.signal('SIGCONT');
  project();
  project();
  await until('its successor projects', async () => (await transitions()).length === 2);
});

await t.test('when the log is made anew it starts over by itself', async (t) => {
  const { bus, project, record, transitions } = await fixture(t, 'anew');
  const { projection } = project();
  await record([transition(1)]);
  await record([transition(2)]);
  await until('it projects', () => projection.counters.projected === 2);
  await bus.manager.streams.delete(bus.topology.logStream);
  await bus.ensureStreams();
  await record([transition(3)]);
  await until('it projects the new one', async () => (await transitions()).length === 3);
});
