import type { Claim } from './claim.ts';

/** A part as one member knows it. */
export interface Part {
  /** The newest claim that is known, and its sequence: what the next one is compared with. */
  claim: Claim | undefined;
  seq: number;
  /** `ended`: our work on it is over, but the claim still says that it is ours. */
  state: 'idle' | 'claiming' | 'owned' | 'ending' | 'ended';
  epoch: number;
  /** Nothing is tried with it before this tick. */
  notBefore: number;
}

export function unknownPart(): Part {
  return { claim: undefined, seq: 0, state: 'idle', epoch: 0, notBefore: 0 };
}
