import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import type { BuiltAgent } from './built-agent.ts';
import { writeTree, type PackedEntry } from './file-tree.ts';
import { programError } from './program-error.ts';
import { template } from './template.ts';

/** Where the README in the tarball says that the program be put. */
const PROGRAM = '/opt/rollcall-agent/rollcall-agent';
const TAR_BYTES_MAX = 64 << 20;

/**
 * Packs the agent for any Linux, and returns the tarball's path.
 *
 * @throws RollcallError `program_missing`, `build_failed`
 */
export async function packTarball(agent: BuiltAgent, folder: string): Promise<string> {
  const name = `rollcall-agent_${agent.version}`;
  const path = join(folder, `${name}.tar.gz`);
  const work = await mkdtemp(join(tmpdir(), 'rollcall-tarball-'));
  try {
    await writeTree(join(work, name), await packedFiles(agent), agent.date);
    await writeFile(path, gzipSync(await tar(work, name), { level: 9 }));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return path;
}

/** The time of each file is its own, which the tree already has. */
async function tar(folder: string, name: string): Promise<Buffer> {
  const args = ['--create', '--format=ustar', '--sort=name', '--owner=0', '--group=0'];
  try {
    const { stdout } = await promisify(execFile)(
      'tar',
      [...args, '--numeric-owner', `--directory=${folder}`, name],
      { encoding: 'buffer', maxBuffer: TAR_BYTES_MAX },
    );
    return stdout;
  } catch (cause) {
    throw programError('tar', 'tar', cause);
  }
}

async function packedFiles(agent: BuiltAgent): Promise<PackedEntry[]> {
  const { version, script, licence, notices } = agent;
  return [
    { path: 'LICENSE', content: licence },
    { path: 'NOTICES', content: notices },
    { path: 'README.md', content: await template('install.md', { VERSION: version }) },
    { path: 'agent.yaml', content: await template('agent.yaml') },
    { path: 'rollcall-agent', content: await template('rollcall-agent'), isProgram: true },
    { path: 'rollcall-agent.js', content: script },
    {
      path: 'rollcall-agent.service',
      content: await template('rollcall-agent.service', { PROGRAM }),
    },
  ];
}
