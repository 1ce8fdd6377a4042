/**
 * A value of a compacted subject that says how far it reaches: a position in a stream or a revision.
 *
 *     0        8
 *     ┌────────┬─────────┐
 *     │ number │ payload │
 *     │ f64    │         │
 *     └────────┴─────────┘
 */
const NUMBER_BYTES = 8;

export function encodeNumbered(number: number, payload: Uint8Array = new Uint8Array()): Uint8Array {
  const message = Buffer.alloc(NUMBER_BYTES + payload.length);
  message.writeDoubleLE(number, 0);
  message.set(payload, NUMBER_BYTES);
  return message;
}

export function numberOf(message: Uint8Array): number {
  return Buffer.from(message.buffer, message.byteOffset, message.length).readDoubleLE(0);
}

/** A view of the payload. */
export function payloadOf(message: Uint8Array): Uint8Array {
  return message.subarray(NUMBER_BYTES);
}
