import type { StatsFs } from 'node:fs';
import { writeFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { HostPaths, Source } from '../../source.ts';
import { ANSWER_AGE_MS_MAX, ANSWER_MS_MAX } from '../filesystem-size.ts';
import { filesystemSource } from '../filesystem.ts';
import { fixture } from './fixture.ts';
import { RecordingSink } from './recording-sink.ts';

const TICK_MS = 5_000;
const ANSWER = { type: 1, bsize: 4096, frsize: 4096, blocks: 100, bfree: 50, bavail: 40 };

/** A host whose filesystems answer, or do not, as the test says; time is the test's as well. */
class FakeHost {
  readonly sink = new RecordingSink();
  readonly paths: HostPaths;
  readonly source: Source;
  readonly calls: string[] = [];
  readonly hanging = new Set<string>();
  readonly #pending = new Map<string, (answer: StatsFs) => void>();
  #nowMs = 1_000;

  constructor(t: Test, mounts: string) {
    this.paths = fixture(t, { proc: { '1': { mounts } } });
    this.source = filesystemSource(this.paths, {
      statfs: (path) => this.#statfs(path.slice(this.paths.rootfs.length) || '/'),
      nowMs: () => this.#nowMs,
    });
  }

  /** One tick, and the time until the next, in which what can be answered is answered. */
  async tick(): Promise<Record<string, number>> {
    const values = this.sink.tick(this.source);
    for (let turn = 0; turn < 20; turn++) await setImmediate();
    this.#nowMs += TICK_MS;
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

  mount(mounts: string): void {
    writeFileSync(`${this.paths.procfs}/1/mounts`, mounts);
  }

  wake(path: string): void {
    this.hanging.delete(path);
    this.#pending.get(path)?.({ ...ANSWER, files: 9, ffree: 8 });
  }

  #statfs(path: string): Promise<StatsFs> {
    this.calls.push(path);
    if (path.includes('broken')) return Promise.reject(new Error('EIO'));
    if (!this.hanging.has(path)) return Promise.resolve({ ...ANSWER, files: 9, ffree: 8 });
    return new Promise((resolve) => this.#pending.set(path, resolve));
  }
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
  const host = new FakeHost(
    t,
    '/dev/sda1 / ext4 rw,relatime 0 0\n/dev/sdb /data xfs noatime,ro 0 0\n',
  );
  t.same(await host.tick(), {});
  const labels = '{device="/dev/sda1",fstype="ext4",mountpoint="/"}';
  const readOnlyLabels = '{device="/dev/sdb",fstype="xfs",mountpoint="/data"}';
  t.same(await host.tick(), { ...sized(labels, 0), ...sized(readOnlyLabels, 1) });
  t.same(host.calls, ['/', '/data', '/', '/data']);
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
  ];
  const host = new FakeHost(t, mounts.join('\n'));
  await host.tick();
  t.same(await host.errors(), { '/run': 0, '/process': 0 });
  host.source.close();
});

await t.test('escapes, stacked mounts and broken lines are understood', async (t) => {
  const host = new FakeHost(
    t,
    [
      'd\\040e /a\\040b\\134c\\011d tmpfs rw 0 0',
      'rootfs / rootfs rw 0 0',
      '/dev/sda / ext4 rw 0 0',
      'short line',
      '',
      `x /${'long/'.repeat(300)} ext4 rw 0 0`,
      '\u0001\u0002 \u0003',
    ].join('\n'),
  );
  await host.tick();
  const shown = Object.keys(await host.tick()).filter((key) => key.includes('device_error'));
  t.same(shown, [
    String.raw`node_filesystem_device_error{device="d\\040e",fstype="tmpfs",mountpoint="/a b\\c\td"}`,
    'node_filesystem_device_error{device="rootfs",fstype="rootfs",mountpoint="/"}',
    'node_filesystem_device_error{device="/dev/sda",fstype="ext4",mountpoint="/"}',
  ]);
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
    {
      statfs: (path) => {
        calls.push(path);
        return Promise.reject(new Error('ENOENT'));
      },
    },
  );
  sink.tick(source);
  await setImmediate();
  t.same(sink.tick(source), {
    'node_filesystem_device_error{device="/dev/sda",fstype="ext4",mountpoint="/srv"}': 1,
  });
  t.equal(calls[0], '/host/root/srv');
  source.close();
});

await t.test('a mount that does not answer is in error and asked no more', async (t) => {
  const host = new FakeHost(
    t,
    'srv:/x /nfs nfs4 rw 0 0\n/dev/sda / ext4 rw 0 0\nb /broken xfs rw 0 0\n',
  );
  t.ok(ANSWER_MS_MAX < TICK_MS);
  await host.tick();
  t.same(await host.errors(), { '/nfs': 0, '/': 0, '/broken': 1 });
  host.hanging.add('/nfs');
  t.same(await host.errors(), { '/nfs': 0, '/': 0, '/broken': 1 }, 'the answer of before');
  const called = host.calls.filter((path) => path === '/nfs').length;
  for (let tick = 0; tick < 5; tick++) {
    t.same(await host.errors(), { '/nfs': 1, '/': 0, '/broken': 1 });
  }
  t.equal(host.calls.filter((path) => path === '/nfs').length, called);
  host.wake('/nfs');
  await setImmediate();
  t.same(await host.errors(), { '/nfs': 0, '/': 0, '/broken': 1 });
  t.equal(host.calls.filter((path) => path === '/nfs').length, called + 1);
  host.source.close();
});

await t.test('hung remote filesystems hold two calls and stop no local ones', async (t) => {
  const remotes = ['/n1', '/n2', '/n3', '/n4'];
  const host = new FakeHost(
    t,
    `${remotes.map((path) => `srv:${path} ${path} nfs rw 0 0\n`).join('')}/dev/sda / ext4 rw 0 0\n`,
  );
  for (const path of remotes) host.hanging.add(path);
  await host.tick();
  t.same(host.calls, ['/n1', '/n2', '/']);
  t.same(await host.errors(), { '/n1': 1, '/n2': 1, '/': 0 }, 'what is not asked is absent');
  t.same(await host.errors(), { '/n1': 1, '/n2': 1, '/': 0 });
  t.same(host.calls, ['/n1', '/n2', '/', '/', '/']);
  host.wake('/n1');
  for (let turn = 0; turn < 5; turn++) await setImmediate();
  t.equal(host.calls.at(-1), '/n3', 'a place is taken by the next in line');
  host.source.close();
});

await t.test('hung local filesystems are given up one after the other, two at most', async (t) => {
  const locals = ['/d1', '/d2', '/d3', '/d4'];
  const host = new FakeHost(t, locals.map((path) => `/dev${path} ${path} ext4 rw 0 0\n`).join(''));
  for (const path of locals) host.hanging.add(path);
  for (let tick = 0; tick < 6; tick++) await host.tick();
  t.same(host.calls, ['/d1', '/d2']);
  t.same(await host.errors(), { '/d1': 1, '/d2': 1 });
  host.source.close();
});

await t.test('an answer that cannot be renewed is dropped when it is old', async (t) => {
  const host = new FakeHost(t, 's:/a /a nfs rw 0 0\ns:/b /b nfs rw 0 0\ns:/c /c nfs rw 0 0\n');
  await host.tick();
  for (const path of ['/a', '/b']) host.hanging.add(path);
  t.same(await host.errors(), { '/a': 0, '/b': 0, '/c': 0 });
  t.same(await host.errors(), { '/a': 1, '/b': 1, '/c': 0 });
  for (let ms = 0; ms <= ANSWER_AGE_MS_MAX; ms += TICK_MS) await host.tick();
  t.same(await host.errors(), { '/a': 1, '/b': 1 });
  host.source.close();
});

await t.test('another filesystem at the same place starts without an answer', async (t) => {
  const host = new FakeHost(t, 's:/old /m nfs rw 0 0\n');
  await host.tick();
  host.hanging.add('/m');
  t.same(await host.errors(), { '/m': 0 });
  host.mount('/dev/sdz /m ext4 rw 0 0\n');
  await host.tick();
  host.wake('/m');
  await setImmediate();
  t.same(await host.errors(), {}, 'the late answer was of the old one');
  t.same(await host.errors(), { '/m': 0 });
  host.mount('');
  t.same(await host.errors(), {});
  host.mount('/dev/sdz /m ext4 rw 0 0\n');
  t.same(await host.errors(), {});
  t.same(await host.errors(), { '/m': 0 });
  t.equal(host.sink.keys.length, 14, 'slots of before');
  host.source.close();
});

await t.test('nothing is asked after the source was closed', async (t) => {
  const host = new FakeHost(
    t,
    's:/a /a nfs rw 0 0\n/dev/b /b ext4 rw 0 0\n/dev/c /c ext4 rw 0 0\n',
  );
  host.hanging.add('/a');
  host.hanging.add('/b');
  await host.tick();
  t.same(host.calls, ['/a', '/b']);
  host.source.close();
  host.wake('/a');
  host.wake('/b');
  await setImmediate();
  t.same(host.calls, ['/a', '/b']);
});
