import t from 'tap';
import type { NotificationRecord } from '../notification-record.ts';
import { decodeNotification, decodeTransitions, encodeRecord } from '../record-codec.ts';
import type { Transition, TransitionRecord } from '../transition.ts';

const TRANSITION: Transition = {
  alert: 'HostDown',
  state: 'firing',
  previous: 'pending',
  reason: 'condition',
  ruleKey: 'rule',
  seriesKey: 'up{a="b"}',
  fingerprint: '00000000000000ff',
  targetId: 'ffffffffffffffff',
  timeMs: 1_700_000_000_123,
  activeAtMs: 1_700_000_000_000,
  firedAtMs: 0,
  value: 0.1,
  labels: { alertname: 'HostDown', text: 'größer "☃"\n' },
  annotations: {},
};
const RECORD: TransitionRecord = { lane: '4x0', laneSeq: 7, transitions: [TRANSITION] };
const NOTIFICATION: NotificationRecord = {
  receiver: 'ops',
  key: 'k',
  groupKey: 'g',
  status: 'firing',
  alertname: 'HostDown',
  alerts: 3,
  attempts: 2,
  outcome: 'delivered',
  detail: '',
  timeMs: 1_700_000_000_123,
};

await t.test('transitions survive the log, whatever their value', (t) => {
  for (const value of [0, -1.5, 1e300, NaN, Infinity, -Infinity]) {
    const record = { ...RECORD, transitions: [{ ...TRANSITION, value }] };
    t.same(decodeTransitions(encodeRecord(record)), record, String(value));
  }
  const none = { ...RECORD, transitions: [] };
  t.same(decodeTransitions(encodeRecord(none)), none);
  t.end();
});

await t.test('what a successor needs survives the log', (t) => {
  const cause = { run: '00000000000000ab', seq: 3, arrivalMs: 1_700_000_000_200, laneMs: 5 };
  const record: TransitionRecord = {
    lane: '4x0',
    laneSeq: 7,
    framesDone: 2,
    streamId: 1_700_000_000_000,
    laneMs: 5,
    arrivalMs: 1_700_000_000_200,
    epoch: 12,
    member: 'web-1',
    transitions: [{ ...TRANSITION, cause }],
    stopwatches: [
      {
        ...cause,
        targetId: TRANSITION.targetId,
        ruleKey: 'rule',
        seriesKey: 'up',
        holds: false,
        elapsedMs: 5000,
        sampleMs: 1_700_000_000_123,
      },
    ],
  };
  t.same(decodeTransitions(encodeRecord(record)), record);
  t.end();
});

await t.test('notifications survive the log', (t) => {
  t.same(decodeNotification(encodeRecord(NOTIFICATION)), NOTIFICATION);
  t.end();
});

await t.test('a record can be read by a person', (t) => {
  t.match(JSON.parse(Buffer.from(encodeRecord(RECORD)).toString()), RECORD);
  t.end();
});

await t.test('what is no record is refused', (t) => {
  const refused = { code: 'bad_record', retryable: false };
  const whole = encodeRecord(RECORD);
  const bad: unknown[] = [
    { ...RECORD, laneSeq: -1 },
    { ...RECORD, laneSeq: 1.5 },
    { ...RECORD, transitions: [{ ...TRANSITION, state: 'asleep' }] },
    { ...RECORD, transitions: [{ ...TRANSITION, fingerprint: 'ff' }] },
    { ...RECORD, transitions: [{ ...TRANSITION, targetId: 'g'.repeat(16) }] },
    { ...RECORD, transitions: [{ ...TRANSITION, value: 'many' }] },
    { ...RECORD, transitions: [{ ...TRANSITION, labels: { a: 1 } }] },
    { ...RECORD, transitions: [{ ...TRANSITION, cause: { run: 'x' } }] },
    { ...RECORD, epoch: -1 },
    { ...RECORD, stopwatches: [{}] },
    { lane: '4x0' },
    NOTIFICATION,
    null,
    [],
  ];
  for (const record of bad) {
    const text = JSON.stringify(record);
    t.throws(() => decodeTransitions(Buffer.from(text)), refused, text);
  }
  t.throws(() => decodeTransitions(whole.subarray(0, whole.length - 1)), refused, 'cut');
  t.throws(() => decodeTransitions(new Uint8Array()), refused, 'empty');
  t.throws(() => decodeTransitions(Buffer.from([0xff, 0xfe, 0])), refused, 'no text');
  t.throws(() => decodeNotification(whole), refused, 'of another kind');
  t.throws(() => decodeNotification(encodeRecord({ ...NOTIFICATION, alerts: -1 })), refused);
  t.end();
});
