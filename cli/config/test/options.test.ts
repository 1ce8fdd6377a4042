import { Command } from 'commander';
import t from 'tap';
import { loadConfig } from '../load.ts';
import { named, sectionNames, settingsOf } from '../named-setting.ts';
import { addOptions, optionsFor } from '../options.ts';
import { settingsReference } from '../reference.ts';
import { setting } from '../setting.ts';
import { sections } from '../settings.ts';
import { boolean, Refusal } from '../value-type.ts';

const all = sectionNames.flatMap(settingsOf);
const find = (yaml: string) => all.find((named) => named.yaml === yaml);

await t.test('no two settings share a flag, a variable, a YAML key or an attribute', (t) => {
  for (const name of ['flag', 'env', 'yaml', 'attribute'] as const) {
    const names = all.map((named) => named[name]);
    t.strictSame([...new Set(names)], names, name);
  }
  const general = settingsOf('general').map(({ yamlKey }) => yamlKey);
  t.strictSame(
    general.filter((key) => key in sections),
    [],
    'no section is called as a general key',
  );
  t.equal(
    all.some(({ attribute, env }) => attribute === 'config' || env === 'ROLLCALL_CONFIG'),
    false,
  );
  t.end();
});

await t.test('the names of a setting follow from its place in the table', (t) => {
  t.match(find('collector.dials_per_second'), {
    flag: '--collector-dials-per-second',
    shortFlag: '--dials-per-second',
    attribute: 'collectorDialsPerSecond',
    env: 'ROLLCALL_COLLECTOR_DIALS_PER_SECOND',
  });
  t.match(find('log_level'), { flag: '--log-level', env: 'ROLLCALL_LOG_LEVEL' });
  t.match(find('collector.batch_delay_max'), { key: 'batchDelayMsMax' }, 'no Ms where units are');
  t.match(find('tls.insecure'), { flag: '--insecure', env: 'ROLLCALL_TLS_INSECURE' });
  t.end();
});

await t.test('every setting is complete: help, a sound default, and Ms in a duration key', (t) => {
  for (const { yaml, key, setting } of all) {
    t.match(setting.help, /^[A-Z].*\.$/, yaml);
    t.equal(/Ms(?![a-z])/.test(key), setting.type.name === 'duration', yaml);
    t.equal(/Bytes(?![a-z])/.test(key), setting.type.name === 'bytes', yaml);
    if (setting.list || setting.default === undefined) continue;
    t.notOk(setting.type.parse(setting.default) instanceof Refusal, yaml);
  }
  t.end();
});

await t.test('a command takes the options of its sections into the configuration', (t) => {
  const command = addOptions(new Command('collector'), ['general', 'nats', 'tls', 'collector']);
  const args = '--workers 2 --collector-backoff-min 1s --nats-servers a --nats-servers b,c';
  command.parse([...args.split(' '), '--insecure', '--fleet', 'x'], { from: 'user' });
  const config = loadConfig({
    sections: ['general', 'nats', 'tls', 'collector'],
    flags: command.opts(),
    env: {},
  });
  t.equal(config.collector.workers, 2, 'its own section need not be said');
  t.equal(config.collector.backoffMsMin, 1000, 'but may be');
  t.strictSame(config.nats.servers, ['nats://a:4222', 'nats://b:4222', 'nats://c:4222']);
  t.equal(config.tls.insecure, true);
  t.equal(config.general.fleet, 'x');
  t.equal(config.collector.dialsPerSecond, 1000);
  t.end();
});

await t.test('every section can have a command that takes all sections', (t) => {
  for (const name of sectionNames) {
    t.doesNotThrow(() => addOptions(new Command(name), sectionNames), name);
  }
  const command = addOptions(new Command('up'), sectionNames);
  command.parse(['--interval', '1s', '--writer-flush-interval', '2s'], { from: 'user' });
  const config = loadConfig({ sections: ['up', 'writer'], flags: command.opts(), env: {} });
  t.equal(config.up.intervalMs, 1000);
  t.equal(config.writer.flushIntervalMs, 2000);
  t.end();
});

await t.test('only a boolean that is true by default has a --no- form', (t) => {
  const negatable = named('agent', 'replay', setting(boolean(), { default: 'true', help: 'H.' }));
  t.strictSame(
    optionsFor(negatable, true).map(({ flags }) => flags),
    ['--replay, --agent-replay', '--no-replay, --no-agent-replay'],
  );
  const parse = (...args: string[]) => {
    const command = new Command('agent');
    for (const option of optionsFor(negatable, true)) command.addOption(option);
    return command.parse(args, { from: 'user' }).opts()[negatable.attribute] as unknown;
  };
  t.equal(parse(), undefined);
  t.equal(parse('--no-replay'), false);
  t.equal(parse('--no-agent-replay'), false);
  t.equal(parse('--agent-replay'), true);
  const flags = addOptions(new Command('up'), sectionNames).options.map(({ flags }) => flags);
  t.ok(flags.includes('--insecure'));
  t.notOk(flags.includes('--no-insecure'));
  t.end();
});

await t.test('help tells description, unit, range, default and variable, by section', (t) => {
  const command = addOptions(new Command('collector'), ['collector', 'general', 'nats']);
  const help = command.helpInformation();
  const wide = help.replace(/\s+/g, ' ');
  t.match(help, '\nCollector:\n  --workers, --collector-workers <number>\n      Worker threads;');
  t.ok(help.indexOf('\nGeneral:\n') < help.indexOf('\nNATS:\n'));
  t.notMatch(help, 'ClickHouse:');
  t.match(
    wide,
    'Connections that this collector opens in a second. (connections/s; 1 to 100000; default ' +
      '1000) [env: ROLLCALL_COLLECTOR_DIALS_PER_SECOND]',
  );
  t.match(wide, '(repeat or part by commas; default nats://127.0.0.1:4222)');
  t.match(wide, 'Password of the user. (default none; shows in the process list');
  t.match(wide, '--config <file> YAML file with settings [env: ROLLCALL_CONFIG]');
  t.ok(
    help.split('\n').every((line) => line.startsWith('  --') || line.length <= 80),
    'descriptions keep to the width',
  );
  for (const { flag } of settingsOf('collector')) t.match(help, `${flag} <`);
  t.end();
});

await t.test('the reference has a row for every setting, in aligned tables', (t) => {
  const lines = settingsReference().split('\n');
  const rows = lines.filter((line) => line.startsWith('| `'));
  t.equal(rows.length, all.length);
  for (const [index, { yaml, flag, env, setting }] of all.entries()) {
    const row = rows[index]!;
    t.match(row, new RegExp(`^\\| \`${yaml}\` +\\| \`${flag}\` +\\| \`${env}\` +\\|`));
    t.ok(row.includes(setting.help), yaml);
    t.ok(row.includes(setting.default === undefined ? setting.unset : setting.default), yaml);
  }
  const titles = lines.filter((line) => line.startsWith('## ')).map((line) => line.slice(3));
  t.strictSame(
    titles,
    sectionNames.map((name) => sections[name].title),
  );
  t.end();
});
