import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import t, { type Test } from 'tap';
import fc from 'fast-check';
import type { HostPaths, Source, SourceOptions } from '../../source.ts';
import { writeHost } from '../../test/host/host-files.ts';
import { textfileFiles } from '../../test/host/textfile.ts';
import { startChild, type ChildEnd, type StartChild } from '../child-output.ts';
import { SELDOM_READS } from '../kernel-file.ts';
import { PROM_FILES_MAX } from '../prom-directory.ts';
import { PROM_FILE_BYTES_MAX, PROM_FILE_SAMPLES_MAX } from '../prom-file.ts';
import { goNumber, parseNumber } from '../prom-number.ts';
import { parsePromText } from '../prom-text.ts';
import { parseSystemdTime } from '../systemctl.ts';
import { systemdSource } from '../systemd.ts';
import { textfileSource } from '../textfile.ts';
import { RecordingSink } from './recording-sink.ts';

const DIRECTORY = '/var/lib/prometheus/node-exporter';
/** Later than any file is written: only what has another time stamp is looked at again. */
const MUCH_LATER_MS = 4_000_000_000_000;
const ERROR = 'node_textfile_scrape_error';

/** A host with a directory of files, to which a test writes. */
class TextFileHost {
  readonly sink = new RecordingSink();
  readonly source: Source;
  readonly directory: string;
  nowMs = MUCH_LATER_MS;

  constructor(t: Test, options?: SourceOptions) {
    const paths = writeHost(t.testdir({}));
    this.directory = `${paths.rootfs}${DIRECTORY}`;
    mkdirSync(this.directory, { recursive: true });
    this.source = textfileSource(paths, options, () => this.nowMs);
  }

  /** Each writing has a time stamp of its own. */
  write(name: string, text: string | Buffer, modifiedSeconds: number): void {
    writeFileSync(`${this.directory}/${name}`, text);
    utimesSync(`${this.directory}/${name}`, modifiedSeconds, modifiedSeconds);
    utimesSync(this.directory, modifiedSeconds, modifiedSeconds);
  }

  /** All series but the times of the files. */
  series(): Record<string, number> {
    const all = Object.entries(this.sink.tick(this.source));
    return Object.fromEntries(all.filter(([key]) => !key.startsWith('node_textfile_mtime')));
  }

  /** What was complained about since the last call. */
  complaints(): string[] {
    return this.sink.malformations.splice(0);
  }
}

await t.test('textfile shows what node_exporter shows of the same files', (t) => {
  const paths = writeHost(t.testdir({}), textfileFiles);
  for (const name of ['apt', 'smartmon', 'backup', 'empty']) {
    utimesSync(`${paths.rootfs}${DIRECTORY}/${name}.prom`, 1_700_000_000, 1_700_000_000.75);
  }
  const sink = new RecordingSink();
  const source = textfileSource(paths);
  const expected = {
    'apt_upgrades_pending{arch="amd64",origin="Debian:bookworm-security/stable-security"}': 3,
    'apt_upgrades_pending{arch="all",origin="Debian:bookworm/stable"}': 11,
    node_reboot_required: 1,
    [`node_textfile_mtime_seconds{file="${DIRECTORY}/apt.prom"}`]: 1_700_000_000,
    'backup_duration_seconds_bucket{job="home",le="60"}': 12,
    'backup_duration_seconds_bucket{job="home",le="1000"}': 15,
    'backup_duration_seconds_bucket{job="home",le="1e+06"}': 17,
    'backup_duration_seconds_bucket{job="home",le="+Inf"}': 17,
    'backup_duration_seconds_sum{job="home"}': 40_312.25,
    'backup_duration_seconds_count{job="home"}': 17,
    'backup_duration_seconds_bucket{job="mail",le="60"}': 1,
    'backup_duration_seconds_bucket{job="mail",le="+Inf"}': 2,
    'backup_duration_seconds_sum{job="mail"}': 7,
    'backup_duration_seconds_count{job="mail"}': 2,
    'backup_speed_bytes{quantile="0.5"}': 1.5e8,
    'backup_speed_bytes{quantile="0.99"}': NaN,
    backup_speed_bytes_sum: 1.2e9,
    backup_speed_bytes_count: 8,
    'backup_files_total{job="home"}': 4711,
    'backup_files_total{job="mail"}': 5,
    backup_last_error: -Infinity,
    backup_limit: Infinity,
    backup_offset_seconds: -0.25,
    [`node_textfile_mtime_seconds{file="${DIRECTORY}/backup.prom"}`]: 1_700_000_000,
    [`node_textfile_mtime_seconds{file="${DIRECTORY}/empty.prom"}`]: 1_700_000_000,
    'smartmon_device_active{disk="/dev/sda",type="sat"}': 1,
    'smartmon_power_on_hours_raw_value{disk="/dev/sda",smart_id="9",type="sat"}': 41_234,
    'smartctl_version{version="7.3"}': 1,
    [`node_textfile_mtime_seconds{file="${DIRECTORY}/smartmon.prom"}`]: 1_700_000_000,
    [ERROR]: 0,
  };
  const info = Object.entries(sink.tick(source)).filter(([key]) =>
    key.startsWith('smartmon_device_info'),
  );
  t.match(info, [
    [
      /device_model="ST4000NM0035-1V4107".*,model_family="Example \\"Disk\\" C:\\\\1",product=""/,
      1,
    ],
  ]);
  const { [info[0]![0]]: _, ...rest } = sink.tick(source);
  t.same(rest, expected);
  t.same(Object.keys(rest), Object.keys(expected));
  t.same(sink.malformations, []);
  const kinds = sink.kinds();
  for (const kind of [
    'apt_upgrades_pending gauge ',
    'backup_duration_seconds_bucket histogram seconds',
    'backup_duration_seconds_count histogram seconds',
    'backup_speed_bytes summary bytes',
    'backup_speed_bytes_sum summary bytes',
    'backup_files_total counter ',
    'backup_last_error untyped ',
  ]) {
    t.ok(kinds.includes(kind), kind);
  }
  const help = (name: string): string | undefined =>
    sink.metrics.find((metric) => metric.name === name)?.help;
  t.equal(help('backup_duration_seconds_sum'), String.raw`Time a backup took, by job and \ path.`);
  t.equal(help('smartctl_version'), `Read from ${DIRECTORY}/smartmon.prom.`);
  source.close();
  t.end();
});

await t.test('one wrong line and a file counts as a whole', (t) => {
  const wrong = [
    'x 1',
    'x 1 \n',
    'x\n',
    'x 1 1700000000000\n',
    'x 1 y\n',
    'x 0x10\n',
    'x 1_000\n',
    'x 1e400\n',
    'x +nan\n',
    'x 1\r\n',
    '9x 1\n',
    'é 1\n',
    'x{9="1"} 1\n',
    'x{a:b="1"} 1\n',
    'x{a=1} 1\n',
    'x{a="1} 1\n',
    'x{a="1" b="2"} 1\n',
    'x{a="1",,b="2"} 1\n',
    'x{a="1",a="1"} 1\n',
    'x{__name__="y"} 1\n',
    'x{a="\\t"} 1\n',
    'x{a="1"\n} 1\n',
    '# comment',
    '# HELP x y\n# HELP x y\nx 1\n',
    '# HELP x \\t\nx 1\n',
    '# HELP x-y z\n',
    '# TYPE x gauge\n# TYPE x gauge\nx 1\n',
    'x 1\n# TYPE x gauge\n',
    '# TYPE x number\n',
    '# TYPE x gauge \n',
    '# TYPE x histogram\nx_bucket{le="a"} 1\n',
    '# TYPE x summary\nx{quantile=""} 1\n',
  ];
  const host = new TextFileHost(t);
  for (const [index, text] of wrong.entries()) {
    host.write('a.prom', 'good 1\n', index);
    t.same(host.series(), { good: 1, [ERROR]: 0 });
    t.same(host.complaints(), []);
    host.write('a.prom', `good 1\n${text}`, index + 0.5);
    t.same(host.series(), { [ERROR]: 1 }, JSON.stringify(text));
    t.equal(host.complaints().length, 1);
    t.same(host.series(), { [ERROR]: 1 });
    t.same(host.complaints(), [], 'once for each writing');
  }
  const odd = Buffer.from('x{a="\xff"} 1\n', 'latin1');
  t.match(parsePromText(odd, 10), { refused: 'line 1: wrong labels' });
  host.source.close();
  t.end();
});

await t.test('what only looks odd is understood', (t) => {
  const host = new TextFileHost(t);
  const text = [
    '#',
    '# TYPE',
    '# HELP x',
    '#TYPE x Counter',
    '# HELP y \u00e9\r',
    '# TYPE z histogram',
    'z{a="1"} 5',
    'z_bucket 5',
    'x{} .5',
    ' x { a = "\\"\\\\\\n", } -5.e-1',
    'y{a=""} iNfInItY',
    'z_count{a="2"} 7.9',
    '# HELP z_sum late',
    '# HELP z_other help',
    '\t',
    '',
  ].join('\n');
  host.write('a.prom', `${text}  `, 1);
  t.same(host.series(), {
    x: 0.5,
    [String.raw`x{a="\"\\\n"}`]: -0.5,
    'y{a=""}': Infinity,
    'z_bucket{a="1",le="+Inf"}': 0,
    'z_sum{a="1"}': 0,
    'z_count{a="1"}': 0,
    'z_bucket{le="+Inf"}': 0,
    z_sum: 0,
    z_count: 0,
    'z_bucket{a="2",le="+Inf"}': 7,
    'z_sum{a="2"}': 0,
    'z_count{a="2"}': 7,
    [ERROR]: 0,
  });
  t.same(host.complaints(), []);
  host.source.close();
  t.end();
});

await t.test('numbers are read and written as Go does', (t) => {
  const read: (number | null)[] = [1e5, 0.5, 5, -0, null, null, null, null, null];
  t.same(['1e5', '+.5', '5.', '-0', 'e5', '1e', '', '.', 'in'].map(parseNumber), read);
  t.same(
    [0, -0, 0.1, 0.0001, 0.00001, 123_456, 1_234_567, 1e21, 2.5e-9, Infinity, NaN].map(goNumber),
    [
      '0',
      '-0',
      '0.1',
      '0.0001',
      '1e-05',
      '123456',
      '1.234567e+06',
      '1e+21',
      '2.5e-09',
      '+Inf',
      'NaN',
    ],
  );
  t.end();
});

await t.test('files come, change and go within a tick, and are parsed only then', (t) => {
  const host = new TextFileHost(t);
  t.same(host.series(), { [ERROR]: 0 });
  host.write('a.prom', 'a 1\n', 1);
  t.same(host.series(), { a: 1, [ERROR]: 0 });
  host.write('a.prom', 'a 5\nb 6\n', 2);
  t.same(host.series(), { a: 5, b: 6, [ERROR]: 0 });
  host.write('.b.prom.swp', 'b 7\n', 3);
  renameSync(`${host.directory}/.b.prom.swp`, `${host.directory}/b.prom`);
  utimesSync(host.directory, 4, 4);
  t.same(host.series(), { a: 5, b: 6, [ERROR]: 0 }, 'the first file counts');
  t.same(host.complaints(), [`textfile: ${DIRECTORY}/b.prom: b is there twice`]);
  rmSync(`${host.directory}/a.prom`);
  utimesSync(host.directory, 5, 5);
  t.same(host.series(), { b: 7, [ERROR]: 0 });
  rmSync(host.directory, { recursive: true });
  t.same(host.series(), {}, 'nobody said that there has to be such a directory');
  mkdirSync(host.directory);
  host.write('c.prom', 'c 1\n', 6);
  t.same(host.series(), { c: 1, [ERROR]: 0 });
  host.source.close();
  t.end();
});

await t.test('what was written just now may be written again without another time stamp', (t) => {
  const host = new TextFileHost(t);
  host.nowMs = Date.now();
  host.write('a.prom', 'a', 1);
  for (let tick = 1; tick <= 3; tick++) {
    t.same(host.series(), { [ERROR]: 1 });
    t.equal(host.complaints().length, 1, 'parsed at each tick');
  }
  host.nowMs = MUCH_LATER_MS;
  host.series();
  host.complaints();
  host.series();
  t.same(host.complaints(), []);
  host.source.close();
  t.end();
});

await t.test('of files that say different things of a metric the first counts', (t) => {
  const host = new TextFileHost(t);
  host.write('a.prom', '# HELP x One\n# TYPE x gauge\nx{f="a"} 1\ny 1\ny 2\nz 1\n', 1);
  host.write('b.prom', '# HELP x Two\n# TYPE x gauge\nx{f="b"} 1\n# HELP z Two\nz{f="b"} 2\n', 2);
  host.write('c.prom', '# TYPE x counter\nx{f="c"} 1\nw 3\n', 3);
  host.write('d.prom', '# TYPE x gauge\nx{f="d"} 1\n', 4);
  t.same(host.series(), {
    'x{f="a"}': 1,
    y: 1,
    z: 1,
    'z{f="b"}': 2,
    w: 3,
    'x{f="d"}': 1,
    [ERROR]: 1,
  });
  t.same(host.complaints(), [
    `textfile: ${DIRECTORY}/a.prom: y is there twice`,
    `textfile: ${DIRECTORY}/b.prom: x has another HELP in another file`,
    `textfile: ${DIRECTORY}/c.prom: x is a gauge in another file`,
  ]);
  host.source.close();
  t.end();
});

await t.test('what is no file of metrics neither blocks nor throws', (t) => {
  const host = new TextFileHost(t);
  const at = (name: string): string => `${host.directory}/${name}`;
  execFileSync('mkfifo', [at('fifo.prom')]);
  mkdirSync(at('directory.prom'));
  symlinkSync('/dev/zero', at('device.prom'));
  symlinkSync('nowhere', at('dangling.prom'));
  symlinkSync('loop.prom', at('loop.prom'));
  symlinkSync('../elsewhere', at('link.prom'));
  writeFileSync(`${host.directory}/../elsewhere`, 'linked 1\n');
  host.write('binary.prom', Buffer.from(Array.from({ length: 5000 }, (_, i) => i % 256)), 1);
  host.write('good.prom', 'good 1\n', 2);
  t.same(host.series(), { good: 1, linked: 1, [ERROR]: 1 });
  t.same(
    host.complaints().map((complaint) => complaint.replace(`textfile: ${DIRECTORY}/`, '')),
    [
      'binary.prom: line 1: no metric name',
      'dangling.prom: cannot be found',
      'device.prom: is not a regular file',
      'directory.prom: is not a regular file',
      'fifo.prom: is not a regular file',
      'loop.prom: cannot be found',
    ],
  );
  host.series();
  t.same(host.complaints(), []);
  host.source.close();
  t.end();
});

await t.test('files are limited in size, in samples and in number', (t) => {
  const host = new TextFileHost(t);
  const line = `# ${'x'.repeat(997)}\n`;
  host.write('long.prom', line.repeat(PROM_FILE_BYTES_MAX / line.length + 1), 1);
  host.write('most.prom', 'x{a="1"} 1\n'.repeat(PROM_FILE_SAMPLES_MAX + 1), 2);
  t.same(host.series(), { [ERROR]: 1 });
  t.same(host.complaints(), [
    `textfile: ${DIRECTORY}/long.prom: is larger than ${PROM_FILE_BYTES_MAX} bytes`,
    `textfile: ${DIRECTORY}/most.prom: line ${PROM_FILE_SAMPLES_MAX + 1}: too many samples`,
  ]);
  for (const name of ['long', 'most']) rmSync(`${host.directory}/${name}.prom`);
  const labels = Array.from({ length: 33 }, (_, i) => `l${i}="1"`).join(',');
  const text = `a{b="${'c'.repeat(1025)}"} 1\na{${'b'.repeat(129)}="1"} 1\n${'a'.repeat(257)} 1\n`;
  host.write('wide.prom', `${text}a{${labels}} 1\na{b="${'\u00fc'.repeat(512)}"} 2\n`, 3);
  t.same(host.series(), { [`a{b="${'\u00fc'.repeat(512)}"}`]: 2, [ERROR]: 0 });
  t.equal(host.complaints().length, 4);
  for (let i = 0; i < PROM_FILES_MAX; i++) host.write(`f${i}.prom`, `f${i} 1\n`, 4);
  const values = host.series();
  t.equal(Object.keys(values).length, PROM_FILES_MAX + 1);
  t.equal(values[ERROR], 1);
  t.match(host.complaints()[0], `${DIRECTORY}: more than ${PROM_FILES_MAX} files`);
  host.source.close();
  t.end();
});

await t.test('a help text that is too long is cut', (t) => {
  const host = new TextFileHost(t);
  host.write('a.prom', `# HELP a ${'\u{1f600}'.repeat(4000)}\na 1\n`, 1);
  host.series();
  t.ok(Buffer.byteLength(host.sink.metrics[0]!.help) <= 1024);
  host.source.close();
  t.end();
});

await t.test('directories that are named have to be there', (t) => {
  const textfileDirectories = ['/srv/metrics/', DIRECTORY];
  const host = new TextFileHost(t, { textfileDirectories });
  host.write('a.prom', 'a 1\n', 1);
  t.same(host.series(), { a: 1, [ERROR]: 1 });
  const other = `${host.directory}/../../../../srv/metrics`;
  mkdirSync(other, { recursive: true });
  writeFileSync(`${other}/a.prom`, 'b 2\n');
  t.same(host.series(), { b: 2, a: 1, [ERROR]: 0 });
  const files = Object.keys(host.sink.tick(host.source)).filter((key) => key.includes('mtime'));
  t.same(files, [
    'node_textfile_mtime_seconds{file="/srv/metrics/a.prom"}',
    `node_textfile_mtime_seconds{file="${DIRECTORY}/a.prom"}`,
  ]);
  t.same(host.complaints(), []);
  host.source.close();
  t.end();
});

await t.test('random text is understood or refused, and never throws', (t) => {
  const piece = fc.oneof(
    fc.constantFrom('x', 'y_sum', '{', '}', '="', '"', ',', ' ', '\n', '\\', '# TYPE ', '# HELP '),
    fc.constantFrom('histogram', 'summary', 'gauge', 'le', 'quantile', '1', '-2.5e3', '+Inf', '\t'),
    fc.string({ maxLength: 3, unit: 'binary' }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const text = parsePromText(Buffer.from(pieces.join('')), 1000);
      if ('refused' in text) return text.refused.startsWith('line ');
      return text.families.every((family) => family.series().length > 0);
    }),
    { numRuns: 2000 },
  );
  t.end();
});

const OWN_ROOT: HostPaths = { procfs: '/proc', sysfs: '/sys', rootfs: '/' };
const UNITS = `dev-sda.device loaded active plugged ST4000NM0035-1V4107
-.mount loaded active mounted Root Mount
init.scope loaded active running System and Service Manager
cron.service loaded active running Regular background program processing daemon
backup.service loaded activating start start Backup
● nginx.service loaded failed failed A high performance web server and a reverse proxy server
postgresql@15-main.service loaded active running PostgreSQL Cluster 15-main
syslog.service not-found inactive dead syslog.service
dev-disk-by\\x2dlabel-data.service loaded reloading reload Odd state
ssh.socket loaded active listening OpenBSD Secure Shell server socket
-.slice loaded active active Root Slice
multi-user.target loaded active active Multi-User System
apt-daily.timer loaded active waiting Daily apt download activities
never.timer loaded inactive dead A timer that never elapsed

not a unit
`;
const TYPES: Readonly<Record<string, string>> = {
  'cron.service': 'Type=simple\nId=cron.service\n',
  'backup.service': 'Type=oneshot\nId=backup.service\n',
  'nginx.service': 'Type=forking\nId=nginx.service\n',
  'postgresql@15-main.service': 'Type=forking\nId=postgresql@15-main.service\n',
  'dev-disk-by\\x2dlabel-data.service': 'Type=notify\nId=dev-disk-by\\x2dlabel-data.service\n',
  'ssh.socket': 'NConnections=2\nNAccepted=4711\nNRefused=1\nId=ssh.socket\n',
  'apt-daily.timer': 'LastTriggerUSec=Tue 2023-11-14 22:13:20 UTC\nId=apt-daily.timer\n',
  'never.timer': 'LastTriggerUSec=n/a\nId=never.timer\n',
  '-.mount': 'Type=ext4\nId=-.mount\n',
};

/** A systemctl that says what the test says, when it says so. */
class FakeSystemctl {
  readonly sink = new RecordingSink();
  readonly source: Source;
  /** What was run, as one line each. */
  readonly commands: string[] = [];
  units = UNITS;
  state = 'running';
  end: ChildEnd | undefined;
  booted = true;
  killed = 0;
  running = 0;
  hangs = false;

  constructor(options?: SourceOptions, paths = OWN_ROOT) {
    const start: StartChild = (command, args, limits) => {
      this.commands.push([command, ...args].join(' '));
      this.running++;
      if (limits.timeMs > 60_000 || limits.bytesMax > 2 ** 23) throw new Error('no limits');
      const { promise: ended, resolve } = Promise.withResolvers<ChildEnd>();
      const finish = (end: ChildEnd): void => {
        this.running--;
        resolve(end);
      };
      if (!this.hangs) finish(this.end ?? { outcome: 'ended', text: this.#answer(args) });
      return {
        ended,
        kill: () => {
          this.killed++;
          finish({ outcome: 'failed' });
        },
      };
    };
    this.source = systemdSource(paths, options, { start, isBooted: () => this.booted });
  }

  /** One tick and the time until the next. */
  async tick(): Promise<Record<string, number>> {
    const values = this.sink.tick(this.source);
    for (let turn = 0; turn < 20; turn++) await setImmediate();
    return values;
  }

  async ticks(count: number): Promise<void> {
    for (let tick = 0; tick < count; tick++) await this.tick();
  }

  #answer(args: readonly string[]): string {
    if (args.includes('list-units')) return this.units;
    const names = args.slice(args.indexOf('--') + 1);
    if (!args.includes('--')) return `Version=252.38-1~deb12u1\nSystemState=${this.state}\n`;
    return names.map((name) => TYPES[name] ?? `Id=${name}\n`).join('\n');
  }
}

function unitStates(values: Record<string, number>): Record<string, string> {
  const states: Record<string, string> = {};
  for (const [key, value] of Object.entries(values)) {
    const [, name, state, type] =
      /^node_systemd_unit_state\{name="(.*)",state="(.*)",type="(.*)"\}$/.exec(key) ?? [];
    if (name === undefined) continue;
    states[name] ??= `${type}`;
    if (value === 1) states[name] += ` ${state}`;
  }
  return states;
}

await t.test('systemd shows the states of units', async (t) => {
  const host = new FakeSystemctl();
  t.same(await host.tick(), {}, 'nothing waits for systemctl');
  const values = await host.tick();
  t.same(unitStates(values), {
    'cron.service': 'simple active',
    'backup.service': 'oneshot activating',
    'nginx.service': 'forking failed',
    'postgresql@15-main.service': 'forking active',
    'dev-disk-by\\\\x2dlabel-data.service': 'notify',
    'ssh.socket': ' active',
    'multi-user.target': ' active',
    'apt-daily.timer': ' active',
    'never.timer': ' inactive',
  });
  const others = Object.entries(values).filter(([key]) => !key.includes('unit_state'));
  t.same(Object.fromEntries(others), {
    'node_systemd_units{state="active"}': 9,
    'node_systemd_units{state="activating"}': 1,
    'node_systemd_units{state="deactivating"}': 0,
    'node_systemd_units{state="inactive"}': 2,
    'node_systemd_units{state="failed"}': 1,
    'node_systemd_units{state="reloading"}': 1,
    node_systemd_system_running: 1,
    'node_systemd_version{version="252.38-1~deb12u1"}': 252.38,
    'node_systemd_timer_last_trigger_seconds{name="apt-daily.timer"}': 1_700_000_000,
    'node_systemd_timer_last_trigger_seconds{name="never.timer"}': 0,
    'node_systemd_socket_accepted_connections_total{name="ssh.socket"}': 4711,
    'node_systemd_socket_current_connections{name="ssh.socket"}': 2,
    'node_systemd_socket_refused_connections_total{name="ssh.socket"}': 1,
  });
  t.same(host.sink.kinds(), [
    'node_systemd_units gauge ',
    'node_systemd_system_running gauge ',
    'node_systemd_version gauge ',
    'node_systemd_unit_state gauge ',
    'node_systemd_timer_last_trigger_seconds gauge seconds',
    'node_systemd_socket_accepted_connections_total counter ',
    'node_systemd_socket_current_connections gauge ',
    'node_systemd_socket_refused_connections_total gauge ',
  ]);
  host.source.close();
});

await t.test('systemctl is run now and then, and asked for types only once', async (t) => {
  const host = new FakeSystemctl();
  await host.ticks(SELDOM_READS);
  const first = host.commands.splice(0);
  t.same(first, [
    'systemctl --no-pager --no-ask-password list-units --all --plain --no-legend --full',
    'systemctl --no-pager --no-ask-password show ' +
      '--property=Id,Type,LastTriggerUSec,NAccepted,NConnections,NRefused -- ' +
      'ssh.socket apt-daily.timer never.timer cron.service backup.service nginx.service ' +
      'postgresql@15-main.service dev-disk-by\\x2dlabel-data.service',
    'systemctl --no-pager --no-ask-password show --property=Version,SystemState',
  ]);
  host.units = UNITS.replace('loaded failed failed', 'loaded active running').replace(
    /^cron.*\n/m,
    '',
  );
  host.units += 'new.service loaded active running New\n';
  host.state = 'degraded';
  await host.tick();
  t.match(host.commands[1], /-- ssh\.socket apt-daily\.timer never\.timer new\.service$/);
  const values = await host.tick();
  const states = unitStates(values);
  t.equal(states['nginx.service'], 'forking active');
  t.equal(states['new.service'], ' active');
  t.notOk('cron.service' in states);
  t.equal(values['node_systemd_system_running'], 0);
  t.equal(host.commands.length, 3);
  host.source.close();
});

await t.test('which units are shown can be said', async (t) => {
  const host = new FakeSystemctl({
    systemdUnitsExclude: /\.(service|socket|target|timer|device)$/,
  });
  await host.tick();
  t.same(unitStates(await host.tick()), {
    '-.mount': 'ext4 active',
    'init.scope': ' active',
    '-.slice': ' active',
  });
  host.source.close();
});

await t.test('without systemd, or with another root, nothing is run', async (t) => {
  const host = new FakeSystemctl();
  host.booted = false;
  await host.ticks(2 * SELDOM_READS);
  t.same(await host.tick(), {});
  const other = new FakeSystemctl({}, { ...OWN_ROOT, rootfs: '/host' });
  await other.ticks(SELDOM_READS);
  t.same(await other.tick(), {});
  t.same([host.commands, other.commands], [[], []]);
  t.same(host.sink.malformations, []);
  host.source.close();
  other.source.close();
});

await t.test('a systemctl that fails has everything absent, after a while', async (t) => {
  const host = new FakeSystemctl();
  for (const end of [
    { outcome: 'not_found' },
    { outcome: 'failed' },
    { outcome: 'ended', text: '' },
    { outcome: 'ended', text: '\0\n= = =\n\n\n=x' },
  ] as const) {
    host.end = end;
    await host.ticks(SELDOM_READS);
    t.same(await host.tick(), {});
  }
  host.end = undefined;
  await host.ticks(SELDOM_READS);
  t.equal(Object.keys(await host.tick()).length, 58);
  host.end = { outcome: 'failed' };
  await host.ticks(2 * SELDOM_READS);
  t.equal(Object.keys(await host.tick()).length, 58, 'what was said last');
  await host.ticks(2 * SELDOM_READS);
  t.same(await host.tick(), {});
  t.same(host.sink.malformations, []);
  host.source.close();
});

await t.test('no second systemctl is started while one runs', async (t) => {
  const host = new FakeSystemctl();
  host.hangs = true;
  await host.ticks(10 * SELDOM_READS);
  t.equal(host.commands.length, 1);
  t.equal(host.running, 1);
  host.source.close();
  t.equal(host.killed, 1);
  await setImmediate();
  t.equal(host.commands.length, 1);
});

await t.test('a script in the place of systemctl', async (t) => {
  const directory = t.testdir({
    systemctl:
      '#!/bin/sh\necho "$LC_ALL $TZ $HOME." >> "$0.log"\ncase "$*" in\n*list-units*) echo "a.service loaded active running A";;\n*--*Id*) echo Id=a.service; echo Type=exec;;\n*) echo SystemState=running;;\nesac\n',
  });
  chmodSync(`${directory}/systemctl`, 0o755);
  const ends: Promise<ChildEnd>[] = [];
  const start: StartChild = (command, args, limits) => {
    const child = startChild(`${directory}/${command}`, args, limits);
    ends.push(child.ended);
    return child;
  };
  const sink = new RecordingSink();
  const source = systemdSource(OWN_ROOT, {}, { start, isBooted: () => true });
  sink.tick(source);
  while (ends.length < 3) await setImmediate();
  await Promise.all(ends);
  await setImmediate();
  t.same(unitStates(sink.tick(source)), { 'a.service': 'exec active' });
  source.close();
});

function run(command: string, args: readonly string[], timeMs = 60_000): Promise<ChildEnd> {
  return startChild(command, args, { timeMs, bytesMax: 1000 }).ended;
}

await t.test('children are limited in time and in what they say', async (t) => {
  t.same(await run('echo', ['a', 'b']), { outcome: 'ended', text: 'a b\n' });
  t.same(await run('false', []), { outcome: 'failed' });
  t.same(await run('no-such-program', []), { outcome: 'not_found' });
  t.same(await run('echo', ['\0']), { outcome: 'failed' });
  t.same(await run('yes', []), { outcome: 'failed' });
  t.same(await run('sleep', ['1000'], 1), { outcome: 'failed' });
  t.same(await run('sh', ['-c', 'sleep 3 & echo started'], 1), { outcome: 'failed' });
  const child = startChild('sleep', ['1000'], { timeMs: 60_000, bytesMax: 1000 });
  child.kill();
  t.same(await child.ended, { outcome: 'failed' });
});

await t.test('times of systemd are read', (t) => {
  t.equal(parseSystemdTime('Tue 2023-11-14 22:13:20 UTC'), 1_700_000_000);
  t.equal(parseSystemdTime('Tue 2023-11-14 22:13:20.250000 UTC'), 1_700_000_000.25);
  t.equal(parseSystemdTime('n/a'), 0);
  t.equal(parseSystemdTime(''), 0);
  t.equal(parseSystemdTime('Tue 2023-11-14 22:13:20 CET'), 0);
  t.end();
});
