import { EventEmitter } from 'node:events';
import type { SimulatedNetwork } from './simulated-network.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** Writes return false above this, as Node's do. */
const HIGH_WATER_BYTES = 64 * 1024;
/** What the kernel takes for a peer that does not read. */
const RECEIVE_BYTES_MAX = 64 * 1024;

interface ReadInto {
  readonly buffer: Buffer;
  callback(bytes: number, buffer: Buffer): boolean;
}

export interface SocketOptions {
  readonly host?: string;
  readonly port: number;
  readonly onread?: ReadInto;
}

/**
 * One end of a TCP connection of the simulation, as much of `net.Socket` as the product and its NATS
 * client use. Bytes reach the other end in order, later, in pieces; a connection ends in good order, by
 * a reset, or is silent for a while and goes on.
 */
export class SimulatedSocket extends EventEmitter {
  readonly network: SimulatedNetwork;
  readonly owner: SimulatedProcess;
  readonly readInto: ReadInto | undefined;
  peer: SimulatedSocket | undefined;
  destroyed = false;
  connecting = true;
  writableLength = 0;
  /** Says what it is in a trace. */
  readonly title: string;
  #sent: Buffer[] = [];
  #isEnding = false;
  /** A delivery to the peer is on its way. */
  #isUnderWay = false;
  #isPaused = false;
  #received: Buffer[] = [];
  #receivedBytes = 0;
  #hasEnded = false;
  #needsDrain = false;
  /** Bytes arrive after those before them. */
  #arrivalMs = 0;

  constructor(
    network: SimulatedNetwork,
    owner: SimulatedProcess,
    title: string,
    readInto?: ReadInto,
  ) {
    super();
    this.network = network;
    this.owner = owner;
    this.title = title;
    this.readInto = readInto;
  }

  get writable(): boolean {
    return !this.destroyed && !this.#isEnding;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  write(bytes: Uint8Array, done?: (error?: Error) => void): boolean {
    if (!this.writable) {
      const error = Object.assign(new Error('write after end'), { code: 'ERR_STREAM_DESTROYED' });
      if (done !== undefined) process.nextTick(done, error);
      return false;
    }
    // What was written is the kernel's: the caller may reuse its buffer once `done` was called.
    if (bytes.length > 0) this.#sent.push(Buffer.from(bytes));
    this.writableLength += bytes.length;
    if (done !== undefined) process.nextTick(done);
    this.#deliverSoon();
    const isRoom = this.writableLength < HIGH_WATER_BYTES;
    if (!isRoom) this.#needsDrain = true;
    return isRoom;
  }

  end(bytes?: Uint8Array, done?: () => void): this {
    if (bytes !== undefined) this.write(bytes);
    if (done !== undefined) process.nextTick(done);
    this.#isEnding = true;
    this.#deliverSoon();
    return this;
  }

  pause(): this {
    this.#isPaused = true;
    return this;
  }

  resume(): this {
    this.#isPaused = false;
    if (this.#receivedBytes > 0 || this.#hasEnded) this.#soon('resumed', () => this.#hand());
    return this;
  }

  destroy(error?: Error): this {
    if (this.destroyed) return this;
    this.#close();
    // Bytes that the kernel has still go; sometimes they are lost with what had not been read.
    if (this.network.random.chance(0.3)) this.#sent = [];
    this.#isEnding = true;
    this.#deliverSoon();
    process.nextTick(() => {
      if (error !== undefined) this.emit('error', error);
      this.emit('close', error !== undefined);
    });
    return this;
  }

  /** The connection is reset: both ends learn of it, each in its time. */
  reset(): void {
    this.#sent = [];
    this.fail('ECONNRESET');
    this.peer?.fail('ECONNRESET');
  }

  /** This end learns that the connection is gone. */
  fail(code: string): void {
    this.#sent = [];
    this.#soon(code, () => {
      if (this.destroyed) return;
      this.#close();
      this.emit('error', Object.assign(new Error(`simulated ${code}`), { code }));
      this.emit('close', true);
    });
  }

  /** The process is gone: the kernel closes for it. */
  closeByKernel(): void {
    if (this.destroyed) return;
    this.#close();
    if (this.network.random.chance(0.5)) this.#sent = [];
    this.#isEnding = true;
    this.#deliverSoon();
  }

  /** The link carries bytes again. */
  onHealed(): void {
    this.#deliverSoon();
  }

  #close(): void {
    this.destroyed = true;
    this.#received = [];
    this.#receivedBytes = 0;
    this.network.forget(this);
  }

  #soon(label: string, run: () => void): void {
    this.network.deliver(this, label, 0, run);
  }

  #deliverSoon(): void {
    const { peer } = this;
    if (peer === undefined || this.#isUnderWay) return;
    if (this.#sent.length === 0 && !this.#isEnding) return;
    if (this.network.isCut(this)) return;
    this.#isUnderWay = true;
    const latencyMs = this.network.latencyMs();
    this.#arrivalMs = Math.max(this.#arrivalMs + 0.001, this.network.nowMs + latencyMs);
    this.network.deliver(peer, 'bytes', this.#arrivalMs - this.network.nowMs, () => {
      this.#isUnderWay = false;
      this.#arrive(peer);
    });
  }

  /** Runs as an event of the peer. */
  #arrive(peer: SimulatedSocket): void {
    if (peer.destroyed || this.network.isCut(this)) return;
    if (peer.#receivedBytes >= RECEIVE_BYTES_MAX) return;
    if (this.#sent.length > 0) {
      const bytes = this.#nextPiece();
      this.writableLength -= bytes.length;
      peer.#received.push(bytes);
      peer.#receivedBytes += bytes.length;
      if (this.#needsDrain && this.writableLength < HIGH_WATER_BYTES / 2) this.#drained();
    } else if (this.#isEnding) {
      peer.#hasEnded = true;
    }
    peer.#hand();
    this.#deliverSoonUnlessEnded(peer);
  }

  #deliverSoonUnlessEnded(peer: SimulatedSocket): void {
    if (this.#sent.length > 0 || (this.#isEnding && !peer.#hasEnded)) this.#deliverSoon();
  }

  /** Mostly all that was written; now and then the packet ends anywhere. */
  #nextPiece(): Buffer {
    const { random } = this.network;
    const all = this.#sent.length === 1 ? this.#sent[0]! : Buffer.concat(this.#sent);
    const isCut = all.length > 1 && random.chance(0.04);
    const end = isCut ? random.whole(1, all.length - 1) : all.length;
    this.#sent = end < all.length ? [all.subarray(end)] : [];
    return all.subarray(0, end);
  }

  #drained(): void {
    this.#needsDrain = false;
    this.#soon('drain', () => {
      if (!this.destroyed) this.emit('drain');
    });
  }

  /** Gives the process what has arrived, unless it does not read. */
  #hand(): void {
    if (this.#isPaused || this.destroyed) return;
    const chunks = this.#received;
    const wasFull = this.#receivedBytes >= RECEIVE_BYTES_MAX;
    this.#received = [];
    this.#receivedBytes = 0;
    for (const chunk of chunks) {
      if (this.destroyed) return;
      if (this.readInto === undefined) this.emit('data', chunk);
      else this.#readInto(chunk, this.readInto);
    }
    if (wasFull) this.peer?.onHealed();
    if (this.#hasEnded) this.#onEnd();
  }

  #readInto(chunk: Buffer, into: ReadInto): void {
    const { buffer } = into;
    for (let at = 0; at < chunk.length && !this.destroyed; at += buffer.length) {
      const bytes = chunk.copy(buffer, 0, at, Math.min(chunk.length, at + buffer.length));
      into.callback(bytes, buffer);
    }
  }

  /** The peer has closed; Node then closes as well. */
  #onEnd(): void {
    if (this.destroyed) return;
    this.emit('end');
    if (this.destroyed) return;
    this.#isEnding = true;
    this.#close();
    this.#deliverSoon();
    this.emit('close', false);
  }
}
