import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { freePort } from '../../pipeline/embedded/free-port.ts';
import { testClickHouse } from '../../pipeline/embedded/test-servers.ts';
import { projectRoot } from '../project-root.ts';
import { UpPorts } from './up-process.ts';

const LAUNCHER = fileURLToPath(new URL('rollcall', projectRoot));

interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

async function rollcall(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const child = spawn(LAUNCHER, args, { env: { ...process.env, ...env } });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, out, err };
}

await t.test('help goes to standard output, usage errors exit with 2', async (t) => {
  const help = await rollcall(['--help']);
  t.equal(help.status, 0);
  t.match(help.out, /collector/);
  const unknown = await rollcall(['collector', '--dials', '5']);
  t.equal(unknown.status, 2);
  t.match(unknown.err, /unknown option/);
  t.equal(unknown.out, '');
  const wrong = await rollcall(['writer', '--flush-interval', '5']);
  t.equal(wrong.status, 2);
  t.match(wrong.err, /--writer-flush-interval/);
});

await t.test('a wrong configuration file is shown with line and column', async (t) => {
  const folder = t.testdir({
    'rollcall.yaml': 'colector:\n  workers: 2\nwriter:\n  flush_interval: 5\n',
  });
  const ran = await rollcall(['collector', '--config', join(folder, 'rollcall.yaml')]);
  t.equal(ran.status, 2);
  t.match(ran.err, /rollcall\.yaml:1:1: .*colector.*collector/);
  t.match(ran.err, /rollcall\.yaml:4:19: /, 'all problems at once');
});

await t.test('up says what is wrong with a rules file before it starts anything', async (t) => {
  const folder = t.testdir({
    'bad.yaml': 'groups:\n- name: g\n  rules:\n  - alert: A\n    expr: rate(x[5m]) > 1\n',
  });
  const { flags } = await UpPorts.free();
  const up = (file: string): Promise<Ran> =>
    rollcall(['up', '--data-dir', join(folder, 'data'), ...flags, '--rules-file', file]);
  const bad = await up(join(folder, 'bad.yaml'));
  t.equal(bad.status, 1);
  t.match(bad.err, /bad\.yaml:5:\d+: .*rate/);
  const missing = await up(join(folder, 'none.yaml'));
  t.match(missing.err, /^rollcall: --rules-file .*none\.yaml: ENOENT/);
  t.notMatch(bad.err + missing.err, /started|died/);
});

await t.test('a ClickHouse that is not there is named, and what to do', async (t) => {
  const env = { ROLLCALL_CLICKHOUSE_URL: `http://127.0.0.1:${await freePort()}` };
  for (const noun of ['targets', 'rules']) {
    const { status, err } = await rollcall([noun, 'list'], env);
    t.equal(status, 1);
    t.match(err, /^rollcall: ClickHouse does not answer at 127\.0\.0\.1:\d+ .*is it running/);
    t.notMatch(err, /SELECT/);
  }
});

await t.test('targets and rules are kept in the database', async (t) => {
  const clickhouse = await testClickHouse(t);
  const env = {
    ROLLCALL_CLICKHOUSE_URL: `http://127.0.0.1:${clickhouse.port}`,
    ROLLCALL_FLEET: 'fleet',
  };
  t.match((await rollcall(['migrate'], env)).out, /applied 0001 road/);
  t.match((await rollcall(['migrate'], env)).out, /nothing to do/);

  const add = ['targets', 'add', '127.0.0.1:7101', '--instance', 'web-1', '--label', 'zone=a'];
  t.equal((await rollcall(add, env)).status, 0);
  const folder = t.testdir({
    'targets.yaml': '- {address: "127.0.0.2:7101", instance: web-2, interval: 10s}\n',
    'bad.yaml': '- {addres: "x"}\n',
    'rules.yaml':
      'groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n    for: 15s\n' +
      '  - alert: B\n    expr: node_load1 > 5\n',
    'wrong.yaml':
      'groups:\n- name: g\n  rules:\n  - alert: A\n    expr: rate(up[5m]) > 0\n' +
      '  - alert: B\n    expr: node_load1 >\n',
  });
  t.equal((await rollcall(['targets', 'import', join(folder, 'targets.yaml')], env)).status, 0);
  const bad = await rollcall(['targets', 'import', join(folder, 'bad.yaml')], env);
  t.equal(bad.status, 2);
  t.match(bad.err, /bad\.yaml: entry 0/);
  const list = await rollcall(['targets', 'list', '--json'], env);
  t.same(
    list.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
    [
      { instance: 'web-1', address: '127.0.0.1:7101', labels: { zone: 'a' }, intervalMs: 5000 },
      { instance: 'web-2', address: '127.0.0.2:7101', labels: {}, intervalMs: 10_000 },
    ],
  );
  t.equal((await rollcall(['targets', 'remove', 'web-2'], env)).status, 0);
  t.notMatch((await rollcall(['targets', 'list'], env)).out, /web-2/);
  const twin = await rollcall(['targets', 'add', '127.0.0.1:7101', '--instance', 'twin'], env);
  t.equal(twin.status, 0);
  t.match(twin.err, /127\.0\.0\.1:7101 is also the address of web-1/);
  const unknown = await rollcall(['targets', 'remove', 'web-9'], env);
  t.equal(unknown.status, 1);
  t.match(unknown.err, /web-9/);

  const wrong = await rollcall(['rules', 'check', join(folder, 'wrong.yaml')]);
  t.equal(wrong.status, 1);
  t.match(wrong.err, /wrong\.yaml:5:11: /);
  t.match(wrong.err, /wrong\.yaml:7:/, 'all problems at once');
  t.equal((await rollcall(['rules', 'load', join(folder, 'wrong.yaml')], env)).status, 1);
  t.match((await rollcall(['rules', 'load', join(folder, 'rules.yaml')], env)).out, /2 rules/);
  t.match((await rollcall(['rules', 'list'], env)).out, /node_load1 > 5/);
});

await t.test('a taken port is named with who needs it and how to choose another', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const dataDir = join(t.testdir({}), 'data');
  const ran = await rollcall(['up', '--data-dir', dataDir, '--nats-port', String(port)]);
  t.equal(ran.status, 1);
  t.match(ran.err, new RegExp(`${port}`));
  t.match(ran.err, /nats-server/);
  t.match(ran.err, /--nats-port/);
});

await t.test('nothing has to be up for a clear answer', async (t) => {
  const env = { ROLLCALL_CLICKHOUSE_URL: 'http://127.0.0.1:1' };
  const ran = await rollcall(['targets', 'list'], env);
  t.equal(ran.status, 1);
  t.match(ran.err, /ClickHouse/);
  t.notMatch(ran.err, /at .*\.ts:/, 'no stack trace for what is no bug');
});
