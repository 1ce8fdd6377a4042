import { RollcallError } from '../error.ts';
import { MessageType, newMessage, readSafeU64, writeSafeU64 } from './message.ts';
import type { SeqRanges } from './seq-ranges.ts';

const ACK_RANGES_AT = 16;
export const ACK_RANGES_MAX = 1024;

/**
 * ACK of the ranges (at most the first 1024 of them) with credit for channel 1 in bytes.
 *
 * @returns the message, and the last number it covers (0 for none)
 */
export function encodeAck(
  ranges: SeqRanges,
  creditBytes: number,
): { message: Buffer; lastSeq: number } {
  const count = Math.min(ranges.count, ACK_RANGES_MAX);
  const message = newMessage(MessageType.ack, ACK_RANGES_AT + 16 * count);
  message.writeUInt32LE(creditBytes, 8);
  message.writeUInt32LE(count, 12);
  let at = ACK_RANGES_AT;
  let lastSeq = 0;
  for (const [first, last] of ranges) {
    if (at >= message.length) break;
    writeSafeU64(message, at, first);
    writeSafeU64(message, at + 8, last);
    lastSeq = last;
    at += 16;
  }
  return { message, lastSeq };
}

export interface Ack {
  readonly creditBytes: number;
  readonly ranges: readonly (readonly [first: number, last: number])[];
}

/** @throws RollcallError `bad_message` */
export function decodeAck(source: Buffer, offset: number, length: number): Ack {
  const count = length >= ACK_RANGES_AT ? source.readUInt32LE(offset + 12) : Infinity;
  if (count > ACK_RANGES_MAX || length !== ACK_RANGES_AT + 16 * count) {
    throw new RollcallError('bad_message', 'ACK: its length does not fit its ranges');
  }
  const ranges: [number, number][] = [];
  for (let i = 0; i < count; i += 1) {
    const at = offset + ACK_RANGES_AT + 16 * i;
    const first = readSafeU64(source, at);
    const last = readSafeU64(source, at + 8);
    if (first > last || last === Infinity) {
      throw new RollcallError('bad_message', `ACK: ${first} to ${last} is no range`);
    }
    ranges.push([first, last]);
  }
  return { creditBytes: source.readUInt32LE(offset + 8), ranges };
}

export function encodeCredit(channel: number, bytes: number): Buffer {
  const message = newMessage(MessageType.credit, 16);
  message.writeUInt16LE(channel, 8);
  message.writeUInt32LE(bytes, 12);
  return message;
}

/** @throws RollcallError `bad_message` */
export function decodeCredit(
  source: Buffer,
  offset: number,
  length: number,
): { channel: number; bytes: number } {
  if (length !== 16) throw new RollcallError('bad_message', `CREDIT of ${length} bytes`);
  return { channel: source.readUInt16LE(offset + 8), bytes: source.readUInt32LE(offset + 12) };
}

export function encodePing(token: number): Buffer {
  const message = newMessage(MessageType.ping, 16);
  writeSafeU64(message, 8, token);
  return message;
}

/** Answers a PING in place with the receiver's clock in milliseconds. */
export function encodePong(source: Buffer, offset: number, length: number, timeMs: number): Buffer {
  if (length !== 16) throw new RollcallError('bad_message', `PING of ${length} bytes`);
  const message = newMessage(MessageType.pong, 24);
  source.copy(message, 8, offset + 8, offset + 16);
  message.writeDoubleLE(timeMs, 16);
  return message;
}

/** @throws RollcallError `bad_message` */
export function decodePong(
  source: Buffer,
  offset: number,
  length: number,
): { token: number; timeMs: number } {
  if (length !== 24) throw new RollcallError('bad_message', `PONG of ${length} bytes`);
  return { token: readSafeU64(source, offset + 8), timeMs: source.readDoubleLE(offset + 16) };
}
