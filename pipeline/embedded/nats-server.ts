import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { reasonOf, RollcallError } from '../error.ts';
import { isExecutable } from './child-server.ts';
import type { ServerSpec } from './server-spec.ts';

const run = promisify(execFile);

const JETSTREAM_FILE_STORE = '64GB';
/** Lets a catalogue of the largest size through. Production servers need the same setting. */
const PAYLOAD_BYTES_MAX = 8 * 1024 * 1024;

/**
 * A nats-server program: the given one, the one on PATH, or Debian's, unpacked into the cache folder
 * (nothing is installed).
 *
 * @throws RollcallError `nats_server_missing`, saying what to install
 */
export async function findNatsServer(cacheDir: string, given?: string): Promise<string> {
  if (given !== undefined) {
    if (isExecutable(given)) return given;
    throw new RollcallError(
      'nats_server_missing',
      `${given} is not a program that can be run: name a nats-server, or install one with ` +
        '"apt-get install nats-server"',
    );
  }
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/bin'];
  const unpacked = join(cacheDir, 'nats-server', 'usr', 'sbin');
  for (const folder of [...folders, unpacked]) {
    const candidate = join(folder, 'nats-server');
    if (folder !== '' && isExecutable(candidate)) return candidate;
  }
  await unpackDebianPackage('nats-server', join(cacheDir, 'nats-server'), cacheDir);
  return join(unpacked, 'nats-server');
}

/** Downloads a Debian package with apt and unpacks it into `target`. Needs no privileges. */
async function unpackDebianPackage(name: string, target: string, cacheDir: string): Promise<void> {
  mkdirSync(cacheDir, { recursive: true });
  const work = mkdtempSync(join(cacheDir, `${name}-`));
  try {
    await downloadPackage(name, work);
    const file = readdirSync(work).find((entry) => entry.endsWith('.deb'));
    if (file === undefined) throw new Error('apt-get left no package');
    await run('dpkg-deb', ['-x', join(work, file), join(work, 'root')]);
    rmSync(target, { recursive: true, force: true });
    renameSync(join(work, 'root'), target);
  } catch (cause) {
    throw new RollcallError(
      'nats_server_missing',
      `nats-server is not on PATH and could not be fetched (${reasonOf(cause).trim()}): ` +
        `install it with "apt-get install nats-server" or name one with --nats-server-path`,
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

export interface NatsServerOptions {
  readonly binary: string;
  readonly port: number;
  readonly dataDir: string;
}

/** nats-server with JetStream on loopback. */
export function natsServer({ binary, port, dataDir }: NatsServerOptions): ServerSpec {
  mkdirSync(dataDir, { recursive: true });
  const config = join(dataDir, 'nats.conf');
  writeFileSync(
    config,
    [
      `listen: "127.0.0.1:${port}"`,
      `max_payload: ${PAYLOAD_BYTES_MAX}`,
      // A slow reader may have this much waiting before the server cuts it off.
      `max_pending: ${64 * 1024 * 1024}`,
      `jetstream { store_dir: ${JSON.stringify(dataDir)}, max_file_store: ${JETSTREAM_FILE_STORE} }`,
      '',
    ].join('\n'),
  );
  return {
    name: 'nats-server',
    command: binary,
    args: ['-c', config],
    stopBy: 'SIGTERM',
    stopTimeoutMs: 3000,
    isReady: () => greets(port),
  };
}

/** A NATS server says INFO as soon as somebody connects. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const answer = (isReady: boolean) => {
      socket.destroy();
      resolve(isReady);
    };
    socket.setTimeout(1000, () => answer(false));
    socket.once('error', () => answer(false));
    socket.once('data', (data: Buffer) => answer(data.toString().startsWith('INFO')));
  });
}
