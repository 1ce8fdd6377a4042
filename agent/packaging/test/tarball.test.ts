import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import t from 'tap';
import { buildAgent } from '../built-agent.ts';
import { packTarball } from '../tarball.ts';
import { runScript } from './run-script.ts';

process.env['SOURCE_DATE_EPOCH'] = '1700000000';
const TOP = 'rollcall-agent_1.2.3';
const FILES = [
  'LICENSE',
  'NOTICES',
  'README.md',
  'agent.yaml',
  'rollcall-agent',
  'rollcall-agent.js',
  'rollcall-agent.service',
];

const folder = t.testdir({ unpacked: {} });
const agent = await buildAgent({ folder, version: '1.2.3' });
const tarball = await packTarball(agent, folder);
execFileSync('tar', ['-xzf', tarball, '-C', join(folder, 'unpacked')]);
const unpacked = join(folder, 'unpacked', TOP);

await t.test('it holds these files in order, and the licences of what is in it', (t) => {
  t.equal(basename(tarball), 'rollcall-agent_1.2.3.tar.gz');
  const listing = execFileSync('tar', ['-tvzf', tarball, '--utc'], { encoding: 'utf8' });
  const entries = listing.trim().split('\n');
  t.same(
    entries.map((entry) => entry.split(' ').at(-1)),
    [`${TOP}/`, ...FILES.map((file) => `${TOP}/${file}`)],
    'in order',
  );
  t.ok(
    entries.every((entry) => / 0\/0 .* 2023-11-14 22:13 /.test(entry)),
    listing,
  );
  const notices = readFileSync(join(unpacked, 'NOTICES'), 'utf8');
  for (const { name, packageFolder } of agent.bundle.parts) {
    if (packageFolder !== undefined) t.ok(notices.includes(`\n${name} `), `the licence of ${name}`);
  }
  t.end();
});

await t.test('its program runs through a link, and says what to do without Node.js', async (t) => {
  const link = join(
    t.testdir({ link: t.fixture('symlink', join(unpacked, 'rollcall-agent')) }),
    'link',
  );
  const ran = await runScript(link, ['--version'], { ROLLCALL_NODE: process.execPath });
  t.same(ran, { status: 0, out: '1.2.3\n', err: '' });
  const missing = await runScript(link, [], { ROLLCALL_NODE: '/nowhere/node' });
  t.equal(missing.status, 1);
  t.match(missing.err, /\/nowhere\/node is missing: install Node\.js 20/);
});

await t.test('its settings file has known settings, each at its default', async (t) => {
  const script = join(unpacked, 'rollcall-agent.js');
  const text = readFileSync(join(unpacked, 'agent.yaml'), 'utf8');
  const help = (await runScript(process.execPath, [script, '--help'])).out.replaceAll(/\s+/g, ' ');
  const settings = [...text.matchAll(/^ {2}#(\w+): ([^/\n]*)$/gm)];
  t.ok(settings.length >= 3);
  for (const [line, key = '', value] of settings) {
    const flag = `--agent-${key.replaceAll('_', '-')}`;
    t.match(help, new RegExp(`${flag} .{0,160}default ${value}`), line);
  }
  const all = join(t.testdir({}), 'all.yaml');
  writeFileSync(all, text.replaceAll(/^ {2}#(\w+: )/gm, '  $1'));
  const ran = await runScript(process.execPath, [script, '--config', all]);
  t.equal(ran.status, 1, 'asked rightly, but the certificates are not there');
  t.match(ran.err, /TLS files cannot be used/);
});
