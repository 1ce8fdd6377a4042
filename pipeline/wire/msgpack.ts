import { Packr } from 'msgpackr';
import { RollcallError } from '../error.ts';

const packr = new Packr({ useRecords: false, moreTypes: false });
const DEPTH_MAX = 8;

/** Packs plain data (maps, arrays, text, numbers, booleans) as msgpack. */
export function pack(value: unknown): Buffer {
  return packr.pack(value);
}

/**
 * Unpacks msgpack that came from elsewhere. The bytes are walked first, so that nothing is allocated
 * for lengths that are not there, deep nesting cannot exhaust the stack, and extension types
 * are refused.
 *
 * @throws RollcallError `bad_msgpack`
 */
export function unpack(bytes: Uint8Array): unknown {
  const end = skipValue(bytes, 0, 0);
  if (end !== bytes.length) throw bad(`${bytes.length - end} bytes after the value`);
  return packr.unpack(bytes);
}

/** Two packed arrays as one, without unpacking their elements. */
export function concatArrays(first: Uint8Array, second: Uint8Array): Uint8Array {
  const [ofFirst, of] = [arrayHead(first), arrayHead(second)];
  const head = Buffer.alloc(5, 0xdd);
  head.writeUInt32BE(ofFirst.count + of.count, 1);
  return Uint8Array.from(
    Buffer.concat([head, first.subarray(ofFirst.end), second.subarray(of.end)]),
  );
}

/** How many elements an array has, and where they begin. */
function arrayHead(bytes: Uint8Array): { count: number; end: number } {
  const head = byteAt(bytes, 0);
  if (head >= 0x90 && head <= 0x9f) return { count: head & 0x0f, end: 1 };
  if (head === 0xdc) return { count: uintAt(bytes, 1, 2), end: 3 };
  if (head === 0xdd) return { count: uintAt(bytes, 1, 4), end: 5 };
  throw bad('not an array');
}

/** Returns the offset after the value at `at`. Format: the MessagePack specification. */
function skipValue(bytes: Uint8Array, at: number, depth: number): number {
  if (depth > DEPTH_MAX) throw bad(`nested deeper than ${DEPTH_MAX}`);
  const head = byteAt(bytes, at);
  if (head <= 0x7f || head >= 0xe0) return at + 1;
  if (head <= 0x8f) return skipMany(bytes, at + 1, 2 * (head & 0x0f), depth);
  if (head <= 0x9f) return skipMany(bytes, at + 1, head & 0x0f, depth);
  if (head <= 0xbf) return skipBytes(bytes, at + 1, head & 0x1f);
  switch (head) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      return at + 1;
    case 0xc4: // bin 8, 16, 32
    case 0xd9: // str 8, 16, 32
      return skipBytes(bytes, at + 2, uintAt(bytes, at + 1, 1));
    case 0xc5:
    case 0xda:
      return skipBytes(bytes, at + 3, uintAt(bytes, at + 1, 2));
    case 0xc6:
    case 0xdb:
      return skipBytes(bytes, at + 5, uintAt(bytes, at + 1, 4));
    case 0xcc: // u8
    case 0xd0: // i8
      return skipBytes(bytes, at + 1, 1);
    case 0xcd: // u16
    case 0xd1: // i16
      return skipBytes(bytes, at + 1, 2);
    case 0xca: // f32
    case 0xce: // u32
    case 0xd2: // i32
      return skipBytes(bytes, at + 1, 4);
    case 0xcb: // f64
    case 0xcf: // u64
    case 0xd3: // i64
      return skipBytes(bytes, at + 1, 8);
    case 0xdc: // array 16, 32
      return skipMany(bytes, at + 3, uintAt(bytes, at + 1, 2), depth);
    case 0xdd:
      return skipMany(bytes, at + 5, uintAt(bytes, at + 1, 4), depth);
    case 0xde: // map 16, 32
      return skipMany(bytes, at + 3, 2 * uintAt(bytes, at + 1, 2), depth);
    case 0xdf:
      return skipMany(bytes, at + 5, 2 * uintAt(bytes, at + 1, 4), depth);
    default:
      throw bad(`type byte 0x${head.toString(16)} is not allowed`);
  }
}

function skipMany(bytes: Uint8Array, at: number, count: number, depth: number): number {
  if (count > bytes.length - at) throw bad('more elements claimed than bytes left');
  let next = at;
  for (let i = 0; i < count; i += 1) next = skipValue(bytes, next, depth + 1);
  return next;
}

function skipBytes(bytes: Uint8Array, at: number, count: number): number {
  if (count > bytes.length - at) throw bad('ends early');
  return at + count;
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw bad('ends early');
  return byte;
}

function uintAt(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = 0; i < width; i += 1) value = value * 256 + byteAt(bytes, at + i);
  return value;
}

function bad(reason: string): RollcallError {
  return new RollcallError('bad_msgpack', `msgpack refused: ${reason}`);
}
