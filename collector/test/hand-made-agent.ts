import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { Teardown } from '../../pipeline/embedded/test-servers.ts';
import { decodeAck, decodeCredit, encodePong } from '../../pipeline/wire/ack.ts';
import type { Ack } from '../../pipeline/wire/ack.ts';
import { encodeCatalogueMessage } from '../../pipeline/wire/catalogue-message.ts';
import { encodeCatalogue } from '../../pipeline/wire/catalogue.ts';
import type { Catalogue } from '../../pipeline/wire/catalogue.ts';
import * as control from '../../pipeline/wire/control.ts';
import { flagBacklog, frameBytes, presenceBytes, writeFrame } from '../../pipeline/wire/frame.ts';
import { AGENT_ACCEPTS, MessageType } from '../../pipeline/wire/message.ts';
import { MessageReader } from '../../pipeline/wire/message-reader.ts';
import { hexId } from '../../pipeline/wire/shard.ts';

export const INCARNATION = 0x1234_5678_9abc_def0n;

const gauge = (name: string) => ({ name, labels: [], kind: 'gauge', unit: '', help: '' }) as const;
export const TWO_GAUGES: Catalogue = encodeCatalogue([gauge('hand_one'), gauge('hand_two')]);

export function welcome(wanted: Partial<control.Welcome> = {}): Buffer {
  return control.encodeWelcome({
    version: 1,
    incarnation: hexId(INCARNATION),
    agent: 'hand-made',
    timeMs: Date.now(),
    firstSeq: 1,
    nextSeq: 1,
    ...wanted,
  });
}

export function catalogueMessage(catalogue: Catalogue = TWO_GAUGES): Buffer {
  return encodeCatalogueMessage(catalogue);
}

export interface FrameWanted {
  readonly seq?: number;
  readonly timestampMs?: number;
  readonly incarnation?: bigint;
  readonly catalogue?: bigint;
  readonly values?: readonly number[];
  readonly isBacklog?: boolean;
}

/** A frame of TWO_GAUGES unless told otherwise. */
export function frame(wanted: FrameWanted = {}): Buffer {
  const values = Float64Array.from(wanted.values ?? [1, 2]);
  const message = Buffer.alloc(frameBytes(values.length));
  const head = {
    incarnation: wanted.incarnation ?? INCARNATION,
    seq: wanted.seq ?? 1,
    timestampMs: wanted.timestampMs ?? Date.now(),
    catalogue: wanted.catalogue ?? TWO_GAUGES.hash,
    slots: values.length,
  };
  const presence = new Uint8Array(presenceBytes(values.length)).fill(255);
  writeFrame(message, 0, head, presence, values);
  if (wanted.isBacklog === true) flagBacklog(message, 0);
  return message;
}

/** One connection from the collector, as it looks to the agent. */
export class Caller {
  readonly socket: Socket;
  readonly acks: Ack[] = [];
  hello: control.Hello | undefined;
  subscribe: control.Subscribe | undefined;
  error: control.WireError | undefined;
  creditBytes = 0;
  pings = 0;
  answersPings = true;
  isClosed = false;
  readonly #onSubscribe: (caller: Caller) => void;
  readonly #onHello: (caller: Caller) => void;

  constructor(
    socket: Socket,
    onHello: (caller: Caller) => void,
    onSubscribe: (caller: Caller) => void,
  ) {
    this.socket = socket;
    this.#onHello = onHello;
    this.#onSubscribe = onSubscribe;
    const reader = new MessageReader(AGENT_ACCEPTS, {
      onMessage: (type, _flags, source, offset, length) => {
        this.#take(type, source, offset, length);
        return true;
      },
    });
    socket.on('data', (chunk: Buffer) => reader.push(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  send(...messages: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(messages));
  }

  /** The seqs that were acknowledged on this connection. */
  get acknowledged(): number[] {
    return this.acks
      .flatMap(({ ranges }) => ranges)
      .flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
  }

  #take(type: MessageType, source: Buffer, offset: number, length: number): void {
    if (type === MessageType.hello) {
      this.hello = control.decodeHello(source, offset, length);
      this.#onHello(this);
    } else if (type === MessageType.subscribe) {
      this.subscribe = control.decodeSubscribe(source, offset, length);
      this.#onSubscribe(this);
    } else if (type === MessageType.ack) {
      const ack = decodeAck(source, offset, length);
      this.acks.push(ack);
      this.creditBytes += ack.creditBytes;
    } else if (type === MessageType.credit) {
      this.creditBytes += decodeCredit(source, offset, length).bytes;
    } else if (type === MessageType.ping) {
      this.pings += 1;
      if (this.answersPings) this.send(encodePong(source, offset, length, Date.now()));
    } else if (type === MessageType.error) {
      this.error = control.decodeError(source, offset, length);
    }
  }
}

/** What a hand-made agent does; by default it says WELCOME and no more. */
export interface Script {
  onConnection?(caller: Caller): void;
  onHello?(caller: Caller): void;
  onSubscribe?(caller: Caller): void;
  /** It keeps its half of a connection open when the collector closes the other. */
  readonly neverHangsUp?: boolean;
}

/** An agent of which a test decides every byte. */
export class HandMadeAgent {
  readonly callers: Caller[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(t: Teardown, script: Script = {}): Promise<HandMadeAgent> {
    const server = createServer({ noDelay: true, allowHalfOpen: true });
    const agent = new HandMadeAgent(server);
    server.on('connection', (socket) => {
      const caller = new Caller(
        socket,
        (it) => (script.onHello === undefined ? it.send(welcome()) : script.onHello(it)),
        (it) => script.onSubscribe?.(it),
      );
      agent.callers.push(caller);
      if (script.neverHangsUp !== true) socket.on('end', () => socket.end());
      script.onConnection?.(caller);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', 511, resolve);
    });
    t.teardown(() => {
      server.close();
      for (const { socket } of agent.callers) socket.destroy();
    });
    return agent;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }
}
