import { join } from 'node:path';
import t from 'tap';
import { sourceNames } from '../../../agent/source-names.ts';
import { loadConfig } from '../load.ts';
import { problemsOf } from './problems-of.ts';

/** What is wrong with a file of this text, each line without the file's name. */
function problemsIn(t: Tap, text: string): string[] {
  const file = join(t.testdir({ 'r.yaml': text }), 'r.yaml');
  return problemsOf({ flags: { config: file } }).map((line) => line.replace(`${file}:`, ''));
}

type Tap = Pick<typeof t, 'testdir'>;

await t.test('an unknown key is refused at its place with the nearest known one', (t) => {
  const text = [
    'clikhouse: { url: http://db }',
    'collector:',
    '  # a comment',
    '  dialsPerSecond: 5',
    '  "batch-bytes-max": 1MB',
    'metrics_listen: 127.0.0.1:1',
    'nats:',
    '  fleet: x',
    'zebra: 1',
  ].join('\n');
  t.strictSame(problemsIn(t, text), [
    '1:1: unknown key `clikhouse`; did you mean `clickhouse`?',
    '4:3: unknown key `collector.dialsPerSecond`; did you mean `collector.dials_per_second`?',
    '5:3: unknown key `collector.batch-bytes-max`; did you mean `collector.batch_bytes_max`?',
    '6:1: unknown key `metrics_listen`; did you mean `agent.metrics_listen` or ' +
      '`collector.metrics_listen` or `writer.metrics_listen` or `alerter.metrics_listen`?',
    '8:3: unknown key `nats.fleet`; did you mean `fleet`?',
    '9:1: unknown key `zebra`; the keys here are fleet, log_level, member, data_dir, nats, ' +
      'clickhouse, tls, agent, collector, writer, alerter, up',
  ]);
  t.end();
});

await t.test(
  'a value is refused at its own place, an entry of a list at that of the entry',
  (t) => {
    const text = [
      'agent:',
      '  sources:',
      '    - cpu',
      '    - CPU!',
      '  connections_max:    none',
      'collector: { workers: [1], dials_per_second: { a: 1 } }',
      'nats:',
      '  servers: [n1, {host: n2}]',
    ].join('\r\n');
    t.strictSame(problemsIn(t, text), [
      '6:23: collector.workers: expected a whole number from 0 to 256, found a list',
      '6:46: collector.dials_per_second: expected a whole number from 1 to 100000, found keys and values',
      '8:17: nats.servers: expected host:port, nats://host:port or tls://host:port, found keys and values',
      '5:23: agent.connections_max: expected a whole number from 1 to 1024, found `none`',
      `4:7: agent.sources: expected one of ${sourceNames.join(', ')}, found \`CPU!\`; did you mean \`cpu\`?`,
    ]);
    t.end();
  },
);

await t.test('a section or file of the wrong shape is refused without showing its text', (t) => {
  t.strictSame(problemsIn(t, 'nats: password=hunter2\nup: [1]\n'), [
    '1:7: nats: expected settings such as `key: value`, found a single value',
    '2:5: up: expected settings such as `key: value`, found a list',
  ]);
  t.strictSame(problemsIn(t, '- hunter2'), [
    '1:1: expected sections such as `nats:`, found a list',
  ]);
  t.strictSame(problemsIn(t, '? [a]\n: 1'), ['1:3: expected a key, found a list']);
  t.end();
});

await t.test('empty files, sections and values count as unset', (t) => {
  for (const text of ['', '# nothing\n', '---\n', 'null', 'nats:\ncollector: ~\nfleet: null\n']) {
    t.strictSame(problemsIn(t, text), [], JSON.stringify(text));
  }
  t.strictSame(problemsIn(t, 'fleet: ""'), [
    '1:8: fleet: expected text of the form [a-z0-9_]{1,32}, found nothing',
  ]);
  t.end();
});

await t.test('scalars are taken as they are written', (t) => {
  const text = 'nats: { user: 0123, password: 1e3 }\nclickhouse: { password: true }\n';
  const config = join(t.testdir({ 'r.yaml': text }), 'r.yaml');
  const { nats, clickhouse } = loadConfig({
    sections: ['nats', 'clickhouse'],
    flags: { config },
    env: {},
  });
  t.match(nats, { user: '0123', password: '1e3' });
  t.equal(clickhouse.password, 'true');
  t.end();
});

await t.test('a key may not come twice', (t) => {
  t.strictSame(problemsIn(t, 'fleet: a\nup: { interval: 1s, interval: 2s }\nfleet: b\n'), [
    '2:21: `up.interval` is here a second time; remove one of them',
    '3:1: `fleet` is here a second time; remove one of them',
  ]);
  t.end();
});

await t.test('broken syntax is refused at its place without showing the text', (t) => {
  const cases: [string, string][] = [
    ['fleet: "hunter2', '1:16: not valid YAML: something is missing here'],
    ['nats:\n\tuser: a', '2:1: not valid YAML: indent with spaces instead of tabs'],
    ['fleet: @hunter2', '1:8: not valid YAML: a value that begins with this character'],
    ['fleet: !hunter2 a', '1:8: not valid YAML: `!` begins a tag'],
    ['fleet: "\\qhunter2"', '1:9: not valid YAML: there is no such `\\` escape'],
    ['fleet: a\n---\nfleet: b', '2:1: not valid YAML: a second document begins here'],
    ['fleet: a: hunter2', '1:8: not valid YAML: a second `: ` on one line'],
  ];
  for (const [text, expected] of cases) {
    const found = problemsIn(t, text);
    t.equal(found[0]?.slice(0, expected.length), expected, text);
    t.notMatch(found.join('\n'), /hunter2/, text);
  }
  t.end();
});

await t.test('aliases are refused, so that nothing small becomes large', (t) => {
  const bomb = ['fleet: &a lol', 'nats: &b { servers: [*a, *a] }', 'tls: *b', 'data_dir: *hunter2'];
  const found = problemsIn(t, bomb.join('\n'));
  t.match(found[0], /^1:\d+: not valid YAML: `&` and `\*` begin anchors and aliases/);
  t.match(found[1], /^2:22: nats\.servers: expected .*, found an alias; write the value itself/);
  t.match(found[3], '3:6: tls: expected settings such as `key: value`, found an alias');
  t.match(found[4], /^4:11: data_dir: expected a path, found an alias/);
  t.equal(found.length, 5);
  t.strictSame(problemsIn(t, 'nats: { password: &hunter2 }').length, 1, 'not an unset one');
  t.notMatch(found.join('\n'), /hunter2/);
  t.end();
});

await t.test('a file that is missing, a folder, too large or too deep is named', (t) => {
  const folder = t.testdir({
    'large.yaml': `fleet: a\n${'#'.repeat(2 ** 20)}`,
    'deep.yaml': '['.repeat(50_000),
  });
  const file = (name: string) => join(folder, name);
  t.strictSame(problemsOf({ env: { ROLLCALL_CONFIG: file('none.yaml'), ROLLCALL_FLEET: 'A' } }), [
    `${file('none.yaml')}: cannot be read: there is no such file`,
    'ROLLCALL_FLEET: expected text of the form [a-z0-9_]{1,32}, found `A`',
  ]);
  t.strictSame(problemsOf({ flags: { config: folder } }), [
    `${folder}: cannot be read: it is a folder`,
  ]);
  t.strictSame(problemsOf({ flags: { config: file('large.yaml') } }), [
    `${file('large.yaml')}: is larger than 1MiB, too large for a configuration`,
  ]);
  const deep = problemsOf({ flags: { config: file('deep.yaml') } });
  t.match(deep[0], /deep\.yaml:1:\d+: not valid YAML: it is nested too deeply$/);
  t.strictSame(problemsOf({ flags: { config: '' } }), ['--config: expected a path, found nothing']);
  t.end();
});

await t.test('a file that is wrong everywhere ends in a list that can be read', (t) => {
  const found = problemsIn(t, Array.from({ length: 5000 }, (_, i) => `k${i}:`).join('\n'));
  t.equal(found.length, 100);
  t.match(found[99], /^100:1: unknown key `k99`/);
  t.end();
});

await t.test('what a message repeats is short and on one line', (t) => {
  const [long, control] = problemsIn(t, `fleet: "a\\n\\e[31m"\nlog_level: ${'x'.repeat(500)}\n`);
  t.match(long, 'found `a\\u{a}\\u{1b}[31m`');
  t.match(control, `found \`${'x'.repeat(80)}…\``);
  t.end();
});
