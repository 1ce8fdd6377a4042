import { Registry } from 'prom-client';
import t from 'tap';
import type { Test } from 'tap';
import { request } from 'undici';
import { serveOperations } from '../operations-server.ts';
import type { OperationsOptions } from '../operations-server.ts';
import { ReadMetrics } from '../read-metrics.ts';

async function serving(t: Test, options: Partial<OperationsOptions> = {}) {
  const server = await serveOperations({
    address: { host: '127.0.0.1', port: 0 },
    metrics: async () => 'a_metric 1\n',
    notReady: () => undefined,
    ...options,
  });
  t.teardown(() => server.close());
  const get = async (path: string) => {
    const { host, port } = server.address;
    const { statusCode, headers, body } = await request(`http://${host}:${port}${path}`);
    return { statusCode, type: headers['content-type'], text: await body.text() };
  };
  return { server, get };
}

await t.test('metrics come in the text format', async (t) => {
  const { get } = await serving(t);
  const expected = {
    statusCode: 200,
    type: 'text/plain; version=0.0.4; charset=utf-8',
    text: 'a_metric 1\n',
  };
  t.same(await get('/metrics'), expected);
  t.same(await get('/metrics?name[]=x'), expected, 'a query is ignored');
});

await t.test('a process that lives says so even while it is not ready', async (t) => {
  let reason: string | undefined = 'waiting for NATS';
  const { get } = await serving(t, { notReady: () => reason });
  t.match(await get('/healthz'), { statusCode: 200 });
  t.match(await get('/readyz'), { statusCode: 503, text: 'waiting for NATS\n' });
  reason = undefined;
  t.match(await get('/readyz'), { statusCode: 200, text: 'ready\n' });
});

await t.test('metrics that cannot be read are an error of that request only', async (t) => {
  const { get } = await serving(t, { metrics: () => Promise.reject(new Error('no gauge')) });
  t.match(await get('/metrics'), { statusCode: 500, text: 'no gauge\n' });
  t.match(await get('/healthz'), { statusCode: 200 });
});

await t.test('anything else is not found, and says what there is', async (t) => {
  const { get } = await serving(t);
  for (const path of ['/', '/metrics/', '/nothing', '/..%2f']) {
    t.match(await get(path), { statusCode: 404, text: /\/metrics.*\/healthz.*\/readyz/ }, path);
  }
});

await t.test('a port that is taken is a clear error', async (t) => {
  const { server } = await serving(t);
  const { port } = server.address;
  await t.rejects(serving(t, { address: server.address }), {
    code: 'listen_failed',
    message: new RegExp(`cannot serve metrics on 127\\.0\\.0\\.1:${port}: .*EADDRINUSE`),
  });
});

await t.test('the port is free again once the server is closed', async (t) => {
  const { server, get } = await serving(t);
  await get('/healthz');
  await server.close();
  const again = await serving(t, { address: server.address });
  t.match(await again.get('/healthz'), { statusCode: 200 });
});

await t.test('metrics are read at the time of the scrape', async (t) => {
  const registry = new Registry();
  const metrics = new ReadMetrics(registry);
  let level = 1;
  const byReason = new Map([['a', 1]]);
  metrics.gauge('depth', 'Depth.', () => level);
  metrics.counter('seen_total', 'Seen.', () => 10 * level);
  metrics.counters('dropped_total', 'Dropped.', 'reason', () => byReason);
  metrics.gauges('lag', 'Lag.', 'lane', () => byReason);
  const { get } = await serving(t, { metrics: () => registry.metrics() });
  t.match((await get('/metrics')).text, /^depth 1$/m);
  level = 2;
  byReason.set('b "quoted"\n', 5);
  const { text } = await get('/metrics');
  for (const line of [
    '# TYPE depth gauge',
    'depth 2',
    '# TYPE seen_total counter',
    'seen_total 20',
    'dropped_total{reason="a"} 1',
    'dropped_total{reason="b \\"quoted\\"\\n"} 5',
    'lag{lane="a"} 1',
  ]) {
    t.ok(text.split('\n').includes(line), line);
  }
  t.match((await get('/metrics')).text, /^seen_total 20$/m, 'scraping twice counts nothing twice');
  byReason.delete('a');
  t.notMatch((await get('/metrics')).text, /^lag\{lane="a"\}/m, 'what is gone is not shown');
});
