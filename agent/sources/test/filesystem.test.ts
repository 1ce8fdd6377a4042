import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setImmediate } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { HostPaths, Source, SourceOptions } from '../../source.ts';
import { filesystemFiles } from '../../test/host/filesystem.ts';
import { writeHost } from '../../test/host/host-files.ts';
import { startChild, type ChildEnd, type StartChild } from '../child-output.ts';
import {
  ANSWER_AGE_MS_MAX,
  ANSWER_MS_MAX,
  CHILD_PAUSE_MS,
  LATE_PAUSE_MS,
} from '../filesystem-size.ts';
import { CHILD_CALLS_LATE_MAX, CHILD_CALLS_MAX } from '../filesystem-sizes.ts';
import { filesystemSource } from '../filesystem.ts';
import { StatfsChildren, type FilesystemCounts } from '../statfs-child.ts';
import { SystemStatfs } from '../system-statfs.ts';
import { fixture } from './fixture.ts';
import { RecordingSink } from './recording-sink.ts';

const TICK_MS = 5_000;
const ANSWER = { bsize: 4096, blocks: 100, bfree: 50, bavail: 40, files: 9, ffree: 8 };

/** A host whose filesystems answer, or do not, as the test says; time is the test's as well. */
class FakeHost {
  readonly sink = new RecordingSink();
  readonly source: Source;
  /** Paths in the order of the questions; those asked by a child begin with `+`. */
  readonly calls: string[] = [];
  readonly hanging = new Set<string>();
  stalled = 0;
  timeouts = 0;
  readonly #mountsPath: string;
  readonly #pending = new Map<string, (answer: FilesystemCounts) => void>();
  #nowMs = 1_000;

  constructor(paths: HostPaths, options?: SourceOptions) {
    const inside = (path: string): string => path.slice(paths.rootfs.length) || '/';
    this.#mountsPath = `${paths.procfs}/1/mounts`;
    this.source = filesystemSource(paths, options, {
      directly: undefined,
      inThread: (path) => this.#ask(inside(path), ''),
      byChild: (path) => this.#ask(inside(path), '+'),
      nowMs: () => this.#nowMs,
    });
  }

  /** One tick, and the time until the next, in which what can be answered is answered. */
  async tick(): Promise<Record<string, number>> {
    const values = this.sink.tick(this.source);
    await this.settle();
    this.#nowMs += TICK_MS;
    this.stalled = values['rollcall_agent_filesystem_stalled'] ?? NaN;
    this.timeouts = values['rollcall_agent_filesystem_timeouts_total'] ?? NaN;
    delete values['rollcall_agent_filesystem_stalled'];
    delete values['rollcall_agent_filesystem_timeouts_total'];
    return values;
  }

  /** The mount points that are shown, with their `device_error`. */
  async errors(): Promise<Record<string, number>> {
    const shown: Record<string, number> = {};
    for (const [key, value] of Object.entries(await this.tick())) {
      const mountPoint = /^node_filesystem_device_error.*mountpoint="([^"]*)"/.exec(key)?.[1];
      if (mountPoint !== undefined) shown[mountPoint] = value;
    }
    return shown;
  }

  /** Ticks that take so long together. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += TICK_MS) await this.tick();
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await setImmediate();
  }

  mount(mounts: string): void {
    writeFileSync(this.#mountsPath, mounts);
  }

  async wake(path: string): Promise<void> {
    this.hanging.delete(path);
    this.#pending.get(path)?.(ANSWER);
    await this.settle();
  }

  callsOf(path: string): number {
    return this.calls.filter((call) => call.replace('+', '') === path).length;
  }

  #ask(path: string, mark: string): Promise<FilesystemCounts> {
    this.calls.push(mark + path);
    if (path.includes('broken')) return Promise.reject(new Error('EIO'));
    if (!this.hanging.has(path)) return Promise.resolve(ANSWER);
    return new Promise((resolve) => this.#pending.set(path, resolve));
  }
}

function fakeHost(t: Test, mounts: string, options?: SourceOptions): FakeHost {
  return new FakeHost(fixture(t, { proc: { '1': { mounts } } }), options);
}

function sized(labels: string, readOnly: number): Record<string, number> {
  return {
    [`node_filesystem_device_error${labels}`]: 0,
    [`node_filesystem_size_bytes${labels}`]: 409_600,
    [`node_filesystem_free_bytes${labels}`]: 204_800,
    [`node_filesystem_avail_bytes${labels}`]: 163_840,
    [`node_filesystem_files${labels}`]: 9,
    [`node_filesystem_files_free${labels}`]: 8,
    [`node_filesystem_readonly${labels}`]: readOnly,
  };
}

await t.test('sizes are there at the second tick, under all labels', async (t) => {
  const host = fakeHost(t, '/dev/sda1 / ext4 rw,relatime 0 0\n/dev/sdb /data xfs noatime,ro 0 0\n');
  t.same(await host.tick(), {});
  const labels = '{device="/dev/sda1",fstype="ext4",mountpoint="/"}';
  const readOnlyLabels = '{device="/dev/sdb",fstype="xfs",mountpoint="/data"}';
  t.same(await host.tick(), { ...sized(labels, 0), ...sized(readOnlyLabels, 1) });
  t.same(host.calls, ['/', '/data', '/', '/data']);
  t.same([host.stalled, host.timeouts], [0, 0]);
  t.same(
    host.sink.kinds().filter((kind) => kind.startsWith('rollcall')),
    [
      'rollcall_agent_filesystem_stalled gauge ',
      'rollcall_agent_filesystem_timeouts_total counter ',
    ],
  );
  host.source.close();
});

await t.test('a server with many mounts shows what node_exporter shows', async (t) => {
  const host = new FakeHost(writeHost(t.testdir({}), filesystemFiles));
  await host.tick();
  const values = await host.tick();
  const shown = Object.keys(values).flatMap((key) => {
    const match = /^node_filesystem_readonly\{device="(.*)",fstype="(.*)",mountpoint="(.*)"\}$/;
    const [, device, fsType, mountPoint] = match.exec(key) ?? [];
    return device === undefined ? [] : [`${device} ${fsType} ${mountPoint} ${values[key]}`];
  });
  t.same(shown, [
    'tmpfs tmpfs /run 0',
    '/dev/mapper/vg0-root ext4 / 0',
    'tmpfs tmpfs /run/lock 0',
    '/dev/nvme0n1p2 ext4 /boot 0',
    '/dev/nvme0n1p1 vfat /boot/efi 0',
    '/dev/mapper/vg1-mysql xfs /var/lib/mysql 0',
    String.raw`/dev/sdb1 ext4 /srv/old backups\t(2021) 1`,
    '/dev/sdc1 ext4 /srv/café 0',
    '/dev/sdc2 ext4 /srv/build#1 0',
    '/dev/sdd1 xfs /srv/shared 0',
    '/dev/sde1 xfs /srv/shared 0',
    '/dev/sdd1 xfs /srv/export 0',
    'tmpfs tmpfs /srv/scratch 0',
    'tank/home zfs /tank/home 0',
    '/dev/sdf btrfs /data 0',
    'filer.example.net:/export/home nfs4 /net/home 0',
    '//nas.example.net/scans cifs /net/scans 0',
    'lxcfs fuse.lxcfs /var/lib/lxcfs 0',
    'tmpfs tmpfs /var/lib/kubelet/pods/0f7c/volumes/kubernetes.io~projected/token 0',
    'tmpfs tmpfs /run/user/1000 0',
  ]);
  t.equal(Object.keys(values).length, 7 * shown.length);
  t.same(
    host.calls.filter((call) => call.startsWith('+')),
    ['+/net/home', '+/net/scans', '+/var/lib/lxcfs'],
  );
  t.same(host.sink.malformations, []);
  host.source.close();
});

await t.test('mount points and types that are no disks are left out', async (t) => {
  const mounts = [
    'proc /proc proc rw 0 0',
    'udev /dev/shm tmpfs rw 0 0',
    'overlay /merged overlay rw 0 0',
    'x /var/lib/docker/overlay2/1/merged ext4 rw 0 0',
    'cgroup2 /cg cgroup2 rw 0 0',
    'ramfs /run/credentials/unit.service ramfs ro 0 0',
    'tmpfs /run tmpfs rw 0 0',
    '/dev/sdc /process ext4 rw 0 0',
  ].join('\n');
  const host = fakeHost(t, mounts);
  await host.tick();
  t.same(await host.errors(), { '/run': 0, '/process': 0 });
  host.source.close();
  const other = fakeHost(t, mounts, {
    filesystemMountPointsExclude: /^\/(proc|cg)($|\/)/,
    filesystemTypesExclude: /^tmpfs$/,
  });
  await other.tick();
  t.same(await other.errors(), {
    '/merged': 0,
    '/var/lib/docker/overlay2/1/merged': 0,
    '/run/credentials/unit.service': 0,
    '/process': 0,
  });
  other.source.close();
});

await t.test('escapes, stacked mounts and broken lines are understood', async (t) => {
  const host = fakeHost(
    t,
    [
      'd\\040e /a\\040b\\134c\\011d tmpfs rw 0 0',
      'rootfs / rootfs rw 0 0',
      '/dev/sda / ext4 rw 0 0',
      '/dev/sda / ext4 ro 0 0',
      'short line',
      '',
      `x /${'long/'.repeat(300)} ext4 rw 0 0`,
      '\u0001\u0002 \u0003',
    ].join('\n'),
  );
  await host.tick();
  const values = await host.tick();
  const shown = Object.keys(values).filter((key) => key.includes('device_error'));
  t.same(shown, [
    String.raw`node_filesystem_device_error{device="d\\040e",fstype="tmpfs",mountpoint="/a b\\c\td"}`,
    'node_filesystem_device_error{device="rootfs",fstype="rootfs",mountpoint="/"}',
    'node_filesystem_device_error{device="/dev/sda",fstype="ext4",mountpoint="/"}',
  ]);
  const readOnly = 'node_filesystem_readonly{device="/dev/sda",fstype="ext4",mountpoint="/"}';
  t.equal(values[readOnly], 0, 'of two mounts with the same labels the first counts');
  t.same(new Set(host.calls), new Set(['/a b\\c\td', '/']));
  t.equal(host.calls.length, 4, 'one call a path and tick');
  t.equal(host.sink.malformations.length, 3);
  host.source.close();
});

await t.test('the own mounts serve where those of the first process cannot be seen', async (t) => {
  const paths = fixture(t, { proc: { self: { mounts: '/dev/sda /host/root/srv ext4 rw 0 0\n' } } });
  const sink = new RecordingSink();
  const calls: string[] = [];
  const source = filesystemSource(
    { ...paths, rootfs: '/host/root/' },
    {},
    {
      directly: undefined,
      inThread: (path) => {
        calls.push(path);
        return Promise.reject(new Error('ENOENT'));
      },
    },
  );
  sink.tick(source);
  await setImmediate();
  t.match(sink.tick(source), {
    'node_filesystem_device_error{device="/dev/sda",fstype="ext4",mountpoint="/srv"}': 1,
  });
  t.equal(calls[0], '/host/root/srv');
  source.close();
});

await t.test('without mounts nothing is said', (t) => {
  const source = filesystemSource(fixture(t, {}));
  t.same(new RecordingSink().tick(source), {});
  source.close();
  t.end();
});

await t.test('a remote filesystem is asked by a child, now and then', async (t) => {
  const host = fakeHost(
    t,
    [
      'srv:/x /nfs nfs4 rw 0 0',
      '/dev/sdb /nfs/below ext4 rw 0 0',
      '/dev/sdc /nfsx ext4 rw 0 0',
      'b /broken xfs rw 0 0',
    ].join('\n'),
  );
  await host.tick();
  t.same(await host.errors(), { '/nfs': 0, '/nfs/below': 0, '/nfsx': 0, '/broken': 1 });
  t.same(host.calls.slice(0, 4), ['+/nfs', '+/nfs/below', '/nfsx', '/broken']);
  await host.pass(CHILD_PAUSE_MS);
  t.equal(host.callsOf('/nfs'), 2);
  t.equal(host.callsOf('/nfs/below'), 2, 'the way there leads through it');
  t.equal(host.callsOf('/nfsx'), 8);
  host.source.close();
});

await t.test('one that does not answer is in error and asked no more until it does', async (t) => {
  const host = fakeHost(t, 'srv:/x /nfs nfs4 rw 0 0\n/dev/sda / ext4 rw 0 0\n');
  t.ok(ANSWER_MS_MAX < TICK_MS);
  await host.tick();
  t.same(await host.errors(), { '/nfs': 0, '/': 0 });
  host.hanging.add('/nfs');
  await host.pass(CHILD_PAUSE_MS - TICK_MS);
  t.equal(host.callsOf('/nfs'), 2);
  t.same([host.stalled, host.timeouts], [0, 0]);
  for (let tick = 0; tick < 50; tick++) {
    t.same(await host.errors(), { '/nfs': 1, '/': 0 });
    t.same([host.stalled, host.timeouts], [1, 1]);
  }
  t.equal(host.callsOf('/nfs'), 2);
  await host.wake('/nfs');
  t.same(await host.errors(), { '/nfs': 0, '/': 0 });
  t.same([host.stalled, host.timeouts], [0, 1]);
  t.equal(host.callsOf('/nfs'), 3);
  host.source.close();
});

await t.test('a child that had to be killed is not started again at once', async (t) => {
  const paths = fixture(t, { proc: { '1': { mounts: 'srv:/x /nfs nfs4 rw 0 0\n' } } });
  const sink = new RecordingSink();
  let nowMs = 0;
  let calls = 0;
  const calling: ((reason: Error) => void)[] = [];
  const source = filesystemSource(
    paths,
    {},
    {
      byChild: () => {
        calls++;
        const { promise, reject } = Promise.withResolvers<FilesystemCounts>();
        calling.push(reject);
        return promise;
      },
      nowMs: () => nowMs,
    },
  );
  sink.tick(source);
  nowMs += ANSWER_MS_MAX + 1;
  calling[0]!(new Error('killed'));
  await setImmediate();
  const error = 'node_filesystem_device_error{device="srv:/x",fstype="nfs4",mountpoint="/nfs"}';
  for (; nowMs < LATE_PAUSE_MS; nowMs += TICK_MS) t.equal(sink.tick(source)[error], 1);
  t.equal(calls, 1);
  t.equal(sink.tick(source)['rollcall_agent_filesystem_stalled'], 1);
  t.equal(calls, 2);
  source.close();
});

await t.test('hung remote filesystems stop neither local nor other remote ones', async (t) => {
  const hung = Array.from({ length: CHILD_CALLS_MAX + 2 }, (_, i) => `/h${i}`);
  const remotes = [...hung, '/well'];
  const host = fakeHost(
    t,
    `${remotes.map((path) => `srv:${path} ${path} nfs rw 0 0\n`).join('')}/dev/sda / ext4 rw 0 0\n`,
  );
  for (const path of hung) host.hanging.add(path);
  await host.tick();
  t.same(host.calls, ['+/h0', '+/h1', '+/h2', '+/h3', '/']);
  t.same(await host.errors(), { '/h0': 1, '/h1': 1, '/h2': 1, '/h3': 1, '/': 0 });
  const all = { '/h0': 1, '/h1': 1, '/h2': 1, '/h3': 1, '/h4': 1, '/h5': 1, '/well': 0, '/': 0 };
  t.same(await host.errors(), all);
  await host.pass(2 * LATE_PAUSE_MS);
  t.same(await host.errors(), all);
  t.same([host.stalled, host.timeouts], [6, 6]);
  for (const path of hung) t.equal(host.callsOf(path), 1);
  host.source.close();
});

await t.test('a hung local filesystem has the others asked by children', async (t) => {
  const host = fakeHost(
    t,
    ['/d1', '/d2', '/d3'].map((path) => `/dev${path} ${path} ext4 rw 0 0\n`).join(''),
  );
  host.hanging.add('/d1');
  host.hanging.add('/d2');
  await host.tick();
  t.same(host.calls, ['/d1']);
  await host.tick();
  t.same(host.calls, ['/d1', '+/d2', '+/d3']);
  await host.pass(CHILD_PAUSE_MS);
  t.same(await host.errors(), { '/d1': 1, '/d2': 1, '/d3': 0 });
  t.same(host.calls, ['/d1', '+/d2', '+/d3', '+/d3']);
  await host.wake('/d1');
  await host.tick();
  t.same(host.calls.slice(4), ['/d1', '/d3'], 'back in the thread');
  host.source.close();
});

await t.test('children that nothing can kill are limited in number', async (t) => {
  const paths = Array.from({ length: CHILD_CALLS_LATE_MAX + 6 }, (_, i) => `/h${i}`);
  const host = fakeHost(
    t,
    `s:/w /well nfs rw 0 0\n${paths.map((path) => `s:${path} ${path} nfs rw 0 0\n`).join('')}`,
  );
  for (const path of paths) host.hanging.add(path);
  await host.tick();
  t.same(await host.errors(), { '/well': 0, '/h0': 1, '/h1': 1, '/h2': 1, '/h3': 1 });
  await host.pass(LATE_PAUSE_MS * 2 + ANSWER_AGE_MS_MAX);
  const calls = new Set(host.calls).size;
  t.ok(calls >= CHILD_CALLS_LATE_MAX && calls <= CHILD_CALLS_LATE_MAX + CHILD_CALLS_MAX);
  t.notOk('/well' in (await host.errors()), 'an answer that cannot be renewed is dropped');
  host.source.close();
});

await t.test('long intervals show the answer of the tick before', async (t) => {
  const paths = fixture(t, { proc: { '1': { mounts: '/dev/sda / ext4 rw 0 0\n' } } });
  let nowMs = 0;
  const sink = new RecordingSink();
  const source = filesystemSource(
    paths,
    {},
    { directly: undefined, inThread: () => Promise.resolve(ANSWER), nowMs: () => nowMs },
  );
  sink.tick(source);
  await setImmediate();
  nowMs += 60 * 60_000;
  t.ok(
    'node_filesystem_files{device="/dev/sda",fstype="ext4",mountpoint="/"}' in sink.tick(source),
  );
  source.close();
});

await t.test('another filesystem at the same place starts without an answer', async (t) => {
  const host = fakeHost(t, 's:/old /m nfs rw 0 0\n');
  host.hanging.add('/m');
  await host.tick();
  t.same(await host.errors(), { '/m': 1 });
  host.mount('/dev/sdz /m ext4 rw 0 0\n');
  await host.tick();
  await host.wake('/m');
  t.same(await host.errors(), {}, 'the late answer was of the old one');
  t.same(await host.errors(), { '/m': 0 });
  host.mount('');
  t.same(await host.errors(), {});
  host.mount('/dev/sdz /m ext4 rw 0 0\n');
  t.same(await host.errors(), {});
  t.same(await host.errors(), { '/m': 0 });
  t.equal(host.sink.keys.length, 14 + 2, 'slots of before');
  host.source.close();
});

await t.test('a remote filesystem over a local one is asked by a child', async (t) => {
  const host = fakeHost(t, '/dev/sda /m ext4 rw 0 0\ns:/m /m nfs rw 0 0\n');
  await host.tick();
  t.same(host.calls, ['+/m']);
  host.source.close();
});

await t.test('nothing is asked after the source was closed', async (t) => {
  const host = fakeHost(t, 's:/a /a nfs rw 0 0\n/dev/b /b ext4 rw 0 0\n/dev/c /c ext4 rw 0 0\n');
  const listeners = process.listenerCount('exit');
  host.hanging.add('/a');
  host.hanging.add('/b');
  await host.tick();
  t.same(host.calls, ['+/a', '/b']);
  host.source.close();
  t.equal(process.listenerCount('exit'), listeners + 1);
  await host.wake('/a');
  await host.wake('/b');
  t.same(host.calls, ['+/a', '/b']);
  t.equal(process.listenerCount('exit'), listeners, 'no thread is held any more');
});

/** Children that end as the test says, and what was started. */
function fakeChildren(ends: ChildEnd[]): { started: string[][]; start: StartChild } {
  const started: string[][] = [];
  return {
    started,
    start: (command, args) => {
      started.push([command, ...args]);
      return { ended: Promise.resolve(ends.shift()!), kill: () => {} };
    },
  };
}

await t.test('children are asked through stat, or through node where there is none', async (t) => {
  const directory = t.testdir({});
  const [ended, failed, notFound]: ChildEnd[] = [
    { outcome: 'ended', text: '4096 100 50 40 9 8\n' },
    { outcome: 'failed' },
    { outcome: 'not_found' },
  ];
  const stat = fakeChildren([ended!, failed!, { outcome: 'ended', text: '? ? ? ? ? ?\n' }]);
  const children = new StatfsChildren(1000, stat.start);
  t.same(await children.ask('/a b'), ANSWER);
  t.same(stat.started, [['stat', '-f', '-c', '%s %b %f %a %c %d', '--', '/a b']]);
  await t.rejects(children.ask('/b'));
  await t.rejects(children.ask('/c'));
  const node = fakeChildren([notFound!, ended!, ended!, notFound!]);
  const others = new StatfsChildren(1000, node.start);
  t.same(await others.ask('/a'), ANSWER);
  t.same(await others.ask('/b'), ANSWER);
  t.same(
    node.started.map(([command]) => command),
    ['stat', process.execPath, process.execPath],
  );
  await t.rejects(others.ask('/c'));
  others.close();
  await t.rejects(others.ask('/d'));

  const real = new StatfsChildren(60_000);
  const counts = await real.ask(directory);
  t.ok(counts.blocks > 0 && counts.bsize >= 512 && counts.bfree <= counts.blocks);
  await t.rejects(real.ask(`${directory}/nothing`));
  const own = new StatfsChildren(60_000, (command, args, limits) =>
    command === 'stat'
      ? { ended: Promise.resolve(notFound!), kill: () => {} }
      : startChild(command, args, limits),
  );
  t.equal((await own.ask(directory)).blocks, counts.blocks);
});

await t.test('no path has two children, whoever asks', async (t) => {
  const system = new SystemStatfs();
  const call = system.byChild('/no/such/path');
  t.equal(new SystemStatfs().byChild('/no/such/path'), call);
  await t.rejects(call);
  t.ok((await system.inThread('/')).blocks > 0);
  system.close();
});

/**
 * Runs a program that reads the source with a filesystem that really hangs: FUSE whose daemon never
 * says a word, in namespaces of its own, so that no rights are needed and nothing is left behind.
 */
async function withHungFilesystem(
  t: Test,
  fsType: string,
): Promise<{ ended: number | string | null; said: string }> {
  const directory = t.testdir({ hung: {}, proc: { 1: {} } });
  const mounts = `r / ext4 rw 0 0\nn ${directory}/proc nfs rw 0 0\nd ${directory}/hung ${fsType} rw 0 0\n`;
  writeFileSync(`${directory}/proc/1/mounts`, mounts);
  const script = [
    'exec 9<>/dev/fuse',
    'mount -i -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0 hung "$1/hung"',
    'exec "$2" "$3" "$1"',
  ].join(' && ');
  const program = fileURLToPath(new URL('hung-filesystem.ts', import.meta.url));
  const child = spawn(
    'unshare',
    ['-Urm', 'sh', '-c', script, 'sh', directory, process.execPath, program],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const [status, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { ended: signal ?? status, said };
}

const HUNG = { '/': 0, '/proc': 0, '/hung': 1, stalled: 1 };

await t.test('a filesystem that really hangs stops no other and not the end', async (t) => {
  const remote = await withHungFilesystem(t, 'fuse.sshfs');
  t.same(JSON.parse(remote.said), HUNG);
  t.equal(remote.ended, 0);
  const local = await withHungFilesystem(t, 'xfs');
  t.same(JSON.parse(local.said), HUNG, 'even one that was not expected to hang');
  t.equal(local.ended, 'SIGTERM', 'as the thread that it holds would hold the process');
});

function sizeOf(values: Record<string, number>, mountpoint: string): number | undefined {
  return Object.entries(values).find(
    ([key]) => key.startsWith('node_filesystem_size') && key.includes(`mountpoint="${mountpoint}"`),
  )?.[1];
}

await t.test('what answers from memory is asked at once, unless that once took long', (t) => {
  const state = { nowMs: 0, takesMs: 0, blocks: 10 };
  const asked: string[] = [];
  const mounts = [
    '/dev/a / ext4 rw 0 0',
    'tmpfs /run tmpfs rw 0 0',
    'server:/x /srv nfs4 rw 0 0',
    '/dev/b /srv/below ext4 rw 0 0',
    '/dev/c /data xfs rw 0 0',
    'tmpfs /odd tmpfs rw 0 0',
    'strange /odd strangefs rw 0 0',
  ];
  const source = filesystemSource(
    fixture(t, { proc: { '1': { mounts: mounts.map((line) => `${line}\n`).join('') } } }),
    {},
    {
      directly: (path) => {
        asked.push(path.split('/root')[1] || '/');
        state.nowMs += state.takesMs;
        return { ...ANSWER, blocks: state.blocks };
      },
      inThread: (path) => {
        asked.push(`thread ${path.split('/root')[1]!}`);
        return Promise.resolve(ANSWER);
      },
      byChild: () => Promise.resolve(ANSWER),
      nowMs: () => state.nowMs,
    },
  );
  const sink = new RecordingSink();
  sink.tick(source);
  asked.length = 0;
  state.blocks = 20;
  t.equal(sizeOf(sink.tick(source), '/run'), 20 * ANSWER.bsize, 'of this very reading');
  t.same(
    asked.filter((path) => !path.startsWith('thread')),
    ['/', '/run'],
    'not the one below a remote filesystem, and not where something strange is mounted too',
  );
  asked.length = 0;
  state.takesMs = 500;
  sink.tick(source);
  sink.tick(source);
  t.same(
    asked.filter((path) => !path.startsWith('thread')),
    ['/', '/run'],
    'both were slow, and wait for the thread now',
  );
  source.close();
  t.end();
});
