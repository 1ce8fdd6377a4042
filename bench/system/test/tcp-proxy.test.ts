import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import t from 'tap';
import type { Test } from 'tap';
import { until } from '../../../pipeline/embedded/test/until.ts';
import { TcpProxy } from '../tcp-proxy.ts';

/** A server that says everything twice, behind a proxy. */
async function fixture(t: Test): Promise<{ proxy: TcpProxy; heard: Buffer[]; peers: Socket[] }> {
  const heard: Buffer[] = [];
  const peers: Socket[] = [];
  const server = createServer((socket) => {
    peers.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      heard.push(data);
      socket.write(Buffer.concat([data, data]));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const proxy = await TcpProxy.start({ host: '127.0.0.1', port });
  t.teardown(async () => {
    await proxy.close();
    for (const peer of peers) peer.destroy();
    server.close();
  });
  return { proxy, heard, peers };
}

interface Client {
  readonly socket: Socket;
  text: string;
}

async function dial(proxy: TcpProxy): Promise<Client> {
  const socket = connect(proxy.address);
  const client: Client = { socket, text: '' };
  socket.on('error', () => undefined);
  socket.on('data', (data) => {
    client.text += data.toString();
  });
  await once(socket, 'connect');
  return client;
}

await t.test('bytes pass in both directions, whole and in order, on any road', async (t) => {
  const { proxy, heard } = await fixture(t);
  proxy.setRoad({ latencyMs: 5, bandwidthBytes: 1_000_000, sliceBytes: 7 });
  const client = await dial(proxy);
  const said = 'abcdefghijklmnopqrstuvwxyz'.repeat(20);
  client.socket.write(said);
  await until('everything is answered', () => client.text.length === 2 * said.length);
  t.equal(Buffer.concat(heard).toString(), said);
  client.socket.end();
  await until('the end passes too', () => client.socket.closed && proxy.open === 0);
});

await t.test('a cut ends both sides at once', async (t) => {
  const { proxy, peers } = await fixture(t);
  const client = await dial(proxy);
  client.socket.write('x');
  await until('it passes', () => client.text === 'xx');
  t.equal(proxy.open, 1);
  proxy.cut();
  await until('both are closed', () => client.socket.closed && peers[0]!.closed);
  t.equal(proxy.open, 0);
});

await t.test('a silent proxy passes nothing on and closes nothing', async (t) => {
  const { proxy, heard, peers } = await fixture(t);
  const before = await dial(proxy);
  before.socket.write('x');
  await until('it passes', () => before.text === 'xx');
  const silentMs = performance.now();
  proxy.setSilent(true);
  before.socket.write('y');
  const during = await dial(proxy);
  during.socket.write('z');
  await until('the proxy has both', () => proxy.open === 2);
  t.equal(proxy.openSince(silentMs), 1);
  before.socket.destroy();
  await until('it sees who gives up', () => proxy.openSince(silentMs) === 0);
  t.equal(peers[0]!.closed, false, 'and does not tell the other side');
  proxy.setSilent(false);
  await until('what was half-open is cut', () => during.socket.closed && peers[0]!.closed);
  t.equal(Buffer.concat(heard).toString(), 'x');
});

await t.test('the answer to a chosen request is swallowed, its work is done', async (t) => {
  const { proxy, heard } = await fixture(t);
  proxy.swallowAnswers(/precious/, 1);
  const plain = await dial(proxy);
  plain.socket.write('plain');
  await until('another one is answered', () => plain.text === 'plainplain');
  const precious = await dial(proxy);
  precious.socket.write('a precious request');
  await until('the client is cut off', () => precious.socket.closed);
  t.equal(precious.text, '');
  t.equal(proxy.swallowed, 1);
  t.ok(Buffer.concat(heard).includes('precious'));
  const next = await dial(proxy);
  next.socket.write('precious');
  await until('only once', () => next.text === 'preciousprecious');
});

await t.test('a refusing proxy takes no connection', async (t) => {
  const { proxy } = await fixture(t);
  proxy.setRefusing(true);
  const refused = connect(proxy.address).on('error', () => undefined);
  await until('it is closed', () => refused.closed);
  proxy.setRefusing(false);
  const taken = await dial(proxy);
  taken.socket.write('x');
  await until('it passes', () => taken.text === 'xx');
});
