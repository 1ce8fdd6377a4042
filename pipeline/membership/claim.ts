import { z } from 'zod';
import { reasonOf, RollcallError } from '../error.ts';

/**
 * Who owns a part, as it lies on `{fleet}.state.owner.{role}.{part}`. It is written by compare-and-set
 * only, with an epoch above the one before.
 */
export interface Claim {
  /** The id of the member's presence. */
  readonly member: string;
  /** Its name, for people. */
  readonly name: string;
  readonly epoch: number;
  /** Given up: whoever should have the part may take it at once. */
  readonly isReleased: boolean;
}

const claim = z.object({
  member: z.string(),
  name: z.string(),
  epoch: z.number().int().min(1),
  isReleased: z.boolean(),
});

export function encodeClaim(claimed: Claim): Uint8Array {
  return Buffer.from(JSON.stringify(claimed));
}

/** @throws RollcallError `bad_claim` */
export function decodeClaim(data: Uint8Array): Claim {
  try {
    return claim.parse(JSON.parse(Buffer.from(data).toString()));
  } catch (cause) {
    throw new RollcallError('bad_claim', `a claim does not decode: ${reasonOf(cause)}`, { cause });
  }
}
