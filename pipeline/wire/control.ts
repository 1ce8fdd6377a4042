// The small variant: agents carry this module in their memory, and zod is half of a megabyte.
import * as z from 'zod/mini';
import { RollcallError } from '../error.ts';
import { HEADER_BYTES, MessageType, newMessage } from './message.ts';
import { pack, unpack } from './msgpack.ts';

export const PROTOCOL_VERSION = 1;
export const FLEET_NAME = /^[a-z0-9_]{1,32}$/;

const uint = (max: number) => z.int().check(z.minimum(0), z.maximum(max));
const text = (lengthMax: number) => z.string().check(z.maxLength(lengthMax));
const safeUint = uint(Number.MAX_SAFE_INTEGER);

/** Of a target's name in HELLO; a longer one is cut off. */
export const INSTANCE_LENGTH_MAX = 256;

const hello = z.object({
  protocol: z.literal('rollcall'),
  versions: z.array(uint(255)).check(z.minLength(1), z.maxLength(16)),
  fleet: text(64),
  epoch: safeUint,
  collector: text(128),
  // An older collector does not say them.
  target: z.prefault(z.string().check(z.regex(/^(?:[0-9a-f]{16})?$/)), ''),
  instance: z.prefault(text(INSTANCE_LENGTH_MAX), ''),
});
const welcome = z.object({
  version: uint(255),
  incarnation: z.string().check(z.regex(/^[0-9a-f]{16}$/)),
  agent: text(128),
  timeMs: z.number(),
  firstSeq: safeUint,
  nextSeq: safeUint,
});
const subscribe = z
  .object({
    intervalMs: z.int().check(z.minimum(10), z.maximum(3_600_000)),
    phaseMs: safeUint,
    creditBytes: uint(0xffff_ffff),
  })
  .check(z.refine((value) => value.phaseMs < value.intervalMs, 'phaseMs must be below intervalMs'));
const error = z.object({ code: text(64), message: text(1024) });

export type Hello = z.infer<typeof hello>;
export type Welcome = z.infer<typeof welcome>;
export type Subscribe = z.infer<typeof subscribe>;
export type WireError = z.infer<typeof error>;

export const encodeHello = (value: z.input<typeof hello>): Buffer =>
  structured(MessageType.hello, value);
export const encodeWelcome = (value: Welcome): Buffer => structured(MessageType.welcome, value);
export const encodeSubscribe = (value: Subscribe): Buffer =>
  structured(MessageType.subscribe, value);
export const encodeError = (code: string, message: string): Buffer =>
  structured(MessageType.error, { code, message: message.slice(0, 1000) });

/** The decoders take a message in place and throw `bad_message` when it does not fit. */
export const decodeHello = (source: Buffer, offset: number, length: number): Hello =>
  decode(hello, 'HELLO', source, offset, length);
export const decodeWelcome = (source: Buffer, offset: number, length: number): Welcome =>
  decode(welcome, 'WELCOME', source, offset, length);
export const decodeSubscribe = (source: Buffer, offset: number, length: number): Subscribe =>
  decode(subscribe, 'SUBSCRIBE', source, offset, length);
export const decodeError = (source: Buffer, offset: number, length: number): WireError =>
  decode(error, 'ERROR', source, offset, length);

function structured(type: MessageType, value: unknown): Buffer {
  const payload = pack(value);
  const message = newMessage(type, HEADER_BYTES + payload.length);
  payload.copy(message, HEADER_BYTES);
  return message;
}

function decode<T>(
  schema: z.ZodMiniType<T>,
  name: string,
  source: Buffer,
  offset: number,
  length: number,
): T {
  const payload = source.subarray(offset + HEADER_BYTES, offset + length);
  let value: unknown;
  try {
    value = unpack(payload);
  } catch (cause) {
    throw new RollcallError('bad_message', `${name} does not decode`, { cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const path = issue.path.join('.');
  throw new RollcallError(
    'bad_message',
    `${name}: ${path === '' ? '' : `${path}: `}${issue.message}`,
  );
}
