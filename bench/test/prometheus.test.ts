import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Test } from 'tap';
import { ChildServer } from '../../pipeline/embedded/child-server.ts';
import { freePort } from '../../pipeline/embedded/free-port.ts';
import { startAgent } from '../agent/agent-process.ts';
import { comparedSources } from '../agent/agent-bench.ts';
import { startNodeExporter } from '../agent/node-exporter.ts';
import { Subscriber } from '../agent/subscriber.ts';

const PROMETHEUS = process.env['ROLLCALL_PROMETHEUS'] ?? 'prometheus';
const PROMTOOL = process.env['ROLLCALL_PROMTOOL'] ?? 'promtool';
const NODE_EXPORTER = process.env['ROLLCALL_NODE_EXPORTER'] ?? 'prometheus-node-exporter';
const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

async function agentFor(t: Test) {
  const agent = await startAgent({
    command: [process.execPath, MAIN, 'agent'],
    flags: ['--profile=full'],
  });
  t.teardown(() => agent.server.stop());
  // What is asked for in the background is in the second reading.
  await (await fetch(agent.metricsUrl)).text();
  await sleep(1100);
  return agent;
}

/** What promtool has to say about a text, a line each; an error of the text itself is thrown. */
async function complaints(url: string): Promise<string[]> {
  const text = await (await fetch(url)).text();
  const { promise, resolve, reject } = Promise.withResolvers<string[]>();
  const child = execFile(PROMTOOL, ['check', 'metrics'], (error, _stdout, stderr) => {
    // 3 stands for complaints about style, 1 for a text that cannot be parsed.
    if (error !== null && error.code !== 3) reject(new Error(`promtool: ${stderr}`));
    else resolve(stderr.split('\n').filter((line) => line !== ''));
  });
  child.stdin?.end(text);
  return promise;
}

await t.test('promtool has no complaint that it has not of node_exporter itself', async (t) => {
  const agent = await agentFor(t);
  const { server, url } = await startNodeExporter({
    binary: NODE_EXPORTER,
    collectors: comparedSources(),
    host: { procfs: '/proc', sysfs: '/sys', rootfs: '/' },
  });
  t.teardown(() => server.stop());
  const peers = await complaints(url);
  const ours = await complaints(agent.metricsUrl);
  t.ok(peers.length > 0, "node_exporter's names have capitals, which promtool does not like");
  // Names that later versions of node_exporter have are written in the same way.
  const fresh = ours.filter((line) => !peers.includes(line));
  t.same(
    fresh.filter((line) => !/^node_netstat_TcpExt_\w+ .*'snake_case' not 'camelCase'$/.test(line)),
    [],
  );
});

/** A Prometheus that scrapes one target every second. */
async function prometheusFor(t: Test, target: string) {
  const folder = t.testdir({ data: {} });
  const port = await freePort();
  const config = join(folder, 'prometheus.yml');
  writeFileSync(
    config,
    `scrape_configs:\n- job_name: agent\n  scrape_interval: 1s\n  static_configs:\n  - targets: ['${target}']\n`,
  );
  const api = `http://127.0.0.1:${port}`;
  const server = new ChildServer({
    name: 'prometheus',
    command: PROMETHEUS,
    args: [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    stopBy: 'SIGTERM',
    stopTimeoutMs: 5000,
    isReady: async () => {
      const response = await fetch(`${api}/-/ready`).catch(() => undefined);
      return response?.ok === true;
    },
  });
  t.teardown(() => server.stop());
  await server.ready();
  return async (query: string): Promise<Map<string, number>> => {
    const response = await fetch(`${api}/api/v1/query?query=${encodeURIComponent(query)}`);
    const { data } = (await response.json()) as {
      data: { result: { metric: Record<string, string>; value: [number, string] }[] };
    };
    return new Map(
      data.result.map(({ metric, value }) => [JSON.stringify(metric), Number(value[1])]),
    );
  };
}

await t.test('a Prometheus scrapes the agent and disturbs no collector', async (t) => {
  const agent = await agentFor(t);
  const collector = new Subscriber(agent.port, 100);
  t.teardown(() => collector.close());
  await collector.until(1);
  const query = await prometheusFor(t, new URL(agent.metricsUrl).host);
  let scraped = 0;
  while (scraped < 100) {
    const [count] = (await query('scrape_samples_scraped and up == 1')).values();
    scraped = count ?? 0;
    await sleep(100);
  }
  const text = await (await fetch(agent.metricsUrl)).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  t.ok(Math.abs(scraped - lines.length) <= 5, `${scraped} samples of ${lines.length} lines`);
  t.equal((await query('up{job="agent"}')).values().next().value, 1);
  t.equal((await query('count(node_cpu_seconds_total{mode="idle"})')).size, 1);
  t.equal((await query('rollcall_agent_build_info')).values().next().value, 1);

  const frames = collector.frames;
  await collector.until(frames + 10);
  t.same(collector.missed, 0, 'every tick came, live and in order');
});

await t.test('readers of /metrics get what they ask for', async (t) => {
  const agent = await agentFor(t);
  const get = async (headers: Record<string, string>, path = '/metrics', method = 'GET') => {
    const response = await fetch(new URL(path, agent.metricsUrl), { headers, method });
    return { response, text: await response.text() };
  };
  const plain = await get({ accept: 'text/plain', 'accept-encoding': 'identity' });
  t.equal(plain.response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  t.equal(plain.response.headers.get('content-encoding'), null);
  const open = await get({
    accept: 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5',
    'accept-encoding': 'gzip',
  });
  t.match(open.response.headers.get('content-type'), /^application\/openmetrics-text/);
  t.equal(open.response.headers.get('content-encoding'), 'gzip');
  t.ok(open.text.endsWith('\n# EOF\n'));
  t.equal((await get({}, '/metrics', 'HEAD')).text, '');
  t.equal((await get({}, '/other')).response.status, 404);
  t.equal((await get({}, '/metrics', 'POST')).response.status, 404);
});

await t.test('the agent ends within its time when readers and collectors hold on', async (t) => {
  const agent = await agentFor(t);
  const collector = new Subscriber(agent.port, 100);
  t.teardown(() => collector.close());
  await collector.until(1);
  const silent = connect(Number(new URL(agent.metricsUrl).port), '127.0.0.1');
  await once(silent, 'connect');
  // The agent may well reset it.
  silent.on('error', () => undefined);
  silent.write('GET /metrics HTTP/1.1\r\n');
  t.teardown(() => silent.destroy());
  await agent.server.stop();
  t.equal(agent.server.child.exitCode, 0);
  t.equal(agent.server.child.signalCode, null, 'nobody had to kill it');
});
