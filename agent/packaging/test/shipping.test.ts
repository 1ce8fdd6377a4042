import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { freePort } from '../../../pipeline/embedded/free-port.ts';
import { CollectorClient } from '../../test/collector-client.ts';

/*
 * What is shipped, from the command line that makes it to frames on a connection, with real
 * programs only: tar, dpkg, the installed wrapper and script.
 */

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const MAIN = join(ROOT, 'cli/main.ts');
const VERSION = (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest).version;
const SCRIPT = 'rollcall-agent.js';
const TARBALL = `rollcall-agent_${VERSION}.tar.gz`;
const DEB = `rollcall-agent_${VERSION.replace('-', '~')}_all.deb`;
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const INTERVAL_MS = 100;
/** An agent runs without privileges: as nobody, when the tests are run by root. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

interface Manifest {
  readonly version: string;
}

const work = mkdtempSync(join(tmpdir(), 'rollcall-shipping-'));
chmodSync(work, 0o755);
t.teardown(() => rmSync(work, { recursive: true, force: true }));
const built = join(work, 'built');

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, whatever that is. */
async function outcome(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  try {
    const { stdout, stderr } = await run(program, args, { env: { ...process.env, ...env } });
    return { status: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number } & Omit<Ended, 'status'>;
    return { status: code, stdout, stderr };
  }
}

function build(out: string, flags: string[] = [], env: Record<string, string> = {}) {
  const args = [MAIN, 'build', 'agent', '--out', out, ...flags];
  return outcome(process.execPath, args, { ROLLCALL_CONFIG: '', ...env });
}

/** The Node.js of the tests as it is on a server: on PATH, and for everybody to run. */
function installNode(): string {
  const folder = join(work, 'node');
  mkdirSync(folder);
  chmodSync(folder, 0o755);
  copyFileSync(realpathSync(process.execPath), join(folder, 'node'), constants.COPYFILE_FICLONE);
  chmodSync(join(folder, 'node'), 0o755);
  return folder;
}

interface Installed {
  readonly program: string;
  readonly args?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

async function accepts(port: number, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the agent ended with ${child.exitCode}`);
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await sleep(20);
  }
}

/** Starts an agent, takes three frames of it and asks it to end. */
async function takeFrames(t: Test, { program, args = [], env }: Installed): Promise<void> {
  const port = await freePort();
  // With these variables only: tap has some for each child, to write a file when it ends.
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const command = [program, ...args, `--listen=127.0.0.1:${port}`];
  const child = spawn('/usr/bin/env', ['-i', ...variables, ...command], {
    ...NOBODY,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const ended = once(child, 'exit');
  await accepts(port, child);
  const collector = await new CollectorClient(port).connected();
  collector.hello();
  await collector.until(() => collector.welcome !== undefined || collector.closed);
  collector.subscribe(1 << 20, INTERVAL_MS);
  await collector.until(() => collector.frames.length >= 3 || collector.closed);
  const sizes = collector.frames.map(({ values }) => values.length);
  t.ok(sizes.length >= 3 && Math.min(...sizes) > 50, `frames came, of ${sizes.join(', ')} values`);
  child.kill('SIGTERM');
  t.same(await ended, [0, null], 'it ends by itself when it is asked to');
  t.notMatch(log, /"level":[56]0/, 'and has nothing to complain about');
}

await t.test('the same source makes the same bytes', async (t) => {
  const again = join(work, 'again');
  const first = await build(built);
  t.equal(first.status, 0, first.stderr);
  await build(again);
  for (const name of [SCRIPT, TARBALL, DEB]) {
    t.match(first.stdout, name, `${name} is shown`);
    t.ok(readFileSync(join(built, name)).equals(readFileSync(join(again, name))), name);
  }
});

await t.test('another time is another package, and the same script', async (t) => {
  const other = join(work, 'other');
  t.equal((await build(other, [], { SOURCE_DATE_EPOCH: '1000000000' })).status, 0);
  const { stdout } = await outcome('tar', ['--list', '-vzf', join(other, TARBALL)], { TZ: 'UTC' });
  const lines = stdout.trim().split('\n');
  t.same(
    lines.filter((line) => !/ (0\/0|root\/root) .* 2001-09-09 01:46 /.test(line)),
    [],
    'all that is in it is of that time and root',
  );
  t.ok(readFileSync(join(built, SCRIPT)).equals(readFileSync(join(other, SCRIPT))));
  t.notOk(readFileSync(join(built, DEB)).equals(readFileSync(join(other, DEB))));
  const wrong = await build(other, [], { SOURCE_DATE_EPOCH: 'yesterday' });
  t.equal(wrong.status, 2);
  t.match(wrong.stderr, /SOURCE_DATE_EPOCH/);
});

await t.test('without dpkg-deb the rest is made, and the remedy is said', async (t) => {
  const [programs, out] = [join(work, 'programs'), join(work, 'no-dpkg')];
  mkdirSync(programs);
  for (const program of ['tar', 'gzip', 'git']) symlinkTo(programs, program);
  const missing = await build(out, [], { PATH: programs });
  t.equal(missing.status, 1);
  t.match(missing.stderr, /dpkg-deb is missing: .*--no-deb/);
  t.ok(existsSync(join(out, SCRIPT)));
  t.ok(existsSync(join(out, TARBALL)));
  const without = await build(out, ['--no-deb'], { PATH: programs });
  t.equal(without.status, 0, without.stderr);
  t.notOk(existsSync(join(out, DEB)));
});

function symlinkTo(folder: string, program: string): void {
  const found = SYSTEM_PATH.split(delimiter)
    .map((one) => join(one, program))
    .find((path) => existsSync(path));
  if (found !== undefined) symlinkSync(found, join(folder, program));
}

const nodeFolder = installNode();
const PATH = `${nodeFolder}${delimiter}${SYSTEM_PATH}`;

await t.test('the tarball runs where it is unpacked', async (t) => {
  const folder = join(work, 'unpacked');
  mkdirSync(folder);
  await run('tar', ['-xzf', join(built, TARBALL), '-C', folder]);
  const top = join(folder, `rollcall-agent_${VERSION}`);
  t.same(readdirSync(folder), [`rollcall-agent_${VERSION}`]);
  const readme = readFileSync(join(top, 'README.md'), 'utf8');
  for (const name of readdirSync(top).filter((one) => one !== 'README.md')) {
    t.match(readme, `\`${name}\``, `the README names ${name}`);
  }
  const program = join(top, 'rollcall-agent');
  const help = await outcome(program, ['--help'], { PATH });
  t.match(help.stdout, /^Usage: rollcall-agent /);
  t.match(help.stdout, '--listen');
  t.equal((await outcome(program, ['--version'], { PATH })).stdout, `${VERSION}\n`);
  t.equal((await outcome(program, ['--listen=nowhere'], { PATH })).status, 2);
  await takeFrames(t, { program, env: { PATH } });
});

await t.test('the script alone runs on the Node.js that the system has', async (t) => {
  const node = '/usr/bin/node';
  if (!isExecutable(node)) return;
  const { stdout } = await run(node, ['--version']);
  if (Number.parseInt(stdout.slice(1), 10) < 20) return;
  await takeFrames(t, { program: node, args: [join(built, SCRIPT)], env: { PATH } });
});

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A root folder with nothing in it, as dpkg sees it. */
class ScratchRoot {
  readonly folder: string;

  constructor(name: string) {
    this.folder = join(work, name);
    for (const one of ['info', 'updates', 'triggers']) {
      mkdirSync(join(this.folder, 'var/lib/dpkg', one), { recursive: true });
    }
    chmodSync(this.folder, 0o755);
    writeFileSync(join(this.folder, 'var/lib/dpkg/status'), '');
  }

  /** The scripts run outside of the folder and are told where it is: it has no shell. */
  dpkg(...args: string[]): Promise<Ended> {
    const flags = [
      `--root=${this.folder}`,
      '--force-not-root',
      '--force-depends',
      '--force-script-chrootless',
      `--log=${join(work, 'dpkg.log')}`,
    ];
    return outcome('dpkg', [...flags, ...args], { PATH: SYSTEM_PATH, LC_ALL: 'C' });
  }

  path(path: string): string {
    return join(this.folder, path);
  }

  /** What is of the package, by name. */
  files(): string[] {
    return globSync('**/*', { cwd: this.folder }).filter((path) => path.includes('rollcall'));
  }
}

await t.test('the Debian package installs, runs, and is purged without a trace', async (t) => {
  const root = new ScratchRoot('root');
  const installed = await root.dpkg('--install', join(built, DEB));
  t.equal(installed.status, 0, installed.stderr);
  t.match(readFileSync(root.path('var/lib/dpkg/status'), 'utf8'), /^Status: install ok installed/m);
  t.equal((await root.dpkg('--verify', 'rollcall-agent')).stdout, '', 'its checksums are right');

  const config = root.path('etc/rollcall/agent.yaml');
  const program = root.path('usr/bin/rollcall-agent');
  await takeFrames(t, { program, env: { PATH, ROLLCALL_CONFIG: config } });

  writeFileSync(config, 'agent:\n  profile: full\n');
  const again = await root.dpkg('--install', join(built, DEB));
  t.equal(again.status, 0, again.stderr);
  t.match(readFileSync(config, 'utf8'), 'profile: full', 'settings survive an upgrade');

  t.equal((await root.dpkg('--remove', 'rollcall-agent')).status, 0);
  t.notOk(existsSync(program));
  t.match(readFileSync(config, 'utf8'), 'profile: full', 'and a removal');
  const purged = await root.dpkg('--purge', 'rollcall-agent');
  t.equal(purged.status, 0, purged.stderr);
  t.same(root.files(), []);
});

await t.test('systemd understands every line of the unit', async (t) => {
  if (!isExecutable('/usr/bin/systemd-analyze')) return;
  const folder = join(work, 'unit');
  await run('dpkg-deb', ['-x', join(built, DEB), folder]);
  const installed = join(folder, 'usr/lib/systemd/system/rollcall-agent.service');
  // It looks for the program on this machine.
  const unit = join(work, 'rollcall-agent.service');
  const text = readFileSync(installed, 'utf8');
  writeFileSync(unit, text.replace('ExecStart=/', `ExecStart=${folder}/`));
  const verified = await outcome('systemd-analyze', ['verify', '--man=no', unit]);
  // Of other units of this machine it may say what it likes.
  const ours = verified.stderr.split('\n').filter((line) => line.includes('rollcall'));
  t.same(ours, []);
});
