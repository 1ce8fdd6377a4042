import type { Socket } from 'node:net';
import { decodeAck, decodeCredit, encodePong } from '../pipeline/wire/ack.ts';
import * as control from '../pipeline/wire/control.ts';
import { flagBacklog } from '../pipeline/wire/frame.ts';
import { AGENT_ACCEPTS, Channel, MessageType } from '../pipeline/wire/message.ts';
import { MessageReader } from '../pipeline/wire/message-reader.ts';
import { SeqRanges } from '../pipeline/wire/seq-ranges.ts';
import { hexId } from '../pipeline/wire/shard.ts';
import { reasonOf, RollcallError } from '../pipeline/error.ts';
import type { FleetCursor } from './fleet-cursor.ts';
import type { FrameStore } from './frame-store.ts';
import type { Clock } from './tick-clock.ts';

/** What a session needs of the agent it belongs to. */
export interface SessionHost {
  readonly store: FrameStore;
  readonly clock: Clock;
  readonly version: string;
  /**
   * A HELLO came: refuses another target and a stale epoch, ends the fleet's older session. Throws to
   * refuse.
   */
  admit(session: Session, hello: control.Hello): void;
  /** A SUBSCRIBE came: the tick clock may have to change. */
  subscribed(session: Session): void;
  ended(session: Session, code: string, reason: string): void;
}

const OPENING_TIMEOUT_MS = 5000;
/** Nothing from the collector for so many intervals (and at least the floor): it is gone. */
const SILENT_INTERVALS = 6;
const SILENT_FLOOR_MS = 30_000;
/** Backlog stops while this much waits in the socket, so that a live frame is never far behind. */
const SOCKET_BACKLOG_BYTES = 64 * 1024;
/** Even live frames wait in the ring while this much waits in the socket. */
const SOCKET_BYTES_MAX = 256 * 1024;
/** A collector that takes nothing out of a full socket for so long is cut off. */
const FULL_SOCKET_MS_MAX = 30_000;
/** How long a peer has to take the last word and close. */
const LINGER_MS = 400;

/**
 * One collector's connection: opening, live frames at their ticks, backlog in between, as credit
 * and socket allow. Everything it has not sent, or sent in vain, is still in the store.
 */
export class Session {
  readonly #host: SessionHost;
  readonly #socket: Socket;
  readonly #reader: MessageReader;
  #step: 'hello' | 'subscribe' | 'streaming' | 'closed' = 'hello';
  #timer: NodeJS.Timeout | undefined;
  #timeoutMs = 0;
  #hello: control.Hello | undefined;
  #cursor: FleetCursor | undefined;
  #subscription: control.Subscribe | undefined;
  #creditBytes = 0;
  #fullSinceMs: number | undefined;
  /** Frames sent on this connection. */
  readonly #sent = new SeqRanges();
  /** Every owed frame below this one has been sent. */
  #backlogFrom = 0;
  readonly #sentCatalogues = new Set<bigint>();

  constructor(host: SessionHost, socket: Socket) {
    this.#host = host;
    this.#socket = socket;
    this.#reader = new MessageReader(AGENT_ACCEPTS, {
      onMessage: (type, _flags, source, offset, length) => {
        this.#onMessage(type, source, offset, length);
        return this.#step !== 'closed';
      },
    });
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('drain', () => {
      this.#fullSinceMs = undefined;
      this.sendBacklog();
    });
    socket.on('error', (error) => this.#end('socket_error', error.message));
    socket.on('close', () => this.#end('closed', 'the collector closed the connection'));
    this.#expectWithin(OPENING_TIMEOUT_MS);
  }

  get fleet(): string {
    return this.#hello?.fleet ?? '';
  }

  /** Whom it speaks for, once it was admitted. */
  get hello(): control.Hello | undefined {
    return this.#hello;
  }

  get subscription(): control.Subscribe | undefined {
    return this.#subscription;
  }

  /** Sends the frame of this tick if it can go now; otherwise it becomes backlog. */
  sendLive(seq: number): void {
    if (this.#step !== 'streaming' || !this.#cursor!.owes(seq)) return;
    if (this.#socket.writableLength > SOCKET_BYTES_MAX) return this.#waitForSocket();
    if (this.#creditBytes > 0) this.#sendFrame(seq);
  }

  /** Sends owed frames older than the last tick, oldest first, while credit and socket allow. */
  sendBacklog(): void {
    if (this.#step !== 'streaming') return;
    const { ring } = this.#host.store;
    this.#backlogFrom = Math.max(this.#backlogFrom, ring.firstSeq);
    while (this.#backlogFrom < ring.nextSeq) {
      if (this.#creditBytes <= 0 || this.#socket.writableLength > SOCKET_BACKLOG_BYTES) return;
      const seq = this.#backlogFrom;
      this.#backlogFrom += 1;
      if (this.#cursor!.owes(seq) && !this.#sent.has(seq)) this.#sendFrame(seq);
    }
  }

  /** Tells the collector why, and closes. */
  close(code: string, message: string): void {
    if (this.#step === 'closed') return;
    this.#socket.end(control.encodeError(code, message));
    this.#end(code, message);
    // What the peer still sends is not read; a peer that never closes is cut off.
    const socket = this.#socket;
    socket.removeAllListeners('data');
    socket.resume();
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  }

  #onData(chunk: Buffer): void {
    try {
      this.#reader.push(chunk);
    } catch (error) {
      const code = error instanceof RollcallError ? error.code : 'internal';
      this.close(code, reasonOf(error));
    }
  }

  #onMessage(type: MessageType, source: Buffer, offset: number, length: number): void {
    switch (type) {
      case MessageType.hello:
        return this.#onHello(control.decodeHello(source, offset, length));
      case MessageType.subscribe:
        return this.#onSubscribe(control.decodeSubscribe(source, offset, length));
      case MessageType.ack:
        return this.#onAck(source, offset, length);
      case MessageType.credit:
        return this.#onCredit(source, offset, length);
      case MessageType.ping:
        this.#alive();
        this.#socket.write(encodePong(source, offset, length, this.#host.clock.wallMs()));
        return;
      case MessageType.error: {
        const { code, message } = control.decodeError(source, offset, length);
        this.#socket.destroy();
        return this.#end(code, message);
      }
      default:
        throw new RollcallError('bad_message', `unexpected message of type ${type}`);
    }
  }

  #onHello(hello: control.Hello): void {
    if (this.#step !== 'hello') throw new RollcallError('bad_message', 'a second HELLO');
    if (!hello.versions.includes(control.PROTOCOL_VERSION)) {
      throw new RollcallError(
        'unsupported_version',
        `this agent speaks version ${control.PROTOCOL_VERSION}, not ${hello.versions.join(', ')}`,
      );
    }
    if (!control.FLEET_NAME.test(hello.fleet)) {
      throw new RollcallError('fleet_refused', `fleet name ${JSON.stringify(hello.fleet)}`);
    }
    this.#host.admit(this, hello);
    this.#hello = hello;
    this.#step = 'subscribe';
    const { store, clock, version } = this.#host;
    this.#socket.write(
      control.encodeWelcome({
        version: control.PROTOCOL_VERSION,
        incarnation: hexId(store.incarnation),
        agent: version,
        timeMs: clock.wallMs(),
        firstSeq: store.firstOwedSeq(hello.fleet, hello.target),
        nextSeq: store.ring.nextSeq,
      }),
    );
    this.#expectWithin(OPENING_TIMEOUT_MS);
  }

  #onSubscribe(subscription: control.Subscribe): void {
    if (this.#hello === undefined) {
      throw new RollcallError('bad_message', 'SUBSCRIBE before HELLO');
    }
    const { store } = this.#host;
    const { fleet, target } = this.#hello;
    this.#cursor = store.join(fleet, target, subscription.intervalMs, subscription.phaseMs);
    this.#subscription = subscription;
    this.#creditBytes = subscription.creditBytes;
    this.#step = 'streaming';
    this.#host.subscribed(this);
    this.#alive();
    this.sendBacklog();
  }

  #onAck(source: Buffer, offset: number, length: number): void {
    const ack = decodeAck(source, offset, length);
    if (this.#cursor === undefined) throw new RollcallError('bad_message', 'ACK before SUBSCRIBE');
    const { store } = this.#host;
    for (const [first, last] of ack.ranges) {
      if (last >= store.ring.nextSeq) {
        throw new RollcallError('bad_message', `ACK of frame ${last}, which was never sent`);
      }
      this.#cursor.settle(first, last);
    }
    store.release();
    this.#sent.trimBelow(this.#cursor.firstOwedSeq);
    this.#creditBytes += ack.creditBytes;
    this.#alive();
    this.sendBacklog();
  }

  #onCredit(source: Buffer, offset: number, length: number): void {
    const { channel, bytes } = decodeCredit(source, offset, length);
    if (channel !== Channel.samples) {
      throw new RollcallError('bad_message', `CREDIT for unknown channel ${channel}`);
    }
    this.#creditBytes += bytes;
    this.#alive();
    this.sendBacklog();
  }

  #sendFrame(seq: number): void {
    const { store } = this.#host;
    const frame = store.frame(seq);
    if (frame === undefined) return;
    this.#sent.add(seq);
    if (this.#isBacklog(frame.takenMs)) flagBacklog(frame.bytes, 0);
    if (!this.#sentCatalogues.has(frame.catalogue)) {
      this.#sentCatalogues.add(frame.catalogue);
      this.#write(store.catalogueMessage(frame.catalogue));
    }
    this.#write(frame.bytes);
  }

  #waitForSocket(): void {
    const nowMs = this.#host.clock.monotonicMs();
    this.#fullSinceMs ??= nowMs;
    if (nowMs - this.#fullSinceMs < FULL_SOCKET_MS_MAX) return;
    this.close('too_slow', `nothing was read for ${FULL_SOCKET_MS_MAX} ms`);
  }

  /** The next tick has (nearly) come: this frame no longer says how things are now. */
  #isBacklog(takenMs: number): boolean {
    return this.#host.clock.monotonicMs() - takenMs > 0.9 * this.#subscription!.intervalMs;
  }

  #write(message: Buffer): void {
    this.#creditBytes -= message.length;
    this.#socket.write(message);
  }

  #alive(): void {
    const intervalMs = this.#subscription?.intervalMs ?? 0;
    this.#expectWithin(Math.max(SILENT_FLOOR_MS, SILENT_INTERVALS * intervalMs));
  }

  #expectWithin(timeoutMs: number): void {
    if (this.#timeoutMs === timeoutMs) {
      this.#timer?.refresh();
      return;
    }
    this.#timeoutMs = timeoutMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.close('too_slow', `nothing from the collector for ${timeoutMs} ms`);
    }, timeoutMs);
  }

  #end(code: string, reason: string): void {
    if (this.#step === 'closed') return;
    this.#step = 'closed';
    clearTimeout(this.#timer);
    this.#host.ended(this, code, reason);
  }
}
