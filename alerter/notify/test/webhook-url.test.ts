import { inspect } from 'node:util';
import t from 'tap';
import { WebhookReceiver } from '../webhook.ts';
import { receiverName, webhookAddress, withoutSecrets } from '../webhook-url.ts';
import { notificationOf } from './transitions.ts';
import { startWebhookServer } from './webhook-server.ts';

const forever = new AbortController().signal;

function thrownBy(call: () => unknown): unknown {
  try {
    call();
    return undefined;
  } catch (thrown) {
    return thrown;
  }
}

await t.test('credentials of the address work and are never shown', async (t) => {
  // The server repeats everything it was given, as some services do in their errors.
  const server = await startWebhookServer((response, { path, headers }) => {
    const basic = Buffer.from(headers.authorization?.slice(6) ?? '', 'base64').toString();
    const echo = [path, headers.authorization, basic, decodeURIComponent(path)].join('\n');
    response.writeHead(403).end(`not allowed: ${echo}`);
  });
  t.teardown(() => server.close());
  const url =
    `http://on-call:p%40ss%3Aw%C3%B6rd@127.0.0.1:${server.port}` +
    '/services/T0K3NT0K3N?key=s3cr%2Ft&flag5ecret&x=';
  const receiver = new WebhookReceiver({ name: receiverName(url), url, version: '1' });
  t.teardown(() => receiver.close());
  const outcome = await receiver.deliver(notificationOf(), forever);
  t.match(outcome, { kind: 'rejected', detail: /^HTTP 403: not allowed: / });
  const [request] = server.requests;
  const basic = Buffer.from('on-call:p@ss:wörd').toString('base64');
  t.equal(request?.headers.authorization, `Basic ${basic}`);
  t.equal(request?.path, '/services/T0K3NT0K3N?key=s3cr%2Ft&flag5ecret&x=');
  const seen = [
    receiver.name,
    outcome.detail,
    JSON.stringify(receiver),
    inspect(receiver, { depth: 10, showHidden: true }),
    request?.body,
  ].join('\n');
  for (const secret of ['on-call', 'p@ss', 'p%40ss', 'T0K3N', 's3cr', 'flag5ecret', basic]) {
    t.notOk(seen.includes(secret), `${secret} is not shown`);
  }
});

await t.test('a receiver that cannot be reached shows no secret either', async (t) => {
  const server = await startWebhookServer(() => {});
  await server.close();
  const url = `http://user5ecret:pass5ecret@127.0.0.1:${server.port}/path5ecret?t=query5ecret`;
  const receiver = new WebhookReceiver({ name: 'hook', url, version: '1' });
  t.teardown(() => receiver.close());
  const outcome = await receiver.deliver(notificationOf(), forever);
  t.match(outcome, { kind: 'retry', detail: /ECONNREFUSED/ });
  t.notMatch(outcome.detail, /5ecret/);
});

await t.test('a name is stable, safe and different for different addresses', (t) => {
  const name = receiverName('https://hooks.example.com:8443/a/b?c=d');
  t.match(name, /^webhook-hooks-example-com-8443-[0-9a-f]{8}$/);
  t.equal(receiverName('https://hooks.example.com:8443/a/b?c=d'), name);
  const names = [
    name,
    receiverName('http://hooks.example.com:8443/a/b?c=d'),
    receiverName('https://hooks.example.com:8443/a/c?c=d'),
    receiverName('https://hooks.example.com:8443/a/b?c=e'),
    receiverName('https://me@hooks.example.com:8443/a/b?c=d'),
  ];
  t.equal(new Set(names).size, names.length);
  const before = receiverName('https://me:old@hooks.example.com/');
  t.equal(receiverName('https://me:new@hooks.example.com/'), before, 'a new password, same name');
  for (const url of [
    'http://[::1]:9093/',
    'http://bücher.example/',
    `http://${'a.'.repeat(90)}b/`,
  ]) {
    t.match(receiverName(url), /^[a-zA-Z0-9_-]{1,90}$/);
  }
  t.end();
});

await t.test('an address that cannot be used is refused without being shown', (t) => {
  const refused = [
    'not-a-url-5ecret',
    'ftp://u:5ecret@host/',
    'http://u:5ecret%zz@host/',
    'http://u%3A:5ecret@host/',
    'http://u:5ecret@ho st/',
  ];
  for (const url of refused) {
    const thrown = thrownBy(() => webhookAddress(url));
    t.match(thrown, { code: 'webhook_url_invalid', retryable: false });
    t.notMatch(inspect(thrown), /5ecret/);
  }
  t.throws(() => new WebhookReceiver({ name: 'a.b', url: 'http://h/', version: '1' }), {
    code: 'receiver_name_invalid',
  });
  t.end();
});

await t.test('a longer secret is not left over by a shorter one inside it', (t) => {
  const { secrets } = webhookAddress('http://h/?a=abc&b=abcdef');
  t.equal(withoutSecrets('x abcdef y abc', secrets), 'x *** y ***');
  t.strictSame(webhookAddress('http://h/api/v1').secrets, []);
  t.end();
});
