import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import type { Test } from 'tap';
import { freePort } from '../../../pipeline/embedded/free-port.ts';
import type { RollcallError } from '../../../pipeline/error.ts';
import { checkPorts, takenPorts } from '../port-check.ts';
import { socketsOf } from '../port-owner.ts';

async function listenHere(t: Test, host: string): Promise<number> {
  const server = createServer();
  server.listen(0, host);
  await once(server, 'listening');
  t.teardown(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function listenElsewhere(t: Test): Promise<{ pid: number; port: number }> {
  const script = `const server = require("node:net").createServer();
    server.listen(0, "127.0.0.1", () => console.log(server.address().port));
    process.stdin.resume().on("close", () => process.exit(0));`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const [output] = (await once(child.stdout, 'data')) as [Buffer];
  return { pid: child.pid!, port: Number(output.toString()) };
}

/** A line of /proc/net/tcp. */
function row(address: string, state: string, inode: number): string {
  return ` 0: ${address} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000 0 0 ${inode} 1`;
}

await t.test('all taken ports are named at once, with who has them and what to do', async (t) => {
  const here = await listenHere(t, '0.0.0.0');
  const other = await listenElsewhere(t);
  const free = await freePort();
  const error = await checkPorts([
    { port: here, neededBy: 'nats-server', setting: '--nats-port' },
    { port: free, neededBy: 'clickhouse', setting: '--clickhouse-http-port' },
    { port: other.port, neededBy: 'clickhouse', setting: '--clickhouse-tcp-port' },
  ]).catch((error: RollcallError) => error);
  t.match(error, { code: 'ports_taken' });
  const lines = error!.message.split('\n');
  t.equal(lines.length, 2);
  t.match(lines[0], `port ${here}, for nats-server, is taken by node`);
  t.match(lines[0], `(pid ${process.pid}): end that or choose another port with --nats-port`);
  t.equal(
    lines[1],
    `port ${other.port}, for clickhouse, is taken by node (pid ${other.pid}): ` +
      'end that or choose another port with --clickhouse-tcp-port',
  );
});

await t.test('a free port is free after the check', async (t) => {
  const port = await freePort();
  const need = { port, neededBy: 'agent', setting: '--agent-port' };
  await checkPorts([need, need]);
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  server.close();
  await once(server, 'close');
  t.same(await takenPorts([need]), []);
});

await t.test('who listens counts before who is connected, and other addresses do not', (t) => {
  const table = [
    '  sl  local_address rem_address   st …',
    row('0100007F:107E', '01', 11),
    row('0100007F:107E', '0A', 12),
    row('0A01A8C0:1F90', '0A', 13),
    row('00000000000000000000000000000000:1F91', '0A', 14),
    row('0100007F:1F92', '01', 15),
    row('0100007F:1F92', '06', 0),
    '',
  ].join('\n');
  const found = socketsOf(table, new Set([0x107e, 0x1f90, 0x1f91, 0x1f92]));
  t.same(
    [...found],
    [
      ['12', 0x107e],
      ['14', 0x1f91],
      ['15', 0x1f92],
    ],
  );
  t.same([...socketsOf('', new Set([1]))], []);
  t.end();
});
