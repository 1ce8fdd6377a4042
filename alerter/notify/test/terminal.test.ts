import { PassThrough, Writable } from 'node:stream';
import t from 'tap';
import { groupNotifications } from '../notification.ts';
import { TerminalReceiver, type TerminalOptions } from '../terminal.ts';
import { FIRED_AT_MS, notificationOf, resolved, transition } from './transitions.ts';

const forever = new AbortController().signal;
type Changes = Parameters<typeof transition>[0];

const local = new Date(FIRED_AT_MS);
const clock = [local.getHours(), local.getMinutes(), local.getSeconds()]
  .map((part) => String(part).padStart(2, '0'))
  .join(':');

/** What is written for `changes`, on a terminal or not. */
async function shown(changes: Changes, options: TerminalOptions = {}, isTTY = false) {
  const stream = Object.assign(new PassThrough(), { isTTY });
  const receiver = new TerminalReceiver(stream, { env: {}, ...options });
  const outcome = await receiver.deliver(notificationOf(changes), forever);
  t.equal(outcome.kind, 'delivered');
  return String(stream.read());
}

await t.test('an alert is one line', async (t) => {
  t.equal(
    await shown({}),
    `${clock} FIRING  HighLoad  instance=web-1 severity=critical  value 12.3  load is high\n`,
  );
  t.equal(
    await shown({
      labels: { alertname: 'HighLoad', zone: 'a b', severity: 'info', instance: '', 'x=': '"' },
      annotations: {},
      value: 1 / 3,
    }),
    `${clock} FIRING  HighLoad  instance="" severity=info zone="a b" "x="="\\""  value 0.333333\n`,
  );
  t.match(await shown({ value: NaN, labels: {} }), /HighLoad {2}value NaN {2}load/);
  t.match(await shown({ timeMs: NaN }), /^--:--:-- FIRING/);
});

await t.test('each alert of a notification has its line, an end says why', async (t) => {
  const stream = new PassThrough();
  const receiver = new TerminalReceiver(stream, { env: {} });
  for (const notification of groupNotifications([
    transition(),
    transition({ fingerprint: '2' }),
    resolved({ fingerprint: '3', reason: 'stale' }),
  ])) {
    t.match(await receiver.deliver(notification, forever), { kind: 'delivered' });
  }
  const lines = String(stream.read()).split('\n');
  t.equal(lines.length, 4);
  t.match(lines[2], / RESOLVED {2}HighLoad .* {2}reason stale {2}load is high$/);
});

await t.test('there is colour on a terminal only, and not against NO_COLOR', async (t) => {
  const escape = '\u{1b}[';
  t.ok((await shown({}, {}, true)).includes(`${escape}31mFIRING`));
  t.notOk((await shown({}, {}, false)).includes(escape));
  t.notOk((await shown({}, { env: { NO_COLOR: '1' } }, true)).includes(escape));
  t.ok((await shown({}, { env: { NO_COLOR: '' } }, true)).includes(escape));
  t.ok((await shown({}, { colour: true }, false)).includes(escape));
});

await t.test('hostile labels neither move the cursor nor make lines', async (t) => {
  const hostile =
    '\u{1b}]0;title\u{7}\u{1b}[2J\u{9b}31m\r\nFIRING\u{2028}\u{202e}\u{200b}\u{7f}\0\ud800';
  const line = await shown({
    alert: hostile,
    labels: { alertname: hostile, [hostile]: hostile, instance: hostile },
    annotations: { summary: hostile },
  });
  t.equal(line.indexOf('\n'), line.length - 1, 'one line');
  t.notMatch(line.slice(0, -1), /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
  t.match(line, /instance="/, 'a value with spaces cannot pass for other labels');
});

await t.test('long text is cut', async (t) => {
  const long = '🔥'.repeat(1_000_000);
  const line = await shown({
    alert: long,
    labels: Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`label${i}`, long])),
    annotations: { summary: long },
  });
  t.ok(line.length < 1000);
  t.match(line, /🔥…|🔥\u{fffd}…/u);
  t.notMatch(line, /\p{Cs}/u, 'no half of a character');
});

await t.test('a stream that fails or is closed rejects and does not end the process', async (t) => {
  const failing = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) });
  const receiver = new TerminalReceiver(failing, { env: {} });
  t.strictSame(await receiver.deliver(notificationOf(), forever), {
    kind: 'rejected',
    detail: 'EPIPE',
  });
  t.match(await receiver.deliver(notificationOf(), forever), { kind: 'rejected' });
});

await t.test('a stream that takes nothing can be given up', async (t) => {
  const stuck = new Writable({ write: () => {} });
  const receiver = new TerminalReceiver(stuck, { name: 'screen', env: {} });
  t.equal(receiver.name, 'screen');
  const stop = new AbortController();
  const outcome = receiver.deliver(notificationOf(), stop.signal);
  stop.abort();
  t.match(await outcome, { kind: 'retry' });
  t.match(await receiver.deliver(notificationOf(), stop.signal), { kind: 'retry' });
  const waiting = receiver.deliver(notificationOf(), forever);
  stuck.destroy();
  t.match(await waiting, { kind: 'rejected' });
});
