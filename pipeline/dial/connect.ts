import { connect as connectTcp, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Address } from './address.ts';
import type { TlsFiles } from './tls-files.ts';

export interface ConnectOptions {
  readonly address: Address;
  readonly tls?: TlsFiles | undefined;
  /** A TLS session of an earlier connection to the same address: saves the full handshake. */
  readonly session?: Buffer | undefined;
  /** Shared by all plain connections of a thread: each read lands here and is used at once. */
  readonly readBuffer: Buffer;
}

export interface ConnectEvents {
  /** Connected and, with TLS, both certificates verified. */
  onOpen(): void;
  /** Bytes arrived; they are valid only during the call. */
  onData(chunk: Buffer): void;
  onSession(session: Buffer): void;
  /** The socket is gone; called once, after any error. */
  onClose(error: Error | undefined): void;
}

/**
 * Dials an agent. Deadlines are the caller's: it destroys the socket.
 *
 * A plain socket reads into the shared buffer (Node's `onread`), which spares an allocation and a
 * stream event per read; TLS sockets have no such way.
 */
export function connect(options: ConnectOptions, events: ConnectEvents): Socket {
  const { host, port } = options.address;
  const socket =
    options.tls === undefined
      ? connectTcp({
          host,
          port,
          noDelay: true,
          keepAlive: true,
          onread: {
            buffer: options.readBuffer,
            callback(bytes, buffer) {
              events.onData((buffer as Buffer).subarray(0, bytes));
              return true;
            },
          },
        })
      : connectTls({
          host,
          port,
          servername: isIP(host) === 0 ? host : '',
          secureContext: options.tls.context,
          minVersion: 'TLSv1.3',
          ...(options.session === undefined ? {} : { session: options.session }),
        });
  wire(socket, options.tls !== undefined, events);
  return socket;
}

function wire(socket: Socket, isTls: boolean, events: ConnectEvents): void {
  let failure: Error | undefined;
  socket.once(isTls ? 'secureConnect' : 'connect', () => events.onOpen());
  if (isTls) {
    socket.setNoDelay(true);
    socket.on('session', (session: Buffer) => events.onSession(session));
    socket.on('data', (chunk: Buffer) => events.onData(chunk));
  }
  socket.on('error', (error) => {
    failure = error;
  });
  socket.once('end', () => socket.destroy());
  socket.once('close', () => events.onClose(failure));
}
