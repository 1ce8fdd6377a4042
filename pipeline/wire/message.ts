/**
 * The 8-byte message header of docs/protocol.md and what each type may be.
 *
 *     0        4     5      6        8
 *     ┌────────┬─────┬──────┬────────┬─────────┬─────────┐
 *     │ length │type │flags │channel │ payload │ 0 to 7  │
 *     │ u32    │ u8  │ u8   │ u16    │         │ zeros   │
 *     └────────┴─────┴──────┴────────┴─────────┴─────────┘
 */
export const HEADER_BYTES = 8;

export const MessageType = {
  hello: 1,
  welcome: 2,
  subscribe: 3,
  catalogue: 4,
  samples: 5,
  ack: 6,
  credit: 7,
  ping: 8,
  pong: 9,
  error: 10,
} as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

export const Channel = { control: 0, samples: 1, tasks: 2, relay: 3 } as const;

/** SAMPLES: the frame is sent after its tick. */
export const FLAG_BACKLOG = 1;

export const SAMPLES_BYTES_MAX = 1024 * 1024;
export const CATALOGUE_MESSAGE_BYTES_MAX = 4 * 1024 * 1024;

const CONTROL = Channel.control;
const SAMPLES = Channel.samples;

interface MessageRule {
  readonly channel: number;
  readonly bytesMax: number;
}

const RULES: Readonly<Record<MessageType, MessageRule>> = {
  [MessageType.hello]: { channel: CONTROL, bytesMax: 4096 },
  [MessageType.welcome]: { channel: CONTROL, bytesMax: 4096 },
  [MessageType.subscribe]: { channel: CONTROL, bytesMax: 4096 },
  [MessageType.catalogue]: { channel: SAMPLES, bytesMax: CATALOGUE_MESSAGE_BYTES_MAX },
  [MessageType.samples]: { channel: SAMPLES, bytesMax: SAMPLES_BYTES_MAX },
  [MessageType.ack]: { channel: CONTROL, bytesMax: 65_536 },
  [MessageType.credit]: { channel: CONTROL, bytesMax: 16 },
  [MessageType.ping]: { channel: CONTROL, bytesMax: 16 },
  [MessageType.pong]: { channel: CONTROL, bytesMax: 24 },
  [MessageType.error]: { channel: CONTROL, bytesMax: 4096 },
};

/** The messages each side may receive. */
export const COLLECTOR_ACCEPTS: ReadonlySet<number> = new Set([
  MessageType.welcome,
  MessageType.catalogue,
  MessageType.samples,
  MessageType.pong,
  MessageType.error,
]);
export const AGENT_ACCEPTS: ReadonlySet<number> = new Set([
  MessageType.hello,
  MessageType.subscribe,
  MessageType.ack,
  MessageType.credit,
  MessageType.ping,
  MessageType.error,
]);

/** The rule of a type byte, or undefined for a type this version does not know. */
export function ruleOf(type: number): MessageRule | undefined {
  return RULES[type as MessageType];
}

/** Rounds up to the 8-byte grid on which messages lie. */
export function padded(bytes: number): number {
  return (bytes + 7) & ~7;
}

/** Writes a header at `offset`; `length` counts header and payload without padding. */
export function writeHeader(
  target: Buffer,
  offset: number,
  type: MessageType,
  length: number,
  flags = 0,
): void {
  target.writeUInt32LE(length, offset);
  target[offset + 4] = type;
  target[offset + 5] = flags;
  target.writeUInt16LE(RULES[type].channel, offset + 6);
}

/** A zeroed, padded message with its header written and its payload still to be filled in. */
export function newMessage(type: MessageType, length: number, flags = 0): Buffer {
  const message = Buffer.alloc(padded(length));
  writeHeader(message, 0, type, length, flags);
  return message;
}

/** Reads a u64 that must be a safe integer; larger ones come back as Infinity. */
export function readSafeU64(source: Buffer, offset: number): number {
  const high = source.readUInt32LE(offset + 4);
  return high > 0x1f_ffff ? Infinity : high * 0x1_0000_0000 + source.readUInt32LE(offset);
}

/** Writes a non-negative safe integer as u64. */
export function writeSafeU64(target: Buffer, offset: number, value: number): void {
  target.writeUInt32LE(value % 0x1_0000_0000, offset);
  target.writeUInt32LE(Math.floor(value / 0x1_0000_0000), offset + 4);
}
