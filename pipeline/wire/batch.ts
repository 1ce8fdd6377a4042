import { RollcallError } from '../error.ts';
import { checkFrame } from './frame.ts';
import { HEADER_BYTES, MessageType, padded, ruleOf, writeSafeU64, readSafeU64 } from './message.ts';

/**
 * What travels on a lane: a header and then SAMPLES and CATALOGUE messages as the agents sent
 * them, with the target stamped in and what the collector says of it behind the values. All lies on an
 * 8-byte grid, so that one aligned copy of a batch lets every value be viewed in place.
 *
 *     0       4        8         16         24       32
 *     ┌───────┬────────┬─────────┬──────────┬────────┬───────────┬───────────┬──
 *     │ 'RCB1'│messages│collector│ sealed at│ zero   │ message   │ message   │ …
 *     └───────┴────────┴─────────┴──────────┴────────┴───────────┴───────────┴──
 */
export const BATCH_HEADER_BYTES = 32;
const MAGIC = 0x31424352; // 'RCB1'

export function writeBatchHeader(
  target: Buffer,
  messages: number,
  collector: bigint,
  sealedAtMs: number,
): void {
  target.writeUInt32LE(MAGIC, 0);
  target.writeUInt32LE(messages, 4);
  target.writeBigUInt64LE(collector, 8);
  writeSafeU64(target, 16, sealedAtMs);
  target.fill(0, 24, BATCH_HEADER_BYTES);
}

/** Receives the messages of a batch in order; `offset` is a multiple of 8. */
export interface BatchVisitor {
  onFrame(source: Buffer, offset: number, length: number): void;
  onCatalogue(source: Buffer, offset: number, length: number): void;
}

/**
 * Walks an aligned batch. Every frame is checked before it is handed over.
 *
 * @returns the time the collector sealed the batch, ms
 * @throws RollcallError `bad_batch` when the bytes are not a batch; frames handed over before
 *   that point were good.
 */
export function readBatch(batch: Buffer, visitor: BatchVisitor): number {
  if (batch.length < BATCH_HEADER_BYTES || batch.readUInt32LE(0) !== MAGIC) {
    throw bad(`${batch.length} bytes without a batch header`);
  }
  const messages = batch.readUInt32LE(4);
  let at = BATCH_HEADER_BYTES;
  for (let i = 0; i < messages; i += 1) {
    if (batch.length - at < HEADER_BYTES) throw bad(`ends before message ${i} of ${messages}`);
    const length = batch.readUInt32LE(at);
    const type = batch[at + 4]!;
    const rule = ruleOf(type);
    if (rule === undefined || length < HEADER_BYTES || length > rule.bytesMax) {
      throw bad(`message ${i} has type ${type} and ${length} bytes`);
    }
    const end = at + padded(length);
    if (end > batch.length) throw bad(`ends inside message ${i} of ${messages}`);
    if (type === MessageType.samples) {
      checkFrame(batch, at, length);
      visitor.onFrame(batch, at, length);
    } else if (type === MessageType.catalogue) {
      visitor.onCatalogue(batch, at, length);
    } else {
      throw bad(`message ${i} has type ${type}`);
    }
    at = end;
  }
  if (at !== batch.length) throw bad(`${batch.length - at} bytes after the last message`);
  return readSafeU64(batch, 16);
}

/** Copies bytes that lie anywhere into a buffer of their own that starts 8-byte aligned. */
export function alignedCopy(bytes: Uint8Array): Buffer {
  const copy = Buffer.from(new ArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

function bad(reason: string): RollcallError {
  return new RollcallError('bad_batch', `batch refused: ${reason}`);
}
