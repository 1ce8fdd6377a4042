import { writeFileSync } from 'node:fs';
import t from 'tap';
import { conntrackSource } from '../conntrack.ts';
import { cpuSource } from '../cpu.ts';
import { entropySource } from '../entropy.ts';
import { filefdSource } from '../filefd.ts';
import { loadavgSource } from '../loadavg.ts';
import { meminfoSource } from '../meminfo.ts';
import { pageBytes, pageBytesFrom } from '../page-size.ts';
import { pressureSource } from '../pressure.ts';
import { schedstatSource } from '../schedstat.ts';
import { statSource } from '../stat.ts';
import { unameSource } from '../uname.ts';
import { vmstatSource } from '../vmstat.ts';
import { fixture } from './fixture.ts';
import { RecordingSink } from './recording-sink.ts';

const STAT = [
  'cpu  30 3 6 400 5 6 7 8 9 10',
  'cpu0 10 1 2 300 4 5 6 7 8 9',
  'cpu12 20 2 4 100 1 1 1 1 1 1',
  `intr 880593 0 0 ${'0 '.repeat(300)}`,
  'ctxt 2078246',
  'btime 1795373714',
  'processes 3812',
  'procs_running 1',
  'procs_blocked 2',
  'softirq 133833 0 19759',
  '',
].join('\n');

await t.test('cpu times come from the lines of the CPUs', (t) => {
  const paths = fixture(t, { proc: { stat: STAT } });
  const sink = new RecordingSink();
  const source = cpuSource(paths);
  const values = sink.tick(source);
  t.equal(Object.keys(values).length, 20);
  const modes = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'];
  t.same(
    modes.map((mode) => values[`node_cpu_seconds_total{cpu="0",mode="${mode}"}`]),
    [0.1, 0.01, 0.02, 3, 0.04, 0.05, 0.06, 0.07],
  );
  t.equal(values['node_cpu_guest_seconds_total{cpu="12",mode="user"}'], 0.01);
  t.equal(values['node_cpu_guest_seconds_total{cpu="0",mode="nice"}'], 0.09);
  t.same(sink.kinds(), [
    'node_cpu_seconds_total counter seconds',
    'node_cpu_guest_seconds_total counter seconds',
  ]);
  source.close();
  t.end();
});

await t.test('a small fall of a cpu counter is held, a large one is a restart', (t) => {
  const paths = fixture(t, { proc: { stat: 'cpu0 10 0 0 1000 50\n' } });
  const sink = new RecordingSink();
  const source = cpuSource(paths);
  const tick = (line: string): (number | undefined)[] => {
    writeFileSync(`${paths.procfs}/stat`, line);
    const values = sink.tick(source);
    return ['user', 'idle', 'iowait'].map(
      (mode) => values[`node_cpu_seconds_total{cpu="0",mode="${mode}"}`],
    );
  };
  t.same(tick('cpu0 10 0 0 1000 50\n'), [0.1, 10, 0.5]);
  t.same(tick('cpu0 11 0 0 999 40\n'), [0.11, 10, 0.5]);
  t.same(tick('cpu0 1 0 0 2 3\n'), [0.01, 0.02, 0.03]);
  t.same(tick('cpu0 1 0 x 2 3\n'), [undefined, undefined, undefined]);
  t.same(sink.malformations, ['cpu: cpu0 1 0 x 2 3']);
  source.close();
  t.end();
});

await t.test('stat shows what is not about one CPU', (t) => {
  const sink = new RecordingSink();
  t.same(sink.tick(statSource(fixture(t, { proc: { stat: STAT } }))), {
    node_intr_total: 880593,
    node_context_switches_total: 2078246,
    node_boot_time_seconds: 1795373714,
    node_forks_total: 3812,
    node_procs_running: 1,
    node_procs_blocked: 2,
  });
  t.same(sink.malformations, []);
  t.end();
});

await t.test('loadavg, file-nr and the entropy pool are single lines of numbers', (t) => {
  const paths = fixture(t, {
    proc: {
      loadavg: '0.20 0.18 1.05 3/456 789\n',
      sys: {
        fs: { 'file-nr': '1024\t0\t9223372036854775807\n' },
        kernel: { random: { entropy_avail: '255\n', poolsize: '256' } },
      },
    },
  });
  const sink = new RecordingSink();
  t.same(sink.tick(loadavgSource(paths)), { node_load1: 0.2, node_load5: 0.18, node_load15: 1.05 });
  t.same(sink.tick(filefdSource(paths)), {
    node_filefd_allocated: 1024,
    node_filefd_maximum: 2 ** 63,
  });
  const entropy = entropySource(paths);
  const expected = { node_entropy_available_bits: 255, node_entropy_pool_size_bits: 256 };
  t.same(sink.tick(entropy), expected);
  t.same(sink.tick(entropy), expected, 'also while the pool size is not read again');
  t.end();
});

await t.test('meminfo shows every line, in bytes if it has a unit', (t) => {
  const meminfo = [
    'MemTotal:       24684100 kB',
    'Active(anon):       1532 kB',
    'Committed_AS:     142360 kB',
    'HugePages_Total:       7',
    'VmallocTotal:   34359738367 kB',
    'Odd-Name:   1 kB',
    'Broken:     kB',
    'DirectMap4k:       28672 kB',
  ];
  const sink = new RecordingSink();
  t.same(sink.tick(meminfoSource(fixture(t, { proc: { meminfo: meminfo.join('\n') } }))), {
    node_memory_MemTotal_bytes: 24684100 * 1024,
    node_memory_Active_anon_bytes: 1532 * 1024,
    node_memory_Committed_AS_bytes: 142360 * 1024,
    node_memory_HugePages_Total: 7,
    node_memory_VmallocTotal_bytes: 35_184_372_087_808,
    node_memory_DirectMap4k_bytes: 28672 * 1024,
  });
  t.same(sink.malformations, [
    'meminfo: no metric name: Odd-Name:   1 kB',
    'meminfo: no number: Broken:     kB',
  ]);
  t.end();
});

await t.test('vmstat shows the paging fields alone', (t) => {
  const names = ['nr_free_pages', 'pgpgin', 'pgpgout', 'pswpin', 'pgfault', 'pgmajfault'];
  names.push('pgalloc_dma', 'oom_kill', 'oom_killer', 'npgpgin');
  const vmstat = names.map((name, i) => `${name} ${i}\n`).join('');
  const sink = new RecordingSink();
  t.same(sink.tick(vmstatSource(fixture(t, { proc: { vmstat } }))), {
    node_vmstat_pgpgin: 1,
    node_vmstat_pgpgout: 2,
    node_vmstat_pswpin: 3,
    node_vmstat_pgfault: 4,
    node_vmstat_pgmajfault: 5,
    node_vmstat_oom_kill: 7,
    node_vmstat_oom_killer: 8,
  });
  t.match(sink.kinds(), [/^node_vmstat_pgpgin untyped $/]);
  t.end();
});

function pressureFile(some: number, full: number): string {
  return (
    `some avg10=0.04 avg60=0.18 avg300=0.63 total=${some}\n` +
    `full avg10=0.00 avg60=0.00 avg300=0.00 total=${full}\n`
  );
}

await t.test('pressure totals are seconds of waiting and of standing still', (t) => {
  const paths = fixture(t, {
    proc: {
      pressure: {
        cpu: pressureFile(16862116, 1),
        io: pressureFile(1629925, 2),
        memory: 'some total=x\n',
      },
    },
  });
  const sink = new RecordingSink();
  t.same(sink.tick(pressureSource(paths)), {
    node_pressure_cpu_waiting_seconds_total: 16.862116,
    node_pressure_io_waiting_seconds_total: 1629925 / 1000 / 1000,
    node_pressure_io_stalled_seconds_total: 0.000002,
  });
  t.same(sink.malformations, ['pressure: some total=x']);
  t.end();
});

await t.test('schedstat shows fields 7 to 9 of each CPU', (t) => {
  const schedstat = [
    'version 17',
    'timestamp 4295061203',
    'cpu0 1 2 3 4 5 6 2045936778163039 343796328169361 4767485306',
    'domain0 00000003 0 0 0',
    'cpu1 1 2 3 4 5 6 7',
  ];
  const sink = new RecordingSink();
  t.same(sink.tick(schedstatSource(fixture(t, { proc: { schedstat: schedstat.join('\n') } }))), {
    'node_schedstat_running_seconds_total{cpu="0"}': 2045936.778163039,
    'node_schedstat_waiting_seconds_total{cpu="0"}': 343796.328169361,
    'node_schedstat_timeslices_total{cpu="0"}': 4767485306,
  });
  t.same(sink.malformations, ['schedstat: cpu1 1 2 3 4 5 6 7']);
  t.end();
});

function conntrackLine(first: number): string {
  return Array.from({ length: 17 }, (_, i) => (first + i).toString(16).padStart(8, '0')).join(' ');
}

await t.test('connection tracking is summed over the CPUs', (t) => {
  const paths = fixture(t, {
    proc: {
      net: {
        stat: {
          nf_conntrack: `entries searched …\n${conntrackLine(1)}\n${conntrackLine(100)}\n12 zz\n`,
        },
      },
      sys: { net: { netfilter: { nf_conntrack_count: '12\n', nf_conntrack_max: '262144\n' } } },
    },
  });
  const sink = new RecordingSink();
  t.same(sink.tick(conntrackSource(paths)), {
    node_nf_conntrack_entries: 12,
    node_nf_conntrack_entries_limit: 262144,
    node_nf_conntrack_stat_found: 105,
    node_nf_conntrack_stat_invalid: 109,
    node_nf_conntrack_stat_ignore: 111,
    node_nf_conntrack_stat_insert: 117,
    node_nf_conntrack_stat_insert_failed: 119,
    node_nf_conntrack_stat_drop: 121,
    node_nf_conntrack_stat_early_drop: 123,
    node_nf_conntrack_stat_search_restart: 133,
  });
  t.same(sink.malformations, ['conntrack: 12 zz']);
  t.end();
});

function unameKey(name: string): string {
  return `node_uname_info{domainname="(none)",machine="riscv64",nodename="${name}",release="6.18.1",sysname="Linux",version="#1 SMP"}`;
}

await t.test('uname follows a change of the host name', (t) => {
  const kernel = {
    arch: 'riscv64\n',
    ostype: 'Linux\n',
    hostname: 'old\n',
    osrelease: '6.18.1\n',
    version: '#1 SMP\n',
    domainname: '(none)\n',
  };
  const paths = fixture(t, { proc: { sys: { kernel } } });
  const sink = new RecordingSink();
  const source = unameSource(paths);
  t.same(sink.tick(source), { [unameKey('old')]: 1 });
  writeFileSync(`${paths.procfs}/sys/kernel/hostname`, 'new\n');
  t.same(sink.tick(source), { [unameKey('old')]: 1 });
  source.close();
  t.same(sink.tick(source), { [unameKey('new')]: 1 });
  t.end();
});

await t.test('the size of a page is the one that the kernel told this process', (t) => {
  t.ok(pageBytes >= 4096 && Number.isInteger(Math.log2(pageBytes)));
  t.equal(pageBytesFrom(Buffer.alloc(0)), 4096);
  const vector = Buffer.from(new BigUint64Array([3n, 4096n, 6n, 65536n, 0n, 0n]).buffer);
  t.equal(pageBytesFrom(vector), 65536);
  t.end();
});
