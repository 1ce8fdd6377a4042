import t from 'tap';
import { groupNotifications, ZERO_TIME } from '../notification.ts';
import { FIRED_AT_MS, notificationOf, resolved, transition } from './transitions.ts';

const shape = (transitions: Parameters<typeof groupNotifications>[0], alertsMax?: number) =>
  groupNotifications(transitions, alertsMax === undefined ? {} : { alertsMax }).map(
    ({ alertname, status, alerts }) =>
      `${alertname} ${status} ${alerts.map(({ fingerprint }) => fingerprint).join(',')}`,
  );

const keyOf = (transitions: Parameters<typeof groupNotifications>[0]) =>
  groupNotifications(transitions)[0]?.key;

await t.test('only what began to fire or ended firing is told', (t) => {
  const told = groupNotifications([
    transition({ state: 'pending', previous: 'inactive', firedAtMs: 0 }),
    transition({ state: 'inactive', previous: 'pending', firedAtMs: 0 }),
    transition({ state: 'firing', previous: 'inactive', fingerprint: 'a' }),
    transition({ state: 'firing', previous: 'pending', fingerprint: 'b' }),
    resolved({ fingerprint: 'c', reason: 'stale' }),
  ]);
  t.strictSame(
    told.map(({ status, alerts }) => [status, alerts.map(({ fingerprint }) => fingerprint)]),
    [
      ['firing', ['a', 'b']],
      ['resolved', ['c']],
    ],
  );
  t.strictSame(groupNotifications([]), []);
  t.end();
});

await t.test('an alert has its times, its value and its reason', (t) => {
  const [firing, ended] = groupNotifications([transition(), resolved({ reason: 'stale' })]);
  t.match(firing?.alerts[0], {
    status: 'firing',
    startsAt: '2026-01-02T03:04:05.678Z',
    endsAt: '0001-01-01T00:00:00Z',
    timeMs: FIRED_AT_MS,
    value: 12.3,
    reason: 'condition',
  });
  t.match(ended?.alerts[0], {
    status: 'resolved',
    startsAt: '2026-01-02T03:04:05.678Z',
    endsAt: '2026-01-02T03:05:05.678Z',
    reason: 'stale',
  });
  t.equal(firing?.groupKey, '{}:{alertname="HighLoad"}');
  t.equal(ended?.groupKey, firing?.groupKey, 'both ends belong to one group');
  const odd = notificationOf({ alert: 'a"b\\', firedAtMs: Infinity });
  t.equal(odd.groupKey, '{}:{alertname="a\\"b\\\\"}');
  t.equal(odd.alerts[0]?.startsAt, ZERO_TIME, 'what is no time does not stop the others');
  t.end();
});

await t.test('alerts are grouped by name and status, in order', (t) => {
  const told = shape([
    transition({ fingerprint: '1' }),
    transition({ alert: 'DiskFull', fingerprint: '2' }),
    resolved({ fingerprint: '3' }),
    transition({ fingerprint: '4' }),
    transition({ alert: 'DiskFull', fingerprint: '5' }),
  ]);
  t.strictSame(told, ['HighLoad firing 1,4', 'DiskFull firing 2,5', 'HighLoad resolved 3']);
  t.end();
});

await t.test('an alert that changes twice is told in the order of its changes', (t) => {
  const told = shape([
    transition({ fingerprint: '1', firedAtMs: 10 }),
    resolved({ fingerprint: '1', firedAtMs: 10 }),
    transition({ fingerprint: '2', firedAtMs: 15 }),
    transition({ fingerprint: '1', firedAtMs: 20 }),
    resolved({ fingerprint: '1', firedAtMs: 20 }),
  ]);
  t.strictSame(told, [
    'HighLoad firing 1,2',
    'HighLoad resolved 1',
    'HighLoad firing 1',
    'HighLoad resolved 1',
  ]);
  t.end();
});

await t.test('a large group becomes several notifications of at most 500', (t) => {
  const many = Array.from({ length: 1201 }, (_, i) => transition({ fingerprint: `f${i}` }));
  const told = groupNotifications(many);
  t.strictSame(
    told.map(({ alerts }) => alerts.length),
    [500, 500, 201],
  );
  t.equal(new Set(told.map(({ key }) => key)).size, 3);
  t.strictSame(
    told.flatMap(({ alerts }) => alerts.map(({ fingerprint }) => fingerprint)),
    many.map(({ fingerprint }) => fingerprint),
  );
  t.strictSame(shape(many.slice(0, 3), 2), ['HighLoad firing f0,f1', 'HighLoad firing f2']);
  t.throws(() => groupNotifications([], { alertsMax: 0 }), { code: 'ERR_ASSERTION' });
  t.end();
});

await t.test('the key is the same for the same alerts and for no others', (t) => {
  const key = notificationOf().key;
  t.match(key, /^[0-9a-f]{64}$/);
  t.equal(notificationOf().key, key);
  t.equal(
    notificationOf({ value: 99, annotations: { summary: 'put otherwise' } }).key,
    key,
    'the wording is no part of it',
  );
  const others = [
    notificationOf({ fingerprint: '00000000000000a2' }).key,
    notificationOf({ firedAtMs: FIRED_AT_MS + 1 }).key,
    keyOf([resolved()]),
    keyOf([transition(), transition({ fingerprint: '00000000000000a2' })]),
    keyOf([transition({ fingerprint: '00000000000000a2' }), transition()]),
  ];
  t.equal(new Set([key, ...others]).size, 6);
  t.end();
});
