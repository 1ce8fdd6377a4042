import type { Source } from '../../agent/source.ts';

/** Gauges that are raised to provoke an alert, and the one that must never cause one. */
export const BREACHES = ['sim_breach', 'sim_breach_held', 'sim_breach_long', 'sim_calm'] as const;
export type Breach = (typeof BREACHES)[number];

/**
 * The readings of one simulated server. They outlive its agent, and it knows what it said last, so that a ledger
 * need not ask Rollcall. The first series are the `BREACHES`, in their order.
 */
export interface FleetSource extends Source {
  /** The values of the last reading, by series; good until another source of the process is read. */
  readonly values: Float64Array;
  /** Whether the series had a value in the last reading. */
  readonly present: Uint8Array;
  /** What each series weighs in a checksum (`checksum.ts`): odd, and its own. */
  readonly weights: Uint32Array;
  /** For `AgentOptions.sources`: slots are declared anew for whoever opens it. */
  readonly open: () => Source;
  /** Raises or ends a breach, from the next reading on. */
  set(breach: Breach, isOn: boolean): void;
}
