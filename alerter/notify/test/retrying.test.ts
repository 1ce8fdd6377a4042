import t from 'tap';
import type { DeliveryOutcome, Receiver } from '../receiver.ts';
import { deliverUntilDone, type DeliveryRetry, type RetryOptions } from '../retrying.ts';
import { WebhookReceiver } from '../webhook.ts';
import { notificationOf } from './transitions.ts';
import { startWebhookServer } from './webhook-server.ts';

const forever = new AbortController().signal;
const notification = notificationOf();

/** Gives `outcomes` one after the other, then the last one for ever. */
function scripted(...outcomes: readonly DeliveryOutcome[]): Receiver {
  let next = 0;
  const last = outcomes.length - 1;
  return {
    name: 'scripted',
    deliver: () => {
      const outcome = outcomes[Math.min(next++, last)];
      return outcome ? Promise.resolve(outcome) : Promise.reject(new Error('no outcome'));
    },
  };
}

/** Retries at once, and notes the pauses there would have been. */
function noted(changes: Partial<RetryOptions> = {}) {
  const retries: DeliveryRetry[] = [];
  const options: RetryOptions = {
    backoffMinMs: 100,
    backoffMaxMs: 1000,
    signal: forever,
    onRetry: (retry) => retries.push(retry),
    random: () => 0.5,
    sleep: () => Promise.resolve(),
    ...changes,
  };
  return { options, retries, pauses: () => retries.map(({ pauseMs }) => pauseMs) };
}

const retry = { kind: 'retry', detail: 'busy' } as const;
const asks = (retryAfterMs: number) => ({ ...retry, retryAfterMs });
const delivered = { kind: 'delivered', detail: 'HTTP 200' } as const;
const rejected = { kind: 'rejected', detail: 'HTTP 400' } as const;

await t.test('pauses grow up to the cap, with jitter over the whole', async (t) => {
  const { options, retries, pauses } = noted();
  const receiver = scripted(retry, retry, retry, retry, retry, retry, delivered);
  t.strictSame(await deliverUntilDone(receiver, notification, options), {
    outcome: delivered,
    attempts: 7,
  });
  t.strictSame(pauses(), [50, 100, 200, 400, 500, 500]);
  t.strictSame(retries[1], { attempts: 2, detail: 'busy', pauseMs: 100 });
});

await t.test('the first answer may be the last', async (t) => {
  for (const outcome of [delivered, rejected]) {
    const { options, retries } = noted();
    const result = await deliverUntilDone(scripted(outcome), notification, options);
    t.strictSame(result, { outcome, attempts: 1 });
    t.strictSame(retries, []);
  }
});

await t.test('a rejection after failures is returned with its attempts', async (t) => {
  const { options } = noted();
  const result = await deliverUntilDone(scripted(retry, rejected), notification, options);
  t.strictSame(result, { outcome: rejected, attempts: 2 });
});

await t.test('the pause is at least what the receiver asks for, but has an end', async (t) => {
  const { options, pauses } = noted();
  const receiver = scripted(asks(7000), asks(1), asks(1e12), delivered);
  await deliverUntilDone(receiver, notification, options);
  t.strictSame(pauses(), [7000, 100, 300_000]);
});

await t.test('the signal ends a pause', async (t) => {
  const stop = new AbortController();
  const result = await deliverUntilDone(scripted(asks(300_000)), notification, {
    backoffMinMs: 1,
    backoffMaxMs: 1,
    signal: stop.signal,
    onRetry: () => setImmediate(() => stop.abort()),
  });
  t.match(result, { outcome: { kind: 'retry', detail: 'busy' }, attempts: 1 });
  const late = await deliverUntilDone(scripted(delivered), notification, {
    backoffMinMs: 1,
    backoffMaxMs: 1,
    signal: stop.signal,
  });
  t.match(late, { outcome: { kind: 'retry' }, attempts: 0 });
});

await t.test('a message is sent again with the same key until it is taken', async (t) => {
  let failures = 3;
  const server = await startWebhookServer((response) => {
    response.writeHead(failures-- > 0 ? 503 : 200).end();
  });
  const receiver = new WebhookReceiver({ name: 'hook', url: server.url, version: '1' });
  t.teardown(async () => {
    await receiver.close();
    await server.close();
  });
  const result = await deliverUntilDone(receiver, notification, {
    backoffMinMs: 1,
    backoffMaxMs: 2,
    signal: forever,
  });
  t.strictSame(result, { outcome: delivered, attempts: 4 });
  const keys = server.requests.map(({ headers }) => headers['idempotency-key']);
  t.strictSame(new Set(keys), new Set([notification.key]));
  t.equal(new Set(server.requests.map(({ body }) => body)).size, 1);
});

await t.test('a receiver that fails for ever does not hold up another', async (t) => {
  const hanging = await startWebhookServer(() => {});
  const working = await startWebhookServer((response) => response.end());
  const stop = new AbortController();
  const options = { backoffMinMs: 1, backoffMaxMs: 2, signal: stop.signal };
  const bad = new WebhookReceiver({ name: 'bad', url: hanging.url, version: '1', timeoutMs: 20 });
  const good = new WebhookReceiver({ name: 'good', url: working.url, version: '1' });
  t.teardown(async () => {
    await Promise.all([bad.close(), good.close()]);
    await Promise.all([hanging.close(), working.close()]);
  });
  const failing = deliverUntilDone(bad, notification, options);
  for (let i = 0; i < 50; i++) {
    const result = await deliverUntilDone(good, notificationOf({ firedAtMs: i }), options);
    t.equal(result.outcome.kind, 'delivered');
  }
  t.equal(working.requests.length, 50);
  stop.abort();
  t.match(await failing, { outcome: { kind: 'retry' } }, 'it was still trying');
});
