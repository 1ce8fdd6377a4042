import { RollcallError } from '../../pipeline/error.ts';

/** By whose right a lane is evaluated. */
export interface LaneOwner {
  /** Of the claim on the lane; a later claim has a higher one. */
  readonly epoch: number;
  /** For people. */
  readonly member: string;
}

/**
 * Throws if what was written is of a later owner: then we are the one who was replaced.
 *
 * @throws RollcallError `stale`
 */
export function mustNotBeLater(epoch: number | undefined, ours: LaneOwner, what: string): void {
  if ((epoch ?? 0) <= ours.epoch) return;
  throw new RollcallError('stale', `${what} is of epoch ${epoch}, ours is ${ours.epoch}`);
}

/** A predecessor wrote what we were about to take. */
export function laneBusy(cause: unknown): RollcallError {
  const message = 'the predecessor was still writing: look again';
  return new RollcallError('lane_busy', message, { cause, retryable: true });
}

/** Whether a compare-and-set lost, or we were found to be replaced. */
export function isStale(error: unknown): boolean {
  return error instanceof RollcallError && error.code === 'stale';
}
