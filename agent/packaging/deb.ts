import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import type { BuiltAgent } from './built-agent.ts';
import { writeTree, type PackedEntry, type PackedFile } from './file-tree.ts';
import { programError } from './program-error.ts';
import { template } from './template.ts';

const CONFIG = 'etc/rollcall/agent.yaml';
const DOC = 'usr/share/doc/rollcall-agent';
/** Run by dpkg, see Debian's policy, chapter 6. */
const SCRIPTS = ['postinst', 'prerm', 'postrm'];

/**
 * Packs the agent for Debian and its kin, and returns the package's path. Only dpkg-deb is needed:
 * there is nothing that debhelper would find out about one script.
 *
 * @throws RollcallError `program_missing`, `build_failed`
 */
export async function packDeb(agent: BuiltAgent, folder: string): Promise<string> {
  const version = debianVersion(agent.version);
  const path = join(folder, `rollcall-agent_${version}_all.deb`);
  const work = await mkdtemp(join(tmpdir(), 'rollcall-deb-'));
  try {
    const installed = await installedFiles(agent, version);
    const tree = join(work, 'tree');
    await writeTree(tree, [...installed, ...(await controlFiles(installed, version))], agent.date);
    await run(['--build', '--root-owner-group', '-Zxz', tree, path], agent.date);
    await chmod(path, 0o644);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return path;
}

/** In Debian's order 1.0.0~rc.1 comes before 1.0.0, and 1.0.0-rc.1 after it. */
function debianVersion(version: string): string {
  return version.replace('-', '~');
}

async function run(args: readonly string[], date: Date): Promise<void> {
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(date.getTime() / 1000) };
  try {
    await promisify(execFile)('dpkg-deb', args, { env });
  } catch (cause) {
    throw programError('dpkg-deb', 'dpkg', cause);
  }
}

async function installedFiles(agent: BuiltAgent, version: string): Promise<PackedEntry[]> {
  const { date, script, notices, changes } = agent;
  return [
    { path: CONFIG, content: await template('agent.yaml') },
    { path: 'usr/bin/rollcall-agent', target: '../lib/rollcall-agent/rollcall-agent' },
    {
      path: 'usr/lib/rollcall-agent/rollcall-agent',
      content: await template('rollcall-agent'),
      isProgram: true,
    },
    { path: 'usr/lib/rollcall-agent/rollcall-agent.js', content: script },
    {
      path: 'usr/lib/systemd/system/rollcall-agent.service',
      content: await template('rollcall-agent.service', { PROGRAM: '/usr/bin/rollcall-agent' }),
    },
    { path: 'usr/lib/sysusers.d/rollcall-agent.conf', content: await template('sysusers.conf') },
    { path: `${DOC}/changelog.Debian.gz`, content: zipped(debianChangelog(version, date)) },
    { path: `${DOC}/changelog.gz`, content: zipped(changes) },
    { path: `${DOC}/copyright`, content: `${await template('copyright')}\n${notices}` },
  ];
}

async function controlFiles(
  installed: readonly PackedEntry[],
  version: string,
): Promise<PackedFile[]> {
  const files = installed.filter((entry): entry is PackedFile => 'content' in entry);
  const values = { VERSION: version, SIZE: String(installedKib(files)) };
  const sums = files
    .filter(({ path }) => path !== CONFIG)
    .map(({ path, content }) => `${createHash('md5').update(content).digest('hex')}  ${path}\n`);
  const scripts = SCRIPTS.map(async (name) => {
    return { path: `DEBIAN/${name}`, content: await template(name), isProgram: true };
  });
  return [
    { path: 'DEBIAN/control', content: await template('control', values) },
    { path: 'DEBIAN/conffiles', content: `/${CONFIG}\n` },
    { path: 'DEBIAN/md5sums', content: sums.join('') },
    ...(await Promise.all(scripts)),
  ];
}

/** Each file in whole KiB, as Debian's policy counts (5.6.20). */
function installedKib(files: readonly PackedFile[]): number {
  return files.reduce((sum, { content }) => sum + Math.ceil(Buffer.from(content).length / 1024), 0);
}

function zipped(text: string): Uint8Array {
  return gzipSync(text, { level: 9 });
}

/** The format of deb-changelog(5). */
function debianChangelog(version: string, date: Date): string {
  const day = date.toUTCString().replace('GMT', '+0000');
  return [
    `rollcall-agent (${version}) stable; urgency=medium`,
    '',
    '  * See changelog.gz.',
    '',
    ` -- Rollcall <rollcall@rollcall.invalid>  ${day}`,
    '',
  ].join('\n');
}
