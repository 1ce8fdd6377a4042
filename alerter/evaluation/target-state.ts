import type { Target } from '../../pipeline/targets/target.ts';
import type { Alert } from './alert.ts';
import { LeastRecentlyUsed } from './least-recently-used.ts';
import type { Check, Plan } from './plan.ts';

/** What the alerter keeps of one target. */
export interface TargetState {
  target: Target;
  readonly alerts: Map<string, Alert>;
  /** The newest seq evaluated of each run that speaks of the target: its agent, collectors. */
  readonly evaluatedSeq: LeastRecentlyUsed<bigint, number>;
  /** The checks of its latest plans: its agent's, its collector's. */
  readonly checks: LeastRecentlyUsed<Plan, readonly Check[]>;
}

const RUNS_MAX = 8;
const PLANS_MAX = 4;

export function newTargetState(target: Target): TargetState {
  return {
    target,
    alerts: new Map(),
    evaluatedSeq: new LeastRecentlyUsed(RUNS_MAX),
    checks: new LeastRecentlyUsed(PLANS_MAX),
  };
}

/** Whether a frame is newer than what was evaluated of the same run; remembers it. */
export function advance(state: TargetState, run: bigint, seq: number): boolean {
  if ((state.evaluatedSeq.get(run) ?? -1) >= seq) return false;
  state.evaluatedSeq.set(run, seq);
  return true;
}
