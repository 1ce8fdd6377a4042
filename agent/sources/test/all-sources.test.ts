import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import t from 'tap';
import { encodeCatalogue } from '../../../pipeline/wire/catalogue.ts';
import { richHost } from '../../test/host/rich-host.ts';
import { writeHost } from '../../test/host/host-files.ts';
import type { SourceName } from '../../source-names.ts';
import type { HostPaths, Source } from '../../source.ts';
import { SELDOM_READS } from '../kernel-file.ts';
import { sourceFactories } from '../index.ts';
import { fixture } from './fixture.ts';
import { RecordingSink } from './recording-sink.ts';

const HOST: HostPaths = { procfs: '/proc', sysfs: '/sys', rootfs: '/' };

function openAll(paths: HostPaths): Source[] {
  return Object.values(sourceFactories).map((factory) => factory(paths));
}

/** Reads every source twice, so that answers in the background are there. */
async function readAll(paths: HostPaths, sink: RecordingSink): Promise<Record<string, number>> {
  const sources = openAll(paths);
  let values: Record<string, number> = {};
  for (let tick = 0; tick < 2; tick++) {
    values = Object.assign({}, ...sources.map((source) => sink.tick(source)));
    for (let turn = 0; turn < 5; turn++) await setImmediate();
  }
  for (const source of sources) source.close();
  return values;
}

/** What a file says, parsed the plain way: the words of each line. */
function words(path: string): string[][] {
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split(/[\s:]+/));
}

await t.test('sources have the names they are listed under', (t) => {
  const names = Object.entries(sourceFactories).map(([name, factory]) => {
    const source = factory(HOST);
    source.close();
    t.equal(source.name, name);
    return name;
  });
  t.same(names, names.toSorted());
  t.end();
});

await t.test('this host says what its files say', async (t) => {
  const sink = new RecordingSink();
  const before = new Map(words('/proc/stat').map((line) => [line[0], line]));
  const values = await readAll(HOST, sink);
  const after = new Map(words('/proc/stat').map((line) => [line[0], line]));
  t.same(sink.malformations, []);
  t.ok(Object.keys(values).length >= 100, `${Object.keys(values).length} series`);

  t.equal(values['node_boot_time_seconds'], Number(before.get('btime')?.[1]));
  const between = (key: string, name: string | undefined, column: number, divisor = 1): void => {
    const [low, high] = [before, after].map((stat) => Number(stat.get(name)?.[column]) / divisor);
    const value = values[key] ?? NaN;
    t.ok(value >= low! && value <= high!, `${key}: ${low} <= ${value} <= ${high}`);
  };
  between('node_context_switches_total', 'ctxt', 1);
  between('node_intr_total', 'intr', 1);
  between('node_forks_total', 'processes', 1);
  for (const [name] of before) {
    const cpu = /^cpu(\d+)$/.exec(name ?? '')?.[1];
    if (cpu === undefined) continue;
    between(`node_cpu_seconds_total{cpu="${cpu}",mode="user"}`, name, 1, 100);
    between(`node_cpu_seconds_total{cpu="${cpu}",mode="system"}`, name, 3, 100);
  }

  const meminfo = words('/proc/meminfo');
  const memory = Object.keys(values).filter((key) => key.startsWith('node_memory_'));
  t.equal(memory.length, meminfo.length);
  const total = meminfo.find(([name]) => name === 'MemTotal')?.[1];
  t.equal(values['node_memory_MemTotal_bytes'], Number(total) * 1024);

  const devices = words('/proc/net/dev')
    .slice(2)
    .map(([name]) => name);
  for (const device of devices) {
    t.type(values[`node_network_receive_bytes_total{device="${device}"}`], 'number');
  }
  const uname = Object.keys(values).find((key) => key.startsWith('node_uname_info'));
  t.ok(uname?.includes(`nodename="${hostname()}"`));
});

await t.test('what all sources declare makes a valid catalogue', async (t) => {
  const sink = new RecordingSink();
  await readAll(HOST, sink);
  const series = sink.keys.map((key, slot) => ({
    ...sink.metrics[slot]!,
    labels: [...key.matchAll(/[{,]([a-z_]+)=("(?:[^"\\]|\\.)*")/g)].map(
      ([, label = '', value = '""']) => [label, JSON.parse(value) as string] as const,
    ),
  }));
  t.equal(encodeCatalogue(series).series.length, sink.keys.length);
  t.ok(sink.metrics.every(({ help }) => help.length > 10 && !help.includes('\n')));
});

/** Sources that speak of the machine itself, whatever the paths are. */
const OF_THE_MACHINE = ['node_time_', 'node_timex_', 'rollcall_agent_'];

function ofFiles(values: Record<string, number>): string[] {
  return Object.keys(values).filter(
    (key) => !OF_THE_MACHINE.some((prefix) => key.startsWith(prefix)),
  );
}

await t.test('a host without any files has no series of files', async (t) => {
  const sink = new RecordingSink();
  const values = await readAll(fixture(t, {}), sink);
  t.same(ofFiles(values), []);
  t.equal(typeof values['node_time_seconds'], 'number');
  t.same(sink.malformations, []);
});

await t.test(
  'a server with everything has thousands of series and nothing malformed',
  async (t) => {
    const sink = new RecordingSink();
    const values = await readAll(writeHost(t.testdir(), richHost), sink);
    t.ok(ofFiles(values).length > 2000, `${ofFiles(values).length} series`);
    t.same(sink.malformations, []);
  },
);

await t.test('a host whose files vanish loses its series and nothing else', async (t) => {
  const directory = t.testdir();
  const sources = openAll(writeHost(directory, richHost));
  const sink = new RecordingSink();
  for (const source of sources) sink.tick(source);
  for (const top of ['proc', 'sys', 'root']) rmSync(`${directory}/${top}`, { recursive: true });
  let left: string[] = [];
  // Descriptors of deleted files go on being readable here, which those of the kernel do not.
  for (let read = 0; read <= SELDOM_READS; read += 1) {
    left = sources.flatMap((source) => Object.keys(sink.tick(source)));
  }
  t.equal(left.filter((key) => key.startsWith('node_hwmon_')).length, 0);
  t.equal(left.filter((key) => key.startsWith('node_filesystem_size_')).length, 0);
  t.same(sink.malformations, []);
  for (const source of sources) source.close();
});

/** Contents that no kernel would give, and the beginnings of some that it does. */
function hostileContents(): string[] {
  const hostile = [
    '',
    '\n\n\n',
    ' ',
    ':',
    ': :\n:',
    'cpu0',
    '\u0000'.repeat(5000),
    '-'.repeat(9000),
  ];
  hostile.push('9'.repeat(100_000), `cpu0 ${'9'.repeat(500)} 1 1 1\n`, '1 1 x\n'.repeat(3000));
  hostile.push('md0 : active raid1 sda[0]\n      5 blocks [2/\n', '-1', '1e999', 'NaN', 'max');
  hostile.push(
    `eth0:${' 18446744073709551616'.repeat(16)}`,
    'a b\\777 ext4 rw',
    '=\\x\r\n'.repeat(99),
  );
  hostile.push('Tcp: a a a\nTcp: 1 2\nTcp: a\n', 'ffffffffffffffff '.repeat(17), '\ud800\uffff');
  for (const file of ['stat', 'diskstats', 'net/dev', 'net/snmp', 'meminfo', '1/mounts']) {
    const contents = readFileSync(`/proc/${file}`, 'latin1');
    for (const share of [0.1, 0.37, 0.8]) hostile.push(contents.slice(0, contents.length * share));
  }
  return hostile;
}

await t.test('hostile contents in every file of a server never throw', async (t) => {
  const paths = Object.entries(richHost).filter(([, contents]) => typeof contents === 'string');
  const directory = t.testdir();
  const host = writeHost(directory, richHost);
  for (const contents of hostileContents()) {
    for (const [path] of paths) writeFileSync(`${directory}/${path}`, contents);
    const sink = new RecordingSink();
    await readAll(host, sink);
    t.ok(sink.keys.length >= 2, JSON.stringify(contents.slice(0, 30)));
  }
});

await t.test('folders in the place of files never throw', async (t) => {
  const paths = Object.entries(richHost).filter(([, contents]) => typeof contents === 'string');
  const folders = Object.fromEntries(paths.map(([path]) => [`${path}/folder`, 'x']));
  const sink = new RecordingSink();
  await readAll(writeHost(t.testdir(), folders), sink);
  t.ok(sink.keys.length >= 2);
});

await t.test('random bytes in any file never throw and never disturb a good line', (t) => {
  const paths = fixture(t, { proc: { meminfo: '', net: { dev: '', snmp: '' }, stat: '' } });
  const noise = fc.stringMatching(/^[^\n]{0,80}$/);
  const lines: readonly (readonly [source: SourceName, file: string, good: string, key: string])[] =
    [
      ['meminfo', 'meminfo', 'Zz: 5 kB', 'node_memory_Zz_bytes'],
      ['stat', 'stat', 'btime 5120', 'node_boot_time_seconds'],
      ['netstat', 'net/snmp', 'Udp: InErrors\nUdp: 5120', 'node_netstat_Udp_InErrors'],
    ];
  for (const [name, file, good, key] of lines) {
    const source = sourceFactories[name](paths);
    fc.assert(
      fc.property(fc.array(noise, { maxLength: 4 }), fc.array(noise, { maxLength: 4 }), (a, b) => {
        writeFileSync(`${paths.procfs}/${file}`, [...a, good, ...b].join('\n'));
        return new RecordingSink().tick(sourceFactories[name](paths))[key] === 5120;
      }),
      { numRuns: 50 },
    );
    source.close();
  }
  t.end();
});
