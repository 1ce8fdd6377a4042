import { endianness } from 'node:os';
import { RollcallError } from '../error.ts';
import {
  FLAG_BACKLOG,
  MessageType,
  readSafeU64,
  SAMPLES_BYTES_MAX,
  writeHeader,
  writeSafeU64,
} from './message.ts';

/**
 * The SAMPLES message: one tick of one agent (docs/protocol.md).
 *
 *     0      8      16          24  32        40        48    52  56       56+p      length
 *     ┌──────┬──────┬───────────┬───┬─────────┬─────────┬─────┬───┬────────┬─────────┐
 *     │header│target│incarnation│seq│timestamp│catalogue│slots│enc│presence│ values  │
 *     └──────┴──────┴───────────┴───┴─────────┴─────────┴─────┴───┴────────┴─────────┘
 */
export const TARGET_AT = 8;
export const INCARNATION_AT = 16;
export const SEQ_AT = 24;
export const TIMESTAMP_AT = 32;
export const CATALOGUE_AT = 40;
export const SLOTS_AT = 48;
const ENCODING_AT = 52;
export const PRESENCE_AT = 56;

export const ENCODING_PLAIN = 0;
const IS_LITTLE_ENDIAN = endianness() === 'LE';

/** Slots that fit a frame of the largest size: 8 bytes and a bit each. */
export const FRAME_SLOTS_MAX = Math.floor(((SAMPLES_BYTES_MAX - PRESENCE_AT - 8) * 8) / 65);

/** Bytes of the presence bitmap of a frame. */
export function presenceBytes(slots: number): number {
  return ((slots + 63) >> 6) << 3;
}

/** Length in bytes of a frame in the plain encoding, always a multiple of 8. */
export function frameBytes(slots: number): number {
  return PRESENCE_AT + presenceBytes(slots) + 8 * slots;
}

export interface FrameHead {
  readonly incarnation: bigint;
  readonly seq: number;
  readonly timestampMs: number;
  readonly catalogue: bigint;
  readonly slots: number;
}

/**
 * Writes a whole frame at `offset` (a multiple of 8 in an aligned buffer is not needed). `presence`
 * and `values` cover at least `head.slots`; absent slots are written as 0.
 *
 * @returns the frame's length in bytes
 */
export function writeFrame(
  target: Buffer,
  offset: number,
  head: FrameHead,
  presence: Uint8Array,
  values: Float64Array,
): number {
  const { slots } = head;
  const length = frameBytes(slots);
  const bitmapBytes = presenceBytes(slots);
  writeHeader(target, offset, MessageType.samples, length);
  writeSafeU64(target, offset + TARGET_AT, 0);
  target.writeBigUInt64LE(head.incarnation, offset + INCARNATION_AT);
  writeSafeU64(target, offset + SEQ_AT, head.seq);
  writeSafeU64(target, offset + TIMESTAMP_AT, head.timestampMs);
  target.writeBigUInt64LE(head.catalogue, offset + CATALOGUE_AT);
  target.writeUInt32LE(slots, offset + SLOTS_AT);
  target.writeUInt32LE(ENCODING_PLAIN, offset + ENCODING_AT);
  target.set(presence.subarray(0, bitmapBytes), offset + PRESENCE_AT);
  writeValues(target, offset + PRESENCE_AT + bitmapBytes, slots, presence, values);
  return length;
}

/** As one copy where memory already has the wire's order: 0.05 µs for 200 values, one by one 0.45 µs. */
function writeValues(
  target: Buffer,
  at: number,
  slots: number,
  presence: Uint8Array,
  values: Float64Array,
): void {
  if (IS_LITTLE_ENDIAN) {
    target.set(new Uint8Array(values.buffer, values.byteOffset, 8 * slots), at);
  } else {
    for (let slot = 0; slot < slots; slot += 1) target.writeDoubleLE(values[slot]!, at + 8 * slot);
  }
  for (let first = 0; first < slots; first += 8) {
    if (presence[first >> 3] === 0xff) continue;
    const end = Math.min(first + 8, slots);
    for (let slot = first; slot < end; slot += 1) {
      const isAbsent = ((presence[slot >> 3]! >> (slot & 7)) & 1) === 0;
      if (isAbsent) target.writeDoubleLE(0, at + 8 * slot);
    }
  }
}

/**
 * Checks that a SAMPLES message is what its header claims. Costs a handful of reads and never looks
 * at the values.
 *
 * @throws RollcallError `bad_message`
 */
export function checkFrame(source: Buffer, offset: number, length: number): void {
  if (length < PRESENCE_AT) throw bad(`${length} bytes are too few`);
  const slots = source.readUInt32LE(offset + SLOTS_AT);
  const encoding = source[offset + ENCODING_AT];
  if (encoding !== ENCODING_PLAIN) throw bad(`unknown encoding ${encoding}`);
  if (slots > FRAME_SLOTS_MAX || length !== frameBytes(slots)) {
    throw bad(`${length} bytes do not fit ${slots} slots`);
  }
  if (frameSeq(source, offset) === Infinity) throw bad('seq beyond 2^53');
  if (frameTimestampMs(source, offset) === Infinity) throw bad('timestamp beyond 2^53');
}

export const frameTarget = (source: Buffer, offset: number): bigint =>
  source.readBigUInt64LE(offset + TARGET_AT);
export const frameIncarnation = (source: Buffer, offset: number): bigint =>
  source.readBigUInt64LE(offset + INCARNATION_AT);
export const frameSeq = (source: Buffer, offset: number): number =>
  readSafeU64(source, offset + SEQ_AT);
export const frameTimestampMs = (source: Buffer, offset: number): number =>
  readSafeU64(source, offset + TIMESTAMP_AT);
export const frameCatalogue = (source: Buffer, offset: number): bigint =>
  source.readBigUInt64LE(offset + CATALOGUE_AT);
export const frameSlots = (source: Buffer, offset: number): number =>
  source.readUInt32LE(offset + SLOTS_AT);
export const frameIsBacklog = (source: Buffer, offset: number): boolean =>
  (source[offset + 5]! & FLAG_BACKLOG) !== 0;

/** Marks a frame as sent after its tick. */
export function flagBacklog(frame: Buffer, offset: number): void {
  frame[offset + 5]! |= FLAG_BACKLOG;
}

/** Writes the id of the connection's target, as two halves of 32 bits, into a frame or catalogue. */
export function stampTarget(message: Buffer, offset: number, low: number, high: number): void {
  message.writeInt32LE(low | 0, offset + TARGET_AT);
  message.writeInt32LE(high | 0, offset + TARGET_AT + 4);
}

/** Gives a frame another number of slots, of another catalogue. */
export function stampShape(frame: Buffer, offset: number, catalogue: bigint, slots: number): void {
  frame.writeUInt32LE(frameBytes(slots), offset);
  frame.writeBigUInt64LE(catalogue, offset + CATALOGUE_AT);
  frame.writeUInt32LE(slots, offset + SLOTS_AT);
}

/** Whether slot `slot` of the frame at `offset` has a value. */
export function isPresent(source: Uint8Array, offset: number, slot: number): boolean {
  return ((source[offset + PRESENCE_AT + (slot >> 3)]! >> (slot & 7)) & 1) === 1;
}

/** Says whether slot `slot` of the frame at `offset` has a value. */
export function setPresent(frame: Uint8Array, offset: number, slot: number, is: boolean): void {
  const at = offset + PRESENCE_AT + (slot >> 3);
  const bit = 1 << (slot & 7);
  frame[at] = is ? frame[at]! | bit : frame[at]! & ~bit;
}

/** Byte offset of the first value, relative to the frame. */
export function valuesAt(slots: number): number {
  return PRESENCE_AT + presenceBytes(slots);
}

function bad(reason: string): RollcallError {
  return new RollcallError('bad_message', `SAMPLES: ${reason}`);
}
