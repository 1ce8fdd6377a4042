import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { buildAgent } from '../built-agent.ts';
import { packDeb } from '../deb.ts';

process.env['SOURCE_DATE_EPOCH'] = '1700000000';
/** dpkg asks for programs there, whoever runs it. */
const SBIN = ['/usr/local/sbin', '/usr/sbin', '/sbin'];
const INSTALLED = [
  'etc/rollcall',
  'etc/rollcall/agent.yaml',
  'usr',
  'usr/bin',
  'usr/bin/rollcall-agent',
  'usr/lib',
  'usr/lib/rollcall-agent',
  'usr/lib/rollcall-agent/rollcall-agent',
  'usr/lib/rollcall-agent/rollcall-agent.js',
  'usr/lib/systemd',
  'usr/lib/systemd/system',
  'usr/lib/systemd/system/rollcall-agent.service',
  'usr/lib/sysusers.d',
  'usr/lib/sysusers.d/rollcall-agent.conf',
  'usr/share',
  'usr/share/doc',
  'usr/share/doc/rollcall-agent',
  'usr/share/doc/rollcall-agent/changelog.Debian.gz',
  'usr/share/doc/rollcall-agent/changelog.gz',
  'usr/share/doc/rollcall-agent/copyright',
];

const agent = await buildAgent({ folder: t.testdir({}), version: '1.2.3-rc.1' });
const folder = t.testdirName;
const deb = await packDeb(agent, folder);

/** A folder that dpkg takes for a whole system, with nothing in it. */
class ScratchRoot {
  readonly path: string;

  constructor(t: Test) {
    this.path = t.testdir({
      var: { log: {}, lib: { dpkg: { info: {}, updates: {}, triggers: {}, status: '' } } },
    });
  }

  /** Runs dpkg, and returns what it and the package's scripts said. */
  dpkg(...args: string[]): string {
    const force = ['--force-not-root', '--force-depends', '--force-script-chrootless'];
    const log = `--log=${join(this.path, 'var/log/dpkg.log')}`;
    const command = `exec dpkg "$@" 2>&1`;
    return execFileSync(
      'sh',
      ['-c', command, 'dpkg', `--root=${this.path}`, log, ...force, ...args],
      {
        env: { ...process.env, PATH: [process.env['PATH'], ...SBIN].join(delimiter) },
        encoding: 'utf8',
      },
    );
  }

  read(path: string): string {
    return readFileSync(join(this.path, path), 'utf8');
  }

  /** Files, links and folders without those of dpkg, and of users. */
  files(): string[] {
    return globSync('**/*', { cwd: this.path })
      .filter((path) => !/^(var|etc)(\/|$)/.test(path) || path.startsWith('etc/rollcall'))
      .toSorted();
  }
}

await t.test('it installs these files and no other, and a user', (t) => {
  const root = new ScratchRoot(t);
  const said = root.dpkg('--install', deb);
  t.same(root.files(), INSTALLED);
  if (!said.includes('no program')) t.match(root.read('etc/passwd'), /^rollcall-agent:/m);
  root.dpkg('--remove', 'rollcall-agent');
  t.same(root.files(), ['etc/rollcall', 'etc/rollcall/agent.yaml']);
  root.dpkg('--purge', 'rollcall-agent');
  t.same(root.files(), []);
  t.end();
});

await t.test('a release comes after its candidates', async (t) => {
  const root = new ScratchRoot(t);
  root.dpkg('--install', deb);
  const release = await packDeb({ ...agent, version: '1.2.3' }, folder);
  const said = root.dpkg('--refuse-downgrade', '--install', release);
  t.match(said, /rollcall-agent \(1\.2\.3\) over \(1\.2\.3~rc\.1\)/);
});

await t.test('neither the time nor the umask of the build shows', async (t) => {
  const umask = process.umask(0o077);
  t.teardown(() => process.umask(umask));
  await setTimeout(1100);
  const again = await buildAgent({ folder: t.testdir({}), version: '1.2.3-rc.1' });
  const second = await packDeb(again, t.testdirName);
  t.ok(readFileSync(deb).equals(readFileSync(second)));
});

await t.test('its control files are what Debian wants', async (t) => {
  const field = (name: string) =>
    execFileSync('dpkg-deb', ['--field', deb, name], { encoding: 'utf8' }).trim();
  t.equal(field('Version'), '1.2.3~rc.1');
  t.equal(field('Architecture'), 'all');
  t.match(field('Depends'), /^nodejs \(>= 20\), /);
  t.match(field('Installed-Size'), /^\d+$/);
  const listing = execFileSync('dpkg-deb', ['--contents', deb], { encoding: 'utf8' });
  const entries = listing.trim().split('\n');
  t.ok(
    entries.every((entry) => / root\/root .* 2023-11-14 22:13 /.test(entry)),
    listing,
  );
  const control = t.testdir({});
  execFileSync('dpkg-deb', ['--control', deb, control]);
  t.equal(readFileSync(join(control, 'conffiles'), 'utf8'), '/etc/rollcall/agent.yaml\n');
  for (const name of ['postinst', 'prerm', 'postrm']) {
    const script = join(control, name);
    t.ok(existsSync(script));
    t.throws(() => execFileSync('sh', [script, 'nonsense'], { stdio: 'ignore' }), name);
  }
});
