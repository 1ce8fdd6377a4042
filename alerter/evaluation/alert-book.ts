import type { Transition } from '../../pipeline/log/transition.ts';
import type { Target } from '../../pipeline/targets/target.ts';
import { targetLabels } from '../../pipeline/targets/target.ts';
import type { Catalogue } from '../../pipeline/wire/catalogue.ts';
import * as frame from '../../pipeline/wire/frame.ts';
import { parseHexId } from '../../pipeline/wire/shard.ts';
import { comparisonHolds } from '../rules/expression.ts';
import { alertFrom, begin, end, fire } from './alert.ts';
import type { Alert } from './alert.ts';
import { Plan } from './plan.ts';
import type { Check } from './plan.ts';
import { RuleSet } from './rule-set.ts';

interface TargetState {
  target: Target;
  readonly alerts: Map<string, Alert>;
  /** Newest timestamp evaluated of each run that speaks of the target: its agent, a collector. */
  readonly evaluatedMs: Map<bigint, number>;
  readonly checks: Map<Plan, readonly Check[]>;
}

export interface EvaluationCounters {
  frames: number;
  comparisons: number;
  /** Frames not evaluated, by reason. */
  readonly skipped: Map<'backlog' | 'repeated' | 'unknown_target', number>;
}

const RUNS_PER_TARGET_MAX = 8;

/**
 * The states of the alerts of one lane, and how frames change them. Pure and synchronous: it is given frames,
 * targets, rules and the passing of time, and answers with transitions. Time is that of the
 * samples.
 */
export class AlertBook {
  readonly counters: EvaluationCounters = { frames: 0, comparisons: 0, skipped: new Map() };
  readonly #stalenessMs: number;
  readonly #nowMs: () => number;
  readonly #targets = new Map<bigint, TargetState>();
  readonly #plans = new Map<bigint, Plan>();
  #rules = new RuleSet([]);
  #watermarkMs = 0;
  #active = 0;

  /** `nowMs` says when something ends that no sample ends. */
  constructor(stalenessMs: number, nowMs: () => number = Date.now) {
    this.#stalenessMs = stalenessMs;
    this.#nowMs = nowMs;
  }

  /** Alerts that are pending or firing. */
  get activeCount(): number {
    return this.#active;
  }

  /** The latest transition of every alert that is pending or firing. */
  *active(): Generator<Transition> {
    for (const { alerts } of this.#targets.values()) {
      for (const { last } of alerts.values()) yield last;
    }
  }

  /** Takes a transition that was recorded before a restart. */
  restore(transition: Transition): void {
    const state = this.#restored(parseHexId(transition.targetId));
    // Since when it is silent is not recorded: that is counted anew from the next frame of the lane.
    const alert = { ...alertFrom(transition), seenMs: Infinity };
    if (state.alerts.delete(alert.key)) this.#active -= 1;
    if (transition.state === 'inactive') return;
    state.alerts.set(alert.key, alert);
    this.#active += 1;
  }

  setTarget(target: Target): void {
    const known = this.#targets.get(target.id);
    if (known === undefined) this.#targets.set(target.id, newState(target));
    else {
      known.target = target;
      known.checks.clear();
    }
  }

  /** Ends the alerts of recorded targets that turned out to be no more. */
  dropUnconfirmed(): Transition[] {
    const unconfirmed = [...this.#targets.values()].filter(({ target }) => target.intervalMs === 0);
    return unconfirmed.flatMap(({ target }) => this.removeTarget(target.id));
  }

  /** Ends the alerts of a target that is no more. */
  removeTarget(id: bigint): Transition[] {
    const state = this.#targets.get(id);
    if (state === undefined) return [];
    const timeMs = this.#nowMs();
    const ended = [...state.alerts.values()].map(({ last }) =>
      end(last, 'target_removed', last.value, timeMs),
    );
    this.#active -= state.alerts.size;
    this.#targets.delete(id);
    return ended;
  }

  /** Puts rules in force; ends the alerts of rules that are no more. */
  setRules(rules: RuleSet): Transition[] {
    this.#rules = rules;
    this.#plans.clear();
    const ended: Transition[] = [];
    const timeMs = this.#nowMs();
    for (const state of this.#targets.values()) {
      state.checks.clear();
      for (const alert of state.alerts.values()) {
        if (rules.get(alert.last.ruleKey) !== undefined) continue;
        ended.push(this.#end(state, alert, 'rule_changed', alert.last.value, timeMs));
      }
    }
    return ended;
  }

  /** Evaluates a frame; its catalogue is given because frames only name theirs. */
  evaluate(batch: Buffer, offset: number, catalogue: Catalogue): Transition[] {
    const state = this.#targets.get(frame.frameTarget(batch, offset));
    const timeMs = frame.frameTimestampMs(batch, offset);
    this.#watermarkMs = Math.max(this.#watermarkMs, timeMs);
    if (state === undefined) return this.#skip('unknown_target');
    if (frame.frameIsBacklog(batch, offset)) return this.#skip('backlog');
    if (!advance(state, frame.frameIncarnation(batch, offset), timeMs)) {
      return this.#skip('repeated');
    }
    this.counters.frames += 1;
    const checks = this.#checksOf(state, catalogue);
    this.counters.comparisons += checks.length;
    const transitions: Transition[] = [];
    const valuesAt = offset + frame.valuesAt(catalogue.series.length);
    for (const check of checks) {
      const isPresent = frame.isPresent(batch, offset, check.slot);
      const value = isPresent ? batch.readDoubleLE(valuesAt + 8 * check.slot) : NaN;
      const holds = isPresent && comparisonHolds(check.operator, value, check.threshold);
      // Nearly always: the condition does not hold, and the target has no alert at all.
      if (!holds && state.alerts.size === 0) continue;
      const transition = this.#apply(state, check, holds, isPresent, value, timeMs);
      if (transition !== undefined) transitions.push(transition);
    }
    return transitions;
  }

  /** Ends alerts whose series has not been heard of while the lane went on. */
  endStale(): Transition[] {
    const ended: Transition[] = [];
    const limitMs = this.#watermarkMs - this.#stalenessMs;
    for (const state of this.#targets.values()) {
      for (const alert of state.alerts.values()) {
        alert.seenMs = Math.min(alert.seenMs, this.#watermarkMs);
        if (alert.seenMs >= limitMs) continue;
        const timeMs = alert.seenMs + this.#stalenessMs;
        ended.push(this.#end(state, alert, 'stale', alert.last.value, timeMs));
      }
    }
    return ended;
  }

  #apply(
    state: TargetState,
    check: Check,
    holds: boolean,
    isPresent: boolean,
    value: number,
    timeMs: number,
  ): Transition | undefined {
    const alert = state.alerts.get(check.alertKey);
    if (alert === undefined) return holds ? this.#begin(state, check, value, timeMs) : undefined;
    alert.seenMs = timeMs;
    const { rule } = check.rule;
    if (holds) {
      alert.heldMs = timeMs;
      if (alert.last.state !== 'pending' || timeMs - alert.last.activeAtMs < rule.forMs) {
        return undefined;
      }
      alert.last = fire(alert.last, rule, value, timeMs);
      return alert.last;
    }
    const keeps = alert.last.state === 'firing' && timeMs - alert.heldMs < rule.keepFiringForMs;
    if (keeps) return undefined;
    const reason = isPresent ? 'condition' : 'stale';
    return this.#end(state, alert, reason, isPresent ? value : alert.last.value, timeMs);
  }

  #begin(state: TargetState, check: Check, value: number, timeMs: number): Transition {
    const transition = begin(check, state.target, value, timeMs);
    state.alerts.set(check.alertKey, alertFrom(transition));
    this.#active += 1;
    return transition;
  }

  #end(state: TargetState, alert: Alert, ...how: EndArguments): Transition {
    state.alerts.delete(alert.key);
    this.#active -= 1;
    return end(alert.last, ...how);
  }

  #checksOf(state: TargetState, catalogue: Catalogue): readonly Check[] {
    let plan = this.#plans.get(catalogue.hash);
    if (plan === undefined) {
      plan = new Plan(catalogue, this.#rules);
      this.#plans.set(catalogue.hash, plan);
    }
    if (!plan.dependsOnTarget) return plan.checks;
    let checks = state.checks.get(plan);
    if (checks === undefined) {
      checks = plan.checksFor(targetLabels(state.target));
      state.checks.set(plan, checks);
    }
    return checks;
  }

  /** A recorded alert may be of a target we are yet to hear of. */
  #restored(id: bigint): TargetState {
    let state = this.#targets.get(id);
    if (state === undefined) {
      state = newState({ id, instance: '', address: '', labels: {}, intervalMs: 0 });
      this.#targets.set(id, state);
    }
    return state;
  }

  #skip(reason: 'backlog' | 'repeated' | 'unknown_target'): Transition[] {
    const { skipped } = this.counters;
    skipped.set(reason, (skipped.get(reason) ?? 0) + 1);
    return [];
  }
}

type EndArguments = Parameters<typeof end> extends [unknown, ...infer Rest] ? Rest : never;

function newState(target: Target): TargetState {
  return { target, alerts: new Map(), evaluatedMs: new Map(), checks: new Map() };
}

/** Whether a frame is newer than what was evaluated of the same run; remembers it. */
function advance(state: TargetState, incarnation: bigint, timeMs: number): boolean {
  const { evaluatedMs } = state;
  if ((evaluatedMs.get(incarnation) ?? -Infinity) >= timeMs) return false;
  evaluatedMs.delete(incarnation);
  evaluatedMs.set(incarnation, timeMs);
  if (evaluatedMs.size > RUNS_PER_TARGET_MAX) {
    evaluatedMs.delete(evaluatedMs.keys().next().value!);
  }
  return true;
}
