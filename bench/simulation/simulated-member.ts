import type { Membership } from '../../pipeline/membership/membership.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** A run of one of the product's processes. */
export interface SimulatedMember {
  readonly process: SimulatedProcess;
  /** Its part in a role; undefined until it has come that far, and for agents. */
  readonly membership: Membership | undefined;
  /** An orderly stop; resolves when the process would end. */
  stop(): Promise<void>;
}
