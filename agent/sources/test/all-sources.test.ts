import { readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import t from 'tap';
import { encodeCatalogue } from '../../../pipeline/wire/catalogue.ts';
import type { HostPaths } from '../../source.ts';
import { sourceFactories } from '../index.ts';
import { fixture } from './fixture.ts';
import { RecordingSink } from './recording-sink.ts';

const HOST: HostPaths = { procfs: '/proc', sysfs: '/sys', rootfs: '/' };

/** Reads every source twice, so that answers in the background are there. */
async function readAll(paths: HostPaths, sink: RecordingSink): Promise<Record<string, number>> {
  const sources = Object.values(sourceFactories).map((factory) => factory(paths));
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

await t.test('a host without any files has no series but the time', async (t) => {
  const sink = new RecordingSink();
  const values = await readAll(fixture(t, {}), sink);
  t.same(
    Object.keys(values).map((key) => key.split('{')[0]),
    ['node_time_seconds', 'node_time_zone_offset_seconds'],
  );
  t.same(sink.malformations, []);
});

/** Every file that a source reads, below `/proc` and `/sys`, with the given contents. */
function everywhere(contents: string): Parameters<typeof fixture>[1] {
  const files = (...names: string[]): Record<string, string> =>
    Object.fromEntries(names.map((name) => [name, contents]));
  return {
    proc: {
      ...files('stat', 'loadavg', 'meminfo', 'vmstat', 'diskstats', 'schedstat'),
      '1': files('mounts'),
      pressure: files('cpu', 'io', 'memory'),
      net: {
        ...files('dev', 'netstat', 'snmp', 'snmp6', 'sockstat', 'sockstat6', 'softnet_stat'),
        ...files('arp', 'udp', 'udp6'),
        stat: files('nf_conntrack'),
      },
      sys: {
        fs: files('file-nr'),
        net: { netfilter: files('nf_conntrack_count', 'nf_conntrack_max') },
        kernel: {
          ...files('arch', 'ostype', 'hostname', 'osrelease', 'version', 'domainname'),
          random: files('entropy_avail', 'poolsize'),
        },
      },
    },
    sys: {
      class: { thermal: { thermal_zone0: files('type', 'temp') } },
      devices: {
        system: {
          cpu: { cpu0: { cpufreq: files('scaling_cur_freq', 'scaling_max_freq') } },
          clocksource: { clocksource0: files('available_clocksource', 'current_clocksource') },
        },
      },
    },
  };
}

await t.test('hostile contents never throw', async (t) => {
  const real = ['stat', 'diskstats', 'net/dev', 'net/snmp', 'net/sockstat', 'meminfo', '1/mounts'];
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
  hostile.push(
    `eth0:${' 18446744073709551616'.repeat(16)}`,
    'a b\\777 ext4 rw',
    '=\\x\r\n'.repeat(99),
  );
  hostile.push('Tcp: a a a\nTcp: 1 2\nTcp: a\n', 'ffffffffffffffff '.repeat(17), '\ud800\uffff');
  for (const file of real) {
    const contents = readFileSync(`/proc/${file}`, 'latin1');
    for (const share of [0.1, 0.37, 0.8]) hostile.push(contents.slice(0, contents.length * share));
  }
  for (const contents of hostile) {
    const sink = new RecordingSink();
    await readAll(fixture(t, everywhere(contents)), sink);
    t.ok(sink.keys.length >= 2, JSON.stringify(contents.slice(0, 30)));
  }
});

await t.test('random bytes in any file never throw and never disturb a good line', (t) => {
  const paths = fixture(t, { proc: { meminfo: '', net: { dev: '', snmp: '' }, stat: '' } });
  const noise = fc.stringMatching(/^[^\n]{0,80}$/);
  const lines: readonly (readonly [source: string, file: string, good: string, key: string])[] = [
    ['meminfo', 'meminfo', 'Zz: 5 kB', 'node_memory_Zz_bytes'],
    ['stat', 'stat', 'btime 5120', 'node_boot_time_seconds'],
    ['netstat', 'net/snmp', 'Udp: InErrors\nUdp: 5120', 'node_netstat_Udp_InErrors'],
  ];
  for (const [name, file, good, key] of lines) {
    const source = sourceFactories[name]!(paths);
    fc.assert(
      fc.property(fc.array(noise, { maxLength: 4 }), fc.array(noise, { maxLength: 4 }), (a, b) => {
        writeFileSync(`${paths.procfs}/${file}`, [...a, good, ...b].join('\n'));
        return new RecordingSink().tick(sourceFactories[name]!(paths))[key] === 5120;
      }),
      { numRuns: 50 },
    );
    source.close();
  }
  t.end();
});
