import type { Socket } from 'node:net';
import { createServer } from 'node:tls';
import type { Server } from 'node:tls';
import { Issuer } from '../system/certificates.ts';
import type { AuthorityPaths } from '../system/certificates.ts';

/** A real server has a certificate of its own, of about the same size; one each would take twice the memory. */
const ADDRESSES_PER_CERTIFICATE = 16;
/** As the agent's listener has it. */
const HANDSHAKE_TIMEOUT_MS = 5000;

/**
 * Mutual TLS 1.3 for sockets that a plain listener has accepted. Whoever dials an address asks for a certificate of
 * that address, and names no server: which one is shown follows from the address that was dialled.
 */
export class TlsFront {
  readonly #servers: ReadonlyMap<string, Server>;

  private constructor(servers: ReadonlyMap<string, Server>) {
    this.#servers = servers;
  }

  /**
   * @param hosts the addresses, each an IP address
   * @param onConnection gets every socket whose other side has shown a certificate of the authority
   */
  static async open(
    paths: AuthorityPaths,
    hosts: readonly string[],
    onConnection: (socket: Socket) => void,
  ): Promise<TlsFront> {
    const issuer = await Issuer.open(paths);
    const servers = new Map<string, Server>();
    for (let at = 0; at < hosts.length; at += ADDRESSES_PER_CERTIFICATE) {
      const some = hosts.slice(at, at + ADDRESSES_PER_CERTIFICATE);
      const pem = await issuer.issue('agent', some);
      const server = createServer(
        {
          ...pem,
          minVersion: 'TLSv1.3',
          requestCert: true,
          rejectUnauthorized: true,
          handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
        },
        onConnection,
      );
      for (const host of some) servers.set(host, server);
    }
    return new TlsFront(servers);
  }

  /** Takes a socket over; one to an address that is not ours is closed. */
  accept(socket: Socket): void {
    const server = this.#servers.get(socket.localAddress ?? '');
    if (server === undefined) {
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    server.emit('connection', socket);
  }
}
