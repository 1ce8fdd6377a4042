import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { reasonOf, RollcallError } from '../error.ts';
import { isExecutable } from './child-server.ts';

const run = promisify(execFile);

/** A program that a Debian package brings. */
export interface DebianProgram {
  readonly package: string;
  /** Where the program is in the package, such as `usr/bin/prometheus`. */
  readonly path: string;
  /** The setting that names another one, such as `--nats-server-path`; for the error's remedy. */
  readonly flag?: string;
}

/**
 * A program: the given one, the one on PATH, or Debian's, unpacked into the cache folder (nothing
 * is installed).
 *
 * @throws RollcallError `program_missing`, saying what to install
 */
export async function findProgram(
  program: DebianProgram,
  cacheDir: string,
  given?: string,
): Promise<string> {
  const name = basename(program.path);
  if (given !== undefined) {
    if (isExecutable(given)) return given;
    throw new RollcallError(
      'program_missing',
      `${given} is not a program that can be run: name a ${name}, or install one with ` +
        `"apt-get install ${program.package}"`,
    );
  }
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/bin'];
  for (const folder of folders) {
    const candidate = join(folder, name);
    if (folder !== '' && isExecutable(candidate)) return candidate;
  }
  const unpacked = join(cacheDir, program.package);
  const cached = join(unpacked, program.path);
  if (!isExecutable(cached)) await unpackPackage(program, unpacked, cacheDir);
  return cached;
}

/** Downloads a package with apt and unpacks it into `target`. Needs no privileges. */
async function unpackPackage(
  program: DebianProgram,
  target: string,
  cacheDir: string,
): Promise<void> {
  mkdirSync(cacheDir, { recursive: true });
  const work = mkdtempSync(join(cacheDir, `${program.package}-`));
  try {
    await downloadPackage(program.package, work);
    const file = readdirSync(work).find((entry) => entry.endsWith('.deb'));
    if (file === undefined) throw new Error('apt-get left no package');
    await run('dpkg-deb', ['-x', join(work, file), join(work, 'root')]);
    rmSync(target, { recursive: true, force: true });
    renameSync(join(work, 'root'), target);
  } catch (cause) {
    const named = program.flag === undefined ? '' : ` or name one with ${program.flag}`;
    throw new RollcallError(
      'program_missing',
      `${basename(program.path)} is not on PATH and could not be fetched ` +
        `(${reasonOf(cause).trim()}): ` +
        `install it with "apt-get install ${program.package}"${named}`,
      { cause },
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** apt's own lists may be missing or not ours to refresh: then lists of our own are fetched. */
async function downloadPackage(name: string, work: string): Promise<void> {
  try {
    await run('apt-get', ['download', name], { cwd: work });
  } catch {
    const lists = join(work, 'lists');
    mkdirSync(join(lists, 'partial'), { recursive: true });
    const own = ['-o', `Dir::State::lists=${lists}`, '-o', `Dir::Cache=${join(work, 'cache')}`];
    mkdirSync(join(work, 'cache', 'archives', 'partial'), { recursive: true });
    await run('apt-get', ['update', ...own], { cwd: work });
    await run('apt-get', ['download', name, ...own], { cwd: work });
  }
}
