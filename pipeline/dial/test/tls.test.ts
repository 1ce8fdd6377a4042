import { writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import t from 'tap';
import type { Test } from 'tap';
import { connect } from '../connect.ts';
import { listen } from '../listen.ts';
import { TlsFiles } from '../tls-files.ts';
import { Authority, CertificateFolder } from './certificates.ts';
import type { Wanted } from './certificates.ts';

const ours = await Authority.create('ours');
const theirs = await Authority.create('theirs');

async function files(t: Test, authority = ours, trusted = ours, wanted: Wanted = {}) {
  const folder = await new CertificateFolder(t).write(authority, trusted, wanted);
  return { folder, tls: new TlsFiles(folder.paths) };
}

/** A listener that answers every connection's bytes with the same bytes. */
async function echo(t: Test, tls: TlsFiles | undefined, connectionsMax = 16) {
  const refusals: string[] = [];
  const accepted: Socket[] = [];
  const received: string[] = [];
  const listener = await listen({
    address: { host: '127.0.0.1', port: 0 },
    tls,
    insecure: false,
    connectionsMax,
    onConnection(socket) {
      accepted.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => {
        received.push(chunk.toString());
        socket.write(chunk);
      });
    },
    onRefused: (reason) => refusals.push(reason),
  });
  t.teardown(async () => {
    const closed = listener.close();
    for (const socket of accepted) socket.destroy();
    await closed;
  });
  return { listener, port: listener.address.port, refusals, accepted, received };
}

interface Dialled {
  socket: Socket;
  opened: boolean;
  heard: string;
  error: Error | undefined;
  session: Buffer | undefined;
  readonly closed: Promise<void>;
}

/** Dials as the collector does, and says hello once the connection is open. */
function dial(
  t: Test,
  port: number,
  tls: TlsFiles | undefined,
  { host = '127.0.0.1', session }: { host?: string; session?: Buffer | undefined } = {},
): Dialled {
  const closed = Promise.withResolvers<void>();
  const dialled: Omit<Dialled, 'socket'> & { socket?: Socket } = {
    opened: false,
    heard: '',
    error: undefined,
    session: undefined,
    closed: closed.promise,
  };
  const address = { host, port };
  const socket = connect(
    { address, tls, session, readBuffer: Buffer.alloc(4096) },
    {
      onOpen() {
        dialled.opened = true;
        dialled.socket!.write('hello');
      },
      onData(chunk) {
        dialled.heard += chunk.toString();
      },
      onSession(ticket) {
        dialled.session = ticket;
      },
      onClose(error) {
        dialled.error = error;
        closed.resolve();
      },
    },
  );
  t.teardown(() => socket.destroy());
  return Object.assign(dialled, { socket });
}

/** Which certificate the peer showed. */
function serial(socket: Socket | undefined): string {
  return (socket as TLSSocket).getPeerCertificate().serialNumber;
}

/** Polls; the test's own time limit is the deadline. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A client that the product would never be. Resolves when the connection has ended. */
async function rawTls(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  socket.on('error', () => undefined);
  socket.on('secureConnect', () => socket.write('hello'));
  socket.resume();
  await until(() => socket.closed);
  return socket;
}

await t.test('both sides show their certificates and speak TLS 1.3', async (t) => {
  const { port, accepted } = await echo(t, (await files(t)).tls);
  const dialled = dial(t, port, (await files(t)).tls);
  await until(() => dialled.heard === 'hello');
  const server = accepted[0] as TLSSocket;
  t.equal(server.getProtocol(), 'TLSv1.3');
  t.equal(server.authorized, true);
  t.equal((dialled.socket as TLSSocket).authorized, true);
  t.equal(server.getPeerCertificate().subject.CN, 'rollcall');
});

await t.test('a name in the certificate is as good as an address', async (t) => {
  const { port } = await echo(t, (await files(t, ours, ours, { names: ['localhost'] })).tls);
  const dialled = dial(t, port, (await files(t)).tls, { host: 'localhost' });
  await until(() => dialled.heard === 'hello');
  t.equal((dialled.socket as TLSSocket).servername, 'localhost');
});

await t.test('strangers are refused before a byte of theirs is read, and counted', async (t) => {
  const { port, refusals, accepted, received } = await echo(t, (await files(t)).tls);
  const cases: [name: string, options: ConnectionOptions, reason: RegExp][] = [
    ['no certificate', {}, /PEER_DID_NOT_RETURN|UNABLE_TO_GET_ISSUER|certificate/i],
    ['another authority', await theirs.issue('x'), /ISSUER|VERIFY|SELF_SIGNED|certificate/i],
    ['an expired one', await ours.issue('x', { isExpired: true }), /EXPIRED/i],
    ['TLS 1.2', { ...(await ours.issue('x')), maxVersion: 'TLSv1.2' }, /protocol|version/i],
  ];
  for (const [name, options, reason] of cases) {
    const before: number = refusals.length;
    await rawTls(port, options);
    await until(() => refusals.length > before);
    t.equal(refusals.length, before + 1, `${name}: counted once`);
    t.match(refusals.at(-1), reason, name);
  }
  const plain = connectTcp(port, '127.0.0.1');
  plain.on('error', () => undefined).resume();
  plain.write('GET / HTTP/1.1\r\n\r\n');
  await until(() => plain.closed && refusals.length === cases.length + 1);
  t.pass('a plain client is cut off and counted');
  t.same(received, [], 'nothing of theirs reached the reader');
  t.equal(accepted.length, 0);
  t.notMatch(refusals.join(), /PRIVATE|BEGIN/, 'reasons hold no secrets');

  const good = dial(t, port, (await files(t)).tls);
  await until(() => good.heard === 'hello');
  t.equal(refusals.length, cases.length + 1, 'the listener goes on');
});

await t.test('a client hangs up on a server it has no reason to believe', async (t) => {
  const cases: [name: string, server: Parameters<typeof files>, code: RegExp][] = [
    ['of another authority', [t, theirs, ours], /UNABLE|SELF_SIGNED|ISSUER/],
    ['with an expired certificate', [t, ours, ours, { isExpired: true }], /CERT_HAS_EXPIRED/],
    ['of another address', [t, ours, ours, { addresses: ['127.0.0.2'] }], /ALTNAME_INVALID/],
  ];
  for (const [name, server, code] of cases) {
    const { port, received } = await echo(t, (await files(...server)).tls);
    const dialled = dial(t, port, (await files(t)).tls);
    await dialled.closed;
    t.equal(dialled.opened, false, `a server ${name}: never opened`);
    t.match(dialled.error, { code }, name);
    t.same(received, [], 'and nothing was said');
  }
  const plain = await echo(t, undefined);
  const dialled = dial(t, plain.port, (await files(t)).tls);
  const named = dial(t, (await echo(t, (await files(t)).tls)).port, (await files(t)).tls, {
    host: 'localhost',
  });
  await named.closed;
  t.match(named.error, { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'a name the certificate lacks');
  await until(() => plain.received.length > 0);
  t.notMatch(plain.received.join(''), 'hello', 'to a plain server only the handshake is said');
  t.equal(dialled.opened, false);
});

await t.test('replaced files are noticed and serve new connections', async (t) => {
  const server = await files(t);
  const { listener, port, refusals } = await echo(t, server.tls);
  const before = dial(t, port, (await files(t)).tls);
  await until(() => before.heard === 'hello');
  t.equal(server.tls.refresh(), false, 'nothing was replaced');

  const { context } = server.tls;
  await server.folder.write(theirs, theirs);
  t.equal(server.tls.refresh(), true);
  t.not(server.tls.context, context);
  listener.renewTls();
  t.equal(server.tls.refresh(), false, 'noticed once');
  const after = dial(t, port, (await files(t, theirs, theirs)).tls);
  await until(() => after.heard === 'hello');
  const old = dial(t, port, (await files(t)).tls);
  await old.closed;
  t.equal(old.opened, false, 'the old authority is over');
  await until(() => refusals.length === 1);
  before.socket.write('!');
  await until(() => before.heard === 'hello!');
  t.pass('the open connection stays');
});

await t.test('a client with replaced files shows the new certificate', async (t) => {
  const server = await files(t);
  const { port, accepted } = await echo(t, server.tls);
  const client = await files(t);
  const first = dial(t, port, client.tls);
  await until(() => first.heard === 'hello' && first.session !== undefined);
  const again = dial(t, port, client.tls, { session: first.session });
  await until(() => again.heard === 'hello');
  t.equal((again.socket as TLSSocket).isSessionReused(), true, 'a session spares a handshake');
  t.equal(serial(accepted[1]), serial(accepted[0]), 'and keeps the identity');
  await client.folder.write(ours, ours);
  t.equal(client.tls.refresh(), true);
  const renewed = dial(t, port, client.tls);
  await until(() => renewed.heard === 'hello');
  t.not(serial(accepted[2]), serial(accepted[0]));
});

await t.test('broken files keep what was there', async (t) => {
  const server = await files(t);
  const { listener, port } = await echo(t, server.tls);
  const { context, pem } = server.tls;
  writeFileSync(server.folder.paths.cert, 'half a certif');
  t.throws(() => server.tls.refresh(), { code: 'tls_files' });
  t.throws(() => server.tls.refresh(), { code: 'tls_files' }, 'as long as they are broken');
  t.equal(server.tls.context, context);
  t.equal(server.tls.pem, pem);
  listener.renewTls();
  const dialled = dial(t, port, (await files(t)).tls);
  await until(() => dialled.heard === 'hello');
  const other = await ours.issue('x');
  writeFileSync(server.folder.paths.cert, other.cert);
  t.throws(() => server.tls.refresh(), { code: 'tls_files' }, "another certificate's key");
  await server.folder.write(ours, ours);
  t.equal(server.tls.refresh(), true, 'mended');
  t.throws(() => new TlsFiles({ ...server.folder.paths, key: '/nowhere/key.pem' }), {
    code: 'tls_files',
    message: /nowhere/,
  });
});

await t.test('connections beyond the cap are closed and counted', async (t) => {
  const { port, refusals } = await echo(t, undefined, 2);
  const dialled = [dial(t, port, undefined), dial(t, port, undefined)];
  await until(() => dialled.every(({ heard }) => heard === 'hello'));
  const third = dial(t, port, undefined);
  await third.closed;
  t.equal(third.heard, '');
  t.same(refusals, ['too many connections']);
});
