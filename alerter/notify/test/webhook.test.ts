import t, { type Test } from 'tap';
import { notificationOf, resolved, transition } from './transitions.ts';
import { startWebhookServer } from './webhook-server.ts';
import { groupNotifications } from '../notification.ts';
import {
  WEBHOOK_CONNECTIONS_MAX,
  WEBHOOK_RESPONSE_BYTES_MAX,
  WebhookReceiver,
  type WebhookOptions,
} from '../webhook.ts';

const forever = new AbortController().signal;
type Answer = Parameters<typeof startWebhookServer>[0];

/** A server with `answer` and a receiver that posts to it; both end with the test. */
async function started(t: Test, answer: Answer, options: Partial<WebhookOptions> = {}) {
  const server = await startWebhookServer(answer);
  const receiver = new WebhookReceiver({
    name: 'hook',
    url: server.url,
    version: '1.2.3',
    ...options,
  });
  t.teardown(async () => {
    await receiver.close();
    await server.close();
  });
  return { server, receiver };
}

const status = (code: number, text = '', headers: Record<string, string> = {}): Answer => {
  return (response) => response.writeHead(code, headers).end(text);
};

/** An alert as the message has it. */
const alert = (instance: string, fingerprint: string) => ({
  status: 'firing',
  labels: { alertname: 'HighLoad', instance, severity: 'critical' },
  annotations: { summary: 'load is high' },
  startsAt: '2026-01-02T03:04:05.678Z',
  endsAt: '0001-01-01T00:00:00Z',
  generatorURL: 'https://rollcall.example/rules/HighLoad',
  fingerprint,
});

await t.test('the message is Alertmanager’s, with the headers of Rollcall', async (t) => {
  const { server, receiver } = await started(t, status(200), {
    externalUrl: 'https://rollcall.example',
    generatorUrl: (alertname) => `https://rollcall.example/rules/${alertname}`,
  });
  const [notification] = groupNotifications([
    transition(),
    transition({
      fingerprint: '00000000000000a2',
      labels: { alertname: 'HighLoad', instance: 'web-2', severity: 'critical' },
    }),
  ]);
  t.ok(notification);
  if (notification === undefined) return;
  t.strictSame(await receiver.deliver(notification, forever), {
    kind: 'delivered',
    detail: 'HTTP 200',
  });
  const [request] = server.requests;
  t.match(request, {
    method: 'POST',
    path: '/hook',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'rollcall/1.2.3',
      'idempotency-key': notification.key,
    },
  });
  t.equal(request?.headers.authorization, undefined);
  t.strictSame(JSON.parse(request?.body ?? ''), {
    receiver: 'hook',
    status: 'firing',
    alerts: [alert('web-1', '00000000000000a1'), alert('web-2', '00000000000000a2')],
    groupLabels: { alertname: 'HighLoad' },
    commonLabels: { alertname: 'HighLoad', severity: 'critical' },
    commonAnnotations: { summary: 'load is high' },
    externalURL: 'https://rollcall.example',
    version: '4',
    groupKey: '{}:{alertname="HighLoad"}',
    truncatedAlerts: 0,
  });
});

await t.test('the end of an alert is told with its time', async (t) => {
  const { server, receiver } = await started(t, status(204));
  const [notification] = groupNotifications([resolved()]);
  t.ok(notification);
  if (notification === undefined) return;
  t.match(await receiver.deliver(notification, forever), { kind: 'delivered' });
  t.match(JSON.parse(server.requests[0]?.body ?? ''), {
    status: 'resolved',
    alerts: [{ status: 'resolved', endsAt: '2026-01-02T03:05:05.678Z', generatorURL: '' }],
    externalURL: '',
  });
});

await t.test('each class of status has its outcome', async (t) => {
  let code = 200;
  const { receiver, server } = await started(t, (response) =>
    response.writeHead(code, { location: server.url }).end('the reason\n'),
  );
  const expected = [
    [200, 'delivered', 'HTTP 200'],
    [202, 'delivered', 'HTTP 202'],
    [301, 'rejected', /^HTTP 301: redirects are not followed/],
    [307, 'rejected', /^HTTP 307: redirects are not followed/],
    [400, 'rejected', 'HTTP 400: the reason'],
    [404, 'rejected', 'HTTP 404: the reason'],
    [413, 'rejected', 'HTTP 413: the reason'],
    [429, 'retry', 'HTTP 429: the reason'],
    [500, 'retry', 'HTTP 500: the reason'],
    [503, 'retry', 'HTTP 503: the reason'],
  ] as const;
  for (const [sent, kind, detail] of expected) {
    code = sent;
    t.match(await receiver.deliver(notificationOf(), forever), { kind, detail }, `HTTP ${sent}`);
  }
  t.equal(server.requests.length, expected.length, 'no redirect was followed');
  t.ok(server.connectionsTotal() <= WEBHOOK_CONNECTIONS_MAX, 'connections are used again');
});

await t.test('a pause that the receiver asks for is passed on, up to five minutes', async (t) => {
  let header = '';
  const nowMs = Date.UTC(1994, 10, 6, 8, 49, 30);
  const { receiver } = await started(
    t,
    (response) => response.writeHead(503, { 'retry-after': header }).end(),
    { nowMs: () => nowMs },
  );
  const expected: [string, number | undefined][] = [
    ['7', 7000],
    ['0', 0],
    ['86400', 300_000],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 7000],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 7000],
    ['Sun Nov  6 08:49:37 1994', 7000],
    ['Sun, 06 Nov 1994 08:00:00 GMT', 0],
    ['Mon, 07 Nov 1994 08:49:37 GMT', 300_000],
    ['-5', undefined],
    ['soon', undefined],
    ['Sunny', undefined],
  ];
  for (const [sent, retryAfterMs] of expected) {
    header = sent;
    const outcome = await receiver.deliver(notificationOf(), forever);
    const detail = 'HTTP 503';
    const kind = 'retry';
    t.strictSame(
      outcome,
      retryAfterMs === undefined ? { kind, detail } : { kind, detail, retryAfterMs },
    );
  }
});

await t.test('no answer in time is tried again', async (t) => {
  const { receiver } = await started(t, () => {}, { timeoutMs: 60 });
  t.strictSame(await receiver.deliver(notificationOf(), forever), {
    kind: 'retry',
    detail: 'no answer within 60 ms',
  });
});

await t.test('an answer that stops half way has been given', async (t) => {
  let code = 200;
  const { receiver } = await started(
    t,
    (response) => {
      response.writeHead(code, { 'content-length': '100' });
      response.write('half of');
    },
    { timeoutMs: 60 },
  );
  t.match(await receiver.deliver(notificationOf(), forever), { kind: 'delivered' });
  code = 400;
  t.strictSame(await receiver.deliver(notificationOf(), forever), {
    kind: 'rejected',
    detail: 'HTTP 400: half of',
  });
});

await t.test('no connection and a broken one are tried again', async (t) => {
  const { receiver, server } = await started(t, (response) => response.destroy());
  t.match(await receiver.deliver(notificationOf(), forever), {
    kind: 'retry',
    detail: /^request failed: /,
  });
  await server.close();
  t.match(await receiver.deliver(notificationOf(), forever), {
    kind: 'retry',
    detail: /^request failed: .*ECONNREFUSED/,
  });
});

await t.test('the caller can stop an attempt', async (t) => {
  const stop = new AbortController();
  const { receiver, server } = await started(t, () => stop.abort());
  const outcome = await receiver.deliver(notificationOf(), stop.signal);
  t.strictSame(outcome, { kind: 'retry', detail: 'stopped before an answer came' });
  t.strictSame(await receiver.deliver(notificationOf(), stop.signal), outcome);
  t.equal(server.requests.length, 1, 'a stopped receiver sends nothing');
});

await t.test('an endless answer is read no further than its limit', async (t) => {
  let written = 0;
  const broken = Promise.withResolvers<void>();
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const { receiver } = await started(t, (response) => {
    response.writeHead(500);
    response.on('close', () => broken.resolve());
    const more = () => {
      while (!response.destroyed) {
        written += chunk.length;
        if (!response.write(chunk)) break;
      }
    };
    response.on('drain', more);
    more();
  });
  const outcome = await receiver.deliver(notificationOf(), forever);
  t.equal(outcome.kind, 'retry');
  t.match(outcome.detail, /^HTTP 500: x{250,}…$/);
  t.ok(outcome.detail.length < 400);
  await broken.promise;
  t.ok(written >= WEBHOOK_RESPONSE_BYTES_MAX, 'it was the receiver who broke off');
});

await t.test('an answer cannot write to the terminal that shows it', async (t) => {
  const { receiver } = await started(t, status(400, '\u{1b}[2Jgone\r\nHTTP 200\u{202e}'));
  t.equal(
    (await receiver.deliver(notificationOf(), forever)).detail,
    'HTTP 400: \u{fffd}[2Jgone  HTTP 200\u{fffd}',
  );
});
