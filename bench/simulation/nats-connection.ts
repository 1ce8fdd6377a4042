import { NatsParser } from './nats-parser.ts';
import type { ClientCommand } from './nats-parser.ts';
import type { SimulatedSocket } from './simulated-socket.ts';

/** Larger than any batch or catalogue of a schedule. */
const MAX_PAYLOAD_BYTES = 8 * 1024 * 1024;

const INFO = JSON.stringify({
  server_id: 'SIMULATED',
  server_name: 'simulated',
  version: '2.10.0',
  proto: 1,
  headers: true,
  max_payload: MAX_PAYLOAD_BYTES,
  jetstream: true,
});

export interface Subscription {
  readonly connection: NatsConnection;
  readonly subject: string;
  readonly sid: string;
  /** Messages it may still get. */
  left: number;
}

export type Publish = Extract<ClientCommand, { kind: 'pub' }>;

/** A client's connection as the simulated NATS server holds it. */
export class NatsConnection {
  readonly subscriptions = new Map<string, Subscription>();
  readonly #socket: SimulatedSocket;

  constructor(
    socket: SimulatedSocket,
    events: {
      onPublish(connection: NatsConnection, publish: Publish): void;
      onSubscribe(subscription: Subscription): void;
      onUnsubscribe(subscription: Subscription): void;
      onClose(connection: NatsConnection): void;
    },
  ) {
    this.#socket = socket;
    const parser = new NatsParser((command) => {
      switch (command.kind) {
        case 'connect':
        case 'pong':
          return;
        case 'ping':
          return this.#write('PONG\r\n');
        case 'sub': {
          const { subject, sid } = command;
          const subscription = { connection: this, subject, sid, left: Infinity };
          this.subscriptions.set(sid, subscription);
          return events.onSubscribe(subscription);
        }
        case 'unsub': {
          const subscription = this.subscriptions.get(command.sid);
          if (subscription === undefined) return;
          if (command.max > 0) subscription.left = command.max;
          else {
            this.subscriptions.delete(command.sid);
            events.onUnsubscribe(subscription);
          }
          return;
        }
        case 'pub':
          return events.onPublish(this, command);
      }
    });
    socket.on('data', (chunk: Buffer) => parser.push(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => events.onClose(this));
    this.#write(`INFO ${INFO}\r\n`);
  }

  /** The process at the other end. */
  get client(): string | undefined {
    return this.#socket.peer?.owner.name;
  }

  /** `status` is the first line of a message without data, such as `503`. */
  send(sid: string, subject: string, reply: string, data: Uint8Array, status?: string): void {
    const to = reply === '' ? `${subject} ${sid}` : `${subject} ${sid} ${reply}`;
    if (status === undefined) {
      this.#write(`MSG ${to} ${data.length}\r\n`, data, '\r\n');
      return;
    }
    const headers = `NATS/1.0 ${status}\r\n\r\n`;
    const total = headers.length + data.length;
    this.#write(`HMSG ${to} ${headers.length} ${total}\r\n${headers}`, data, '\r\n');
  }

  #write(...parts: readonly (string | Uint8Array)[]): void {
    if (!this.#socket.writable) return;
    this.#socket.write(
      Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part))),
    );
  }
}
