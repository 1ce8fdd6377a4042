import t from 'tap';
import { formatAddress, isLoopback, parseAddress, requireTlsOffLoopback } from '../address.ts';
import { listen } from '../listen.ts';

await t.test('addresses are host:port, with IPv6 in brackets', (t) => {
  const good: [text: string, host: string, port: number][] = [
    ['127.0.0.1:9000', '127.0.0.1', 9000],
    ['node-17.example.org:1', 'node-17.example.org', 1],
    ['[::1]:65535', '::1', 65_535],
    ['[2001:db8::ff]:0', '2001:db8::ff', 0],
    ['[::ffff:10.0.0.1]:80', '::ffff:10.0.0.1', 80],
  ];
  for (const [text, host, port] of good) {
    t.same(parseAddress(text), { host, port });
    t.equal(formatAddress({ host, port }), text, 'and back');
  }
  t.end();
});

await t.test('what is no address is refused with how to write one', (t) => {
  const bad = [
    '',
    'host',
    'host:',
    ':9000',
    '::1:9000',
    '[::1]',
    '[::1]9000',
    '[host]:9000',
    'host:123456',
    'host:-1',
    'host:1e3',
    'ho st:1',
    'host:1\n',
    'http://host:1',
  ];
  for (const text of bad) {
    t.throws(() => parseAddress(text), { code: 'bad_address', message: /write host:port/ }, text);
  }
  t.throws(() => parseAddress('host:65536'), { code: 'bad_address', message: /up to 65535/ });
  t.end();
});

await t.test('only loopback may go without TLS, unless told so', (t) => {
  for (const host of ['127.0.0.1', '127.8.9.10', '::1', 'localhost']) {
    t.equal(isLoopback(host), true, host);
    t.doesNotThrow(() => requireTlsOffLoopback(host, false, false));
  }
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.org', 'localhost.evil']) {
    t.equal(isLoopback(host), false, host);
    t.throws(() => requireTlsOffLoopback(host, false, false), {
      code: 'tls_required',
      message: /--insecure/,
    });
    t.doesNotThrow(() => requireTlsOffLoopback(host, true, false), 'with TLS');
    t.doesNotThrow(() => requireTlsOffLoopback(host, false, true), 'told to');
  }
  t.end();
});

const options = {
  connectionsMax: 1,
  onConnection: () => undefined,
  onRefused: () => undefined,
};

await t.test('listening on every interface needs TLS or --insecure', async (t) => {
  const address = { host: '0.0.0.0', port: 0 };
  await t.rejects(listen({ ...options, address, insecure: false }), { code: 'tls_required' });
  const listener = await listen({ ...options, address, insecure: true });
  t.ok(listener.address.port > 0, 'told to, it listens');
  await listener.close();
});

await t.test('a port that is taken is said to be', async (t) => {
  const address = { host: '127.0.0.1', port: 0 };
  const first = await listen({ ...options, address, insecure: false });
  const second = listen({ ...options, address: first.address, insecure: false });
  await t.rejects(second, {
    code: 'listen_failed',
    message: `cannot listen on ${formatAddress(first.address)}: another process has the port`,
  });
  await first.close();
  const nowhere = listen({ ...options, address: { host: '192.0.2.1', port: 0 }, insecure: true });
  await t.rejects(nowhere, { code: 'listen_failed' }, 'so is an address that is not ours');
});
