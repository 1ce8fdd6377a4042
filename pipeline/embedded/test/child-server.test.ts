import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Test } from 'tap';
import { ChildServer } from '../child-server.ts';
import { freePort } from '../free-port.ts';
import { natsServer } from '../nats-server.ts';
import type { ServerSpec } from '../server-spec.ts';
import { until } from './until.ts';

const NATS = process.env['ROLLCALL_NATS_SERVER'] ?? 'nats-server';
const PARENT = fileURLToPath(new URL('parent.ts', import.meta.url));

function folder(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'rollcall-test-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }));
  return path;
}

/** Whether a process lives. One that has ended may stay listed until somebody asks how. */
function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/\) [ZX] /.test(stat);
  } catch {
    return false;
  }
}

/** A Node program as the server: `script` runs until its standard input closes. */
function scripted(script: string, isReady: () => Promise<boolean>): ServerSpec {
  return {
    name: 'scripted',
    command: process.execPath,
    args: ['--eval', script],
    stopBy: 'SIGTERM',
    stopTimeoutMs: 500,
    isReady,
  };
}

for (const kind of ['nats-server', 'clickhouse']) {
  await t.test(`${kind} does not outlive a parent that is killed`, async (t) => {
    const parent = spawn(process.execPath, [PARENT, kind, folder(t), NATS], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.teardown(() => parent.kill('SIGKILL'));
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
    const pid = Number(line);
    t.equal(isAlive(pid), true);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await until('the server is gone', () => !isAlive(pid));
    t.pass('the server is gone');
  });
}

await t.test('stopping ends a server in order', async (t) => {
  const spec = natsServer({ binary: NATS, port: await freePort(), dataDir: folder(t) });
  const server = await new ChildServer(spec).ready();
  t.equal(await spec.isReady(), true);
  t.equal(server.hasExited, false);
  await server.stop();
  t.equal(server.hasExited, true);
  t.equal(server.child.signalCode, null, 'it ended by itself');
  t.equal(await spec.isReady(), false);
  await server.stop();
  t.pass('stopping again does nothing');
});

await t.test('a server that does not stop in time is ended by force', async (t) => {
  let isReady = false;
  const server = new ChildServer(
    scripted(
      `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('ready')`,
      async () => isReady,
    ),
  );
  t.teardown(() => server.kill());
  server.child.stdout!.once('data', () => (isReady = true));
  await server.ready();
  await server.stop();
  t.equal(server.child.signalCode, 'SIGKILL');
});

await t.test('a server that ends while starting says why', async (t) => {
  const server = new ChildServer(
    scripted(`console.error('no room on the device'); process.exit(3)`, async () => false),
  );
  await t.rejects(server.ready(), {
    code: 'server_failed',
    message: /scripted ended while starting: no room on the device/,
  });
});

await t.test('a server that never answers is given up on', async (t) => {
  const server = new ChildServer(scripted('setInterval(() => {}, 1000)', async () => false));
  t.teardown(() => server.kill());
  await t.rejects(server.ready(1), { code: 'server_failed', message: /does not answer/ });
});

await t.test('a program that is not there is an error', async (t) => {
  const dataDir = folder(t);
  const spec = natsServer({ binary: join(dataDir, 'missing'), port: await freePort(), dataDir });
  await t.rejects(new ChildServer(spec).ready(), { code: 'server_failed' });
});
