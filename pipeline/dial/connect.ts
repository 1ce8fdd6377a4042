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

/** Told what happens to sockets. One may be told of several, one after the other, so each event names its socket. */
export interface ConnectEvents {
  /** Connected and, with TLS, both certificates verified. */
  onOpen(socket: Socket): void;
  /** Bytes arrived; they are valid only during the call. */
  onData(chunk: Buffer, socket: Socket): void;
  onSession(session: Buffer, socket: Socket): void;
  /** The socket is gone; called once, after any error. */
  onClose(error: Error | undefined, socket: Socket): void;
}

/**
 * Dials an agent. Deadlines are the caller's: it destroys the socket.
 *
 * A plain socket reads into the shared buffer (Node's `onread`), which spares an allocation and a
 * stream event per read; TLS sockets have no such way.
 */
export function connect(options: ConnectOptions, events: ConnectEvents): Socket {
  const { host, port } = options.address;
  const socket: Socket =
    options.tls === undefined
      ? connectTcp({
          host,
          port,
          noDelay: true,
          keepAlive: true,
          onread: {
            buffer: options.readBuffer,
            callback(bytes, buffer) {
              events.onData((buffer as Buffer).subarray(0, bytes), socket);
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
  const wired: WiredSocket = Object.assign(socket, { [EVENTS]: events, [FAILURE]: undefined });
  if (options.tls !== undefined) {
    wired.setNoDelay(true);
    wired.on('session', onSession);
    wired.on('data', onData);
  }
  wired.on(options.tls === undefined ? 'connect' : 'secureConnect', onOpen);
  wired.on('error', onError);
  wired.on('end', onEnd);
  wired.on('close', onClose);
  return wired;
}

const EVENTS = Symbol('events');
const FAILURE = Symbol('failure');

/** A socket knows who is told of it, so that thousands of sockets share their listeners. */
interface WiredSocket extends Socket {
  readonly [EVENTS]: ConnectEvents;
  [FAILURE]: Error | undefined;
}

function onOpen(this: WiredSocket): void {
  this[EVENTS].onOpen(this);
}

function onSession(this: WiredSocket, session: Buffer): void {
  this[EVENTS].onSession(session, this);
}

function onData(this: WiredSocket, chunk: Buffer): void {
  this[EVENTS].onData(chunk, this);
}

function onError(this: WiredSocket, error: Error): void {
  this[FAILURE] = error;
}

function onEnd(this: WiredSocket): void {
  this.destroy();
}

function onClose(this: WiredSocket): void {
  this[EVENTS].onClose(this[FAILURE], this);
}
