import { createHash } from 'node:crypto';
import { BATCH_HEADER_BYTES } from '../wire/batch.ts';
import type { LaneMessage } from './stored-frame.ts';

/**
 * 16 hex digits that tell these messages from any others under the same numbers: a NATS that lost its newest
 * messages counts on with numbers it has used. A batch is known by its header (collector and moment of
 * sealing) and length.
 */
export function digestOf(messages: readonly LaneMessage[]): string {
  const hash = createHash('sha256');
  for (const { seq, batch } of messages) {
    hash.update(`${seq}:${batch.length}:`).update(batch.subarray(0, BATCH_HEADER_BYTES));
  }
  return hash.digest('hex').slice(0, 16);
}
