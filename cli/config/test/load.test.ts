import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { RollcallError } from '../../../pipeline/error.ts';
import { dumpConfig } from '../dump.ts';
import { loadConfig } from '../load.ts';
import { sectionNames, settingsOf } from '../named-setting.ts';
import { ConfigError } from '../problem.ts';
import { problemsOf } from './problems-of.ts';

type Flags = Record<string, unknown>;
type Env = Record<string, string>;

const workers = (flags: Flags, env: Env) =>
  loadConfig({ sections: ['collector'], flags, env }).collector.workers;

const sources = (flags: Flags, env: Env) =>
  loadConfig({ sections: ['agent'], flags, env }).agent.sources;

const insecure = (flags: Flags, env: Env) =>
  loadConfig({ sections: ['tls'], flags, env }).tls.insecure;

await t.test('without anything given every setting has its default', (t) => {
  const config = loadConfig({ sections: sectionNames, flags: {}, env: {} });
  t.strictSame(Object.keys(config), sectionNames, 'sections in the order of the table');
  t.strictSame(config.general, {
    fleet: 'rollcall',
    logLevel: 'info',
    member: undefined,
    dataDir: './data',
  });
  t.strictSame(config.nats.servers, ['nats://127.0.0.1:4222']);
  t.equal(config.nats.replicas, 1);
  t.equal(config.nats.user, undefined);
  t.equal(config.clickhouse.retentionMs, 7 * 86_400_000);
  t.strictSame(config.agent.listen, { host: '127.0.0.1', port: 7101 });
  t.equal(config.agent.metricsListen, undefined);
  t.strictSame(config.agent.sources, []);
  t.equal(config.tls.insecure, false);
  t.equal(config.collector.dialsPerSecond, 1000);
  t.equal(config.collector.batchDelayMsMax, 100);
  t.equal(config.writer.bufferBytesMax, 256 * 2 ** 20);
  t.end();
});

await t.test('only the requested sections are returned', (t) => {
  const config = loadConfig({ sections: ['collector', 'general'], flags: {}, env: {} });
  t.strictSame(Object.keys(config), ['general', 'collector']);
  t.end();
});

await t.test('a flag wins over a variable, which wins over the file', (t) => {
  const file = join(t.testdir({ 'r.yaml': 'collector: { workers: 1 }\nfleet: filed\n' }), 'r.yaml');
  const env = { ROLLCALL_CONFIG: file, ROLLCALL_COLLECTOR_WORKERS: '2' };
  t.equal(workers({ collectorWorkers: '3' }, env), 3);
  t.equal(workers({}, env), 2);
  t.equal(workers({}, { ...env, ROLLCALL_COLLECTOR_WORKERS: '' }), 1, 'empty counts as unset');
  t.equal(workers({ config: file }, {}), 1);
  t.equal(workers({}, {}), 0);
  t.equal(
    loadConfig({ sections: ['general'], flags: {}, env }).general.fleet,
    'filed',
    'what nothing overrides is kept',
  );
  t.end();
});

await t.test('--config wins over ROLLCALL_CONFIG', (t) => {
  const folder = t.testdir({ 'a.yaml': 'fleet: a', 'b.yaml': 'fleet: b' });
  const { general } = loadConfig({
    sections: ['general'],
    flags: { config: join(folder, 'a.yaml') },
    env: { ROLLCALL_CONFIG: join(folder, 'b.yaml') },
  });
  t.equal(general.fleet, 'a');
  t.end();
});

await t.test('a list comes from a repeated flag, from commas or from YAML, never merged', (t) => {
  const file = join(t.testdir({ 'r.yaml': 'agent:\n  sources: [cpu, meminfo]\n' }), 'r.yaml');
  t.strictSame(sources({ config: file }, {}), ['cpu', 'meminfo']);
  t.strictSame(sources({ config: file }, { ROLLCALL_AGENT_SOURCES: 'stat, loadavg,' }), [
    'stat',
    'loadavg',
  ]);
  t.strictSame(sources({ config: file, agentSources: ['arp', 'cpu,os'] }, {}), [
    'arp',
    'cpu',
    'os',
  ]);
  t.strictSame(
    sources({ config: file, agentSources: [''] }, {}),
    [],
    'an empty flag empties the list',
  );
  const many = Array.from({ length: 65 }, () => 'cpu').join(',');
  t.strictSame(problemsOf({ env: { ROLLCALL_AGENT_SOURCES: many } }), [
    'ROLLCALL_AGENT_SOURCES: a list has at most 64 entries',
  ]);
  t.end();
});

await t.test('a boolean flag is true by itself', (t) => {
  t.equal(insecure({ insecure: true }, {}), true);
  t.equal(insecure({}, { ROLLCALL_TLS_INSECURE: 'true' }), true);
  t.equal(insecure({ insecure: false }, { ROLLCALL_TLS_INSECURE: 'true' }), false);
  t.end();
});

await t.test('all problems of all origins come at once, each with its place', (t) => {
  const file = join(
    t.testdir({ 'r.yaml': 'fleet: Prod\ncollector:\n  worker: 4\n  connect_timeout: 3\n' }),
    'r.yaml',
  );
  const request = {
    sections: sectionNames,
    flags: { config: file, logLevel: 'warning', upInterval: '5' },
    env: { ROLLCALL_AGENT_LISTEN: '7101', ROLLCALL_COLLECTOR_WORKERS: 'many' },
  };
  const expected = [
    `${file}:3:3: unknown key \`collector.worker\`; did you mean \`collector.workers\`?`,
    `${file}:1:8: fleet: expected text of the form [a-z0-9_]{1,32}, found \`Prod\``,
    '--log-level: expected one of trace, debug, info, warn, error, found `warning`',
    'ROLLCALL_AGENT_LISTEN: expected host:port, such as 127.0.0.1:7101 or [::1]:7101, found ' +
      '`7101`',
    'ROLLCALL_COLLECTOR_WORKERS: expected a whole number from 0 to 256, found `many`',
    `${file}:4:20: collector.connect_timeout: expected a duration such as 15s, 500ms or 1h30m, ` +
      'from 10ms to 5m, found `3`; it has no unit; did you mean `3s`?',
    '--up-interval: expected a duration such as 15s, 500ms or 1h30m, from 100ms to 1h, found `5`; ' +
      'it has no unit; did you mean `5s`?',
  ];
  t.strictSame(problemsOf(request), expected);
  try {
    loadConfig(request);
    t.fail('the configuration was accepted');
  } catch (error) {
    t.ok(error instanceof ConfigError && error instanceof RollcallError);
    t.match(error, { code: 'config_invalid', retryable: false });
    t.equal((error as ConfigError).problems.length, expected.length);
    t.equal((error as ConfigError).problems[2]?.where, '--log-level');
  }
  t.end();
});

await t.test('what is overridden is checked too', (t) => {
  t.strictSame(
    problemsOf({ flags: { collectorWorkers: '1' }, env: { ROLLCALL_COLLECTOR_WORKERS: '-1' } }),
    ['ROLLCALL_COLLECTOR_WORKERS: expected a whole number from 0 to 256, found `-1`'],
  );
  t.end();
});

await t.test('variables of unrequested sections and unknown ones are not looked at', (t) => {
  const env = {
    ROLLCALL_COLLECTOR_WORKERS: 'many',
    ROLLCALL_COLLECTOR_SERVICE_HOST: '10.0.0.1',
    ROLLCALL_COLLECTOR_PORT: 'tcp://10.0.0.1:7102',
  };
  t.strictSame(problemsOf({ sections: ['agent'], env }), []);
  t.end();
});

await t.test('rules between settings are checked across origins', (t) => {
  const file = join(t.testdir({ 'r.yaml': 'collector:\n  backoff_max: 1s\n' }), 'r.yaml');
  t.strictSame(
    problemsOf({
      flags: { config: file, tlsCertFile: 'a.pem', upNatsPort: '8123' },
      env: {
        ROLLCALL_COLLECTOR_BACKOFF_MIN: '2s',
        ROLLCALL_NATS_USER: 'u',
        ROLLCALL_NATS_TOKEN: 'hunter2',
      },
    }),
    [
      'ROLLCALL_NATS_USER: `nats.user` is set without `nats.password`; set both or neither',
      'ROLLCALL_NATS_TOKEN: `nats.token` and `nats.user` are both set; remove one of them',
      '--tls-cert-file: `tls.cert_file` is set without `tls.key_file`; set both or neither',
      'ROLLCALL_COLLECTOR_BACKOFF_MIN: `collector.backoff_min` (2s) is above ' +
        '`collector.backoff_max` (1s); lower it or raise the other',
      '--up-nats-port: `up.nats_port` (8123) and `up.clickhouse_http_port` (8123) have to ' +
        'differ; change one of them',
    ],
  );
  const ports = { upNatsPort: '0', upClickhouseHttpPort: '0', upClickhouseTcpPort: '0' };
  t.strictSame(problemsOf({ flags: ports }), [], 'free ports may be chosen for all');
  t.strictSame(
    problemsOf({ sections: ['agent'], env: { ROLLCALL_NATS_USER: 'u' } }),
    [],
    'rules of unrequested sections are not checked: their variables may be elsewhere',
  );
  t.end();
});

await t.test('no secret is in an error or a dump, whatever is wrong with it', (t) => {
  const yaml = [
    'nats:',
    '  password: "hunter2\\n"',
    '  token: [hunter2]',
    '  servers: [nats://me:hunter2@n1]',
    'clickhouse: { url: "http://me:hunter2@db", password: "hunter2" }',
    'alerter: { webhooks: [hunter2] }',
  ];
  const file = join(t.testdir({ 'r.yaml': yaml.join('\n') }), 'r.yaml');
  const problems = problemsOf({
    flags: {
      config: file,
      natsPassword: 'hunter2\t',
      alerterWebhooks: ['127.0.0.1:1', 'x hunter2'],
    },
  });
  t.notMatch(problems.join('\n'), /hunter2/);
  t.equal(problems.length, 8);
  t.match(problems.join('\n'), `${file}:2:13: nats.password: expected 1 to 4096 characters`);
  t.match(problems.join('\n'), 'found `nats://***@n1`');

  const env: Record<string, string> = { ROLLCALL_NATS_USER: 'me' };
  const secrets = sectionNames.flatMap(settingsOf).filter(({ setting }) => setting.secret);
  for (const { env: name } of secrets) env[name] = 'https://hunter2';
  delete env['ROLLCALL_NATS_TOKEN'];
  const dump = dumpConfig({ sections: sectionNames, flags: {}, env });
  t.notMatch(dump, /hunter2/);
  t.match(dump, '  # password: a secret, from ROLLCALL_NATS_PASSWORD\n');
  t.end();
});

await t.test('a dump names the origins and loads as the same configuration', (t) => {
  const folder = t.testdir({ 'r.yaml': 'writer: { flush_interval: 2s }\n' });
  const request = {
    sections: sectionNames,
    flags: {
      config: join(folder, 'r.yaml'),
      agentListen: '[::1]:1',
      agentSources: ['cpu,os', 'meminfo'],
      dataDir: '# odd: "path"',
      natsTlsCaFile: 'null',
    },
    env: { ROLLCALL_FLEET: 'staging' },
  };
  const dump = dumpConfig(request);
  t.match(dump, 'fleet: staging # ROLLCALL_FLEET\n');
  t.match(dump, `  flush_interval: 2s # ${join(folder, 'r.yaml')}:1:27\n`);
  t.match(dump, '  listen: "[::1]:1" # --agent-listen\n');
  t.match(dump, '  dials_per_second: 1000 # default\n');
  writeFileSync(join(folder, 'dump.yaml'), dump);
  t.strictSame(
    loadConfig({ sections: sectionNames, flags: { config: join(folder, 'dump.yaml') }, env: {} }),
    loadConfig(request),
  );
  t.end();
});
