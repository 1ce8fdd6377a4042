import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Server as TlsServer } from 'node:tls';
import { reasonOf, RollcallError } from '../error.ts';
import { formatAddress, requireTlsOffLoopback } from './address.ts';
import type { Address } from './address.ts';
import type { TlsFiles, TlsPem } from './tls-files.ts';

export interface ListenOptions {
  readonly address: Address;
  readonly tls?: TlsFiles | undefined;
  readonly insecure: boolean;
  /** Sockets beyond this many are closed before anything is read from them. */
  readonly connectionsMax: number;
  onConnection(socket: Socket): void;
  /** A peer failed the handshake: wrong, missing or expired certificate, or not TLS at all. */
  onRefused(reason: string): void;
}

export interface Listener {
  readonly address: Address;
  /** Uses certificates that `TlsFiles.refresh` has read again. */
  renewTls(): void;
  close(): Promise<void>;
}

const HANDSHAKE_TIMEOUT_MS = 5000;

/**
 * Listens with mutual TLS 1.3, or plainly where that is allowed.
 *
 * @throws RollcallError `tls_required`, `listen_failed`
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { address, tls } = options;
  requireTlsOffLoopback(address.host, tls !== undefined, options.insecure);
  const server = tls === undefined ? plainServer(options) : tlsServer(options, tls);
  server.maxConnections = options.connectionsMax;
  server.on('drop', () => options.onRefused('too many connections'));
  await bind(server, address);
  // Accepting failed (too few descriptors, say); the listener itself goes on.
  server.on('error', (error) => options.onRefused(error.message));
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
  return {
    address: { host: address.host, port },
    renewTls() {
      if (tls !== undefined) (server as TlsServer).setSecureContext(secureOptions(tls));
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}

function plainServer(options: ListenOptions): Server {
  return createServer({ noDelay: true, keepAlive: true }, (socket) => options.onConnection(socket));
}

function tlsServer(options: ListenOptions, tls: TlsFiles): TlsServer {
  const server = createTlsServer(
    {
      ...secureOptions(tls),
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      noDelay: true,
      keepAlive: true,
    },
    (socket) => options.onConnection(socket),
  );
  server.on('tlsClientError', (error, socket) => {
    // For a certificate that was refused Node's error only says that the socket hung up.
    const { authorizationError } = socket as { authorizationError?: Error | string | null };
    options.onRefused(reasonOf(authorizationError ?? error));
  });
  return server;
}

function secureOptions({ pem }: TlsFiles): TlsPem & { minVersion: 'TLSv1.3' } {
  return { ...pem, minVersion: 'TLSv1.3' };
}

async function bind(server: Server, address: Address): Promise<void> {
  server.listen({ host: address.host, port: address.port, backlog: 511 });
  try {
    await once(server, 'listening');
  } catch (cause) {
    const taken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
    throw new RollcallError(
      'listen_failed',
      `cannot listen on ${formatAddress(address)}: ` +
        (taken ? 'another process has the port' : (cause as Error).message),
      { cause },
    );
  }
}
