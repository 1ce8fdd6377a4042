import { RollcallError } from '../error.ts';
import { HEADER_BYTES, padded, ruleOf } from './message.ts';
import type { MessageType } from './message.ts';

/**
 * Receives whole messages. `source` holds the message from `offset` for `length` bytes (header and
 * payload, without padding) and is valid only during the call. Returning false stops the reader.
 */
export interface MessageSink {
  onMessage(
    type: MessageType,
    flags: number,
    source: Buffer,
    offset: number,
    length: number,
  ): boolean;
}

/**
 * Splits a byte stream into messages. Messages that lie whole in a chunk are handed over in place;
 * only one that spans chunks is copied, into a buffer that grows with the bytes that really
 * arrived, so that a claimed length never allocates anything.
 */
export class MessageReader {
  readonly #accepts: ReadonlySet<number>;
  readonly #sink: MessageSink;
  /** The start of a message whose end has not arrived. */
  #partial: Buffer | undefined;
  #have = 0;
  #stopped = false;

  /** @param accepts types; shared by all readers of a kind */
  constructor(accepts: ReadonlySet<number>, sink: MessageSink) {
    this.#accepts = accepts;
    this.#sink = sink;
  }

  /** Bytes held of an unfinished message. */
  get bufferedBytes(): number {
    return this.#have;
  }

  /**
   * Takes the next bytes of the stream.
   *
   * @throws RollcallError `bad_message` when the stream breaks the protocol; the reader must not
   *   be used afterwards.
   */
  push(chunk: Buffer): void {
    let at = 0;
    if (this.#have > 0) at = this.#finishPartial(chunk);
    while (!this.#stopped && chunk.length - at >= HEADER_BYTES) {
      const length = this.#checkedLength(chunk, at);
      const end = at + padded(length);
      if (end > chunk.length) break;
      this.#deliver(chunk, at, length);
      at = end;
    }
    if (!this.#stopped && at < chunk.length) this.#keep(chunk, at, chunk.length);
  }

  /** Completes the kept message from the chunk; returns how many bytes of it were used. */
  #finishPartial(chunk: Buffer): number {
    let at = 0;
    if (this.#have < HEADER_BYTES) {
      at = Math.min(HEADER_BYTES - this.#have, chunk.length);
      this.#keep(chunk, 0, at);
      if (this.#have < HEADER_BYTES) return at;
    }
    const length = this.#checkedLength(this.#partial!, 0);
    const end = Math.min(at + padded(length) - this.#have, chunk.length);
    this.#keep(chunk, at, end);
    if (this.#have === padded(length)) {
      const whole = this.#partial!;
      this.#have = 0;
      this.#partial = undefined;
      this.#deliver(whole, 0, length);
    }
    return end;
  }

  #keep(chunk: Buffer, from: number, to: number): void {
    const need = this.#have + (to - from);
    if (this.#partial === undefined || this.#partial.length < need) {
      const grown = Buffer.allocUnsafe(Math.max(need, 2 * this.#have));
      this.#partial?.copy(grown, 0, 0, this.#have);
      this.#partial = grown;
    }
    chunk.copy(this.#partial, this.#have, from, to);
    this.#have = need;
  }

  #checkedLength(source: Buffer, at: number): number {
    const length = source.readUInt32LE(at);
    const type = source[at + 4]!;
    const rule = ruleOf(type);
    if (rule === undefined || !this.#accepts.has(type)) throw bad(`unexpected type ${type}`);
    if (length < HEADER_BYTES || length > rule.bytesMax) {
      throw bad(`type ${type} of ${length} bytes, allowed are ${HEADER_BYTES} to ${rule.bytesMax}`);
    }
    const channel = source.readUInt16LE(at + 6);
    if (channel !== rule.channel) throw bad(`type ${type} on channel ${channel}`);
    return length;
  }

  #deliver(source: Buffer, at: number, length: number): void {
    const type = source[at + 4] as MessageType;
    if (!this.#sink.onMessage(type, source[at + 5]!, source, at, length)) this.#stopped = true;
  }
}

function bad(reason: string): RollcallError {
  return new RollcallError('bad_message', `message refused: ${reason}`);
}
