import type { AlertStopwatch, Transition } from '../../pipeline/log/transition.ts';
import type { Target } from '../../pipeline/targets/target.ts';
import { targetLabels } from '../../pipeline/targets/target.ts';
import type { Catalogue } from '../../pipeline/wire/catalogue.ts';
import * as frame from '../../pipeline/wire/frame.ts';
import { parseHexId } from '../../pipeline/wire/shard.ts';
import { comparisonHolds } from '../rules/expression.ts';
import {
  alertFrom,
  begin,
  end,
  fire,
  restoreStopwatch,
  resume,
  stopwatchOf,
  touch,
} from './alert.ts';
import type { Alert } from './alert.ts';
import { AlertQuota, NO_ALERT_LIMITS } from './alert-quota.ts';
import type { AlertLimits } from './alert-quota.ts';
import { LaneClock } from './lane-clock.ts';
import type { LaneTime } from './lane-clock.ts';
import { LeastRecentlyUsed } from './least-recently-used.ts';
import { alertKey, Plan } from './plan.ts';
import type { Check } from './plan.ts';
import { fitting } from './record-size.ts';
import { RuleSet } from './rule-set.ts';
import type { Touch } from './stopwatch.ts';
import { advance, newTargetState } from './target-state.ts';
import type { TargetState } from './target-state.ts';

export type SkipReason = 'backlog' | 'repeated' | 'unknown_target' | 'unknown_catalogue';

export interface EvaluationCounters {
  frames: number;
  comparisons: number;
  /** Conditions that held although there was no room for another alert. */
  refused: number;
  /** Transitions that were too large and lost annotations, or labels as well. */
  shortened: number;
  /** Frames not evaluated, by reason. */
  readonly skipped: Map<SkipReason, number>;
}

/**
 * The collector reports on every target at each of its intervals, so a lane that is silent for three of the
 * shortest is not quiet but cut off: no more than that counts as time in which series fell silent.
 */
const LANE_STEP_INTERVALS = 3;
const LANE_STEP_MS_MIN = 15_000;
/** A series is not given up before so many of its own intervals, whatever the staleness. */
const STALE_INTERVALS_MIN = 3;
/** A plan is what the rules make of a catalogue, a few kB; targets of one kind share one. */
const PLANS_MAX = 65_536;

/**
 * The states of the alerts of one lane, and how frames change them. Pure and synchronous: it is given frames,
 * targets, rules and the passing of time, and answers with transitions. What counts as time comes
 * from the stream alone (see `LaneClock`, `elapsedMs`); what people are shown are the samples' times.
 */
export class AlertBook {
  readonly counters: EvaluationCounters = {
    frames: 0,
    comparisons: 0,
    refused: 0,
    shortened: 0,
    skipped: new Map(),
  };
  readonly #stalenessMs: number;
  readonly #nowMs: () => number;
  readonly #clock = new LaneClock();
  readonly #targets = new Map<bigint, TargetState>();
  readonly #plans = new LeastRecentlyUsed<bigint, Plan>(PLANS_MAX);
  /** Alerts whose stopwatch a successor could not tell from the log. */
  readonly #unrecorded = new Set<Alert>();
  readonly #quota: AlertQuota;
  #rules = new RuleSet([]);
  #laneStepMs: number | undefined;

  /** `nowMs` says when something ends that no sample ends. */
  constructor(
    stalenessMs: number,
    nowMs: () => number = Date.now,
    limits: AlertLimits = NO_ALERT_LIMITS,
  ) {
    this.#stalenessMs = stalenessMs;
    this.#nowMs = nowMs;
    this.#quota = new AlertQuota(limits);
  }

  /** Alerts that are pending or firing. */
  get activeCount(): number {
    return this.#quota.count;
  }

  /** Which rules had more alerts than there may be, and how often, since this was last asked. */
  takeRefused(): ReadonlyMap<string, number> {
    return this.#quota.takeRefused();
  }

  /** Undefined until a message arrived. */
  get laneTime(): LaneTime | undefined {
    return this.#clock.now;
  }

  /** The latest transition of every alert that is pending or firing. */
  *active(): Generator<Transition> {
    for (const { alerts } of this.#targets.values()) {
      for (const { last } of alerts.values()) yield last;
    }
  }

  /** The stopwatch of every alert that is pending or firing, in the order of `active`. */
  *stopwatches(): Generator<AlertStopwatch> {
    for (const { alerts } of this.#targets.values()) {
      for (const alert of alerts.values()) yield stopwatchOf(alert);
    }
  }

  /** The stopwatches that transitions do not tell; the caller records them. */
  takeUnrecorded(): AlertStopwatch[] {
    const taken = [...this.#unrecorded].map((alert) => {
      alert.recorded = alert.reading;
      return stopwatchOf(alert);
    });
    this.#unrecorded.clear();
    return taken;
  }

  /** Takes a transition that was recorded before a restart. */
  restore(transition: Transition): void {
    const state = this.#restored(parseHexId(transition.targetId));
    const alert = alertFrom(this.#fitting(transition));
    if (state.alerts.delete(alert.key)) this.#quota.remove(transition.ruleKey);
    const { cause } = transition;
    // The frame itself may have been recorded by half: looked at again it changes nothing twice.
    if (cause !== undefined) advance(state, parseHexId(cause.run), cause.seq - 1);
    if (transition.state === 'inactive') return;
    state.alerts.set(alert.key, alert);
    this.#quota.add(transition.ruleKey);
  }

  /** Takes a stopwatch that was recorded before a restart, after what was recorded before it. */
  restoreStopwatch(stopwatch: AlertStopwatch): void {
    const { targetId, ruleKey, seriesKey } = stopwatch;
    const alerts = this.#targets.get(parseHexId(targetId))?.alerts;
    const alert = alerts?.get(alertKey(ruleKey, seriesKey));
    if (alert !== undefined) restoreStopwatch(alert, stopwatch);
  }

  /** Goes on at the place to which the lane had been evaluated, once all is restored. */
  resume(at: LaneTime): void {
    this.#clock.resume(at);
    for (const { alerts } of this.#targets.values()) {
      for (const alert of alerts.values()) resume(alert, at);
    }
  }

  setTarget(target: Target): void {
    this.#laneStepMs = undefined;
    const known = this.#targets.get(target.id);
    if (known === undefined) this.#targets.set(target.id, newTargetState(target));
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
    const ended = [...state.alerts.values()].map((alert) =>
      this.#end(state, alert, 'target_removed', alert.last.value, timeMs),
    );
    this.#laneStepMs = undefined;
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

  /** Whether frames of a catalogue can be evaluated. */
  knows(catalogueHash: bigint): boolean {
    return this.#plans.get(catalogueHash) !== undefined;
  }

  /** Makes a catalogue known; it may be forgotten again, and all are when rules change. */
  learn(catalogue: Catalogue): void {
    this.#plans.set(catalogue.hash, new Plan(catalogue, this.#rules));
  }

  /** A message of the lane is about to be evaluated; JetStream took it at `arrivalMs`. */
  arrive(arrivalMs: number): LaneTime {
    return this.#clock.advance(arrivalMs, this.#stepMs());
  }

  /** Evaluates a frame of the message that has arrived. */
  evaluate(batch: Buffer, offset: number): Transition[] {
    const plan = this.#plans.get(frame.frameCatalogue(batch, offset));
    if (plan?.slots !== frame.frameSlots(batch, offset)) return this.#skip('unknown_catalogue');
    const state = this.#targets.get(frame.frameTarget(batch, offset));
    if (state === undefined) return this.#skip('unknown_target');
    if (frame.frameIsBacklog(batch, offset)) return this.#skip('backlog');
    const run = frame.frameIncarnation(batch, offset);
    const seq = frame.frameSeq(batch, offset);
    if (!advance(state, run, seq)) return this.#skip('repeated');
    this.counters.frames += 1;
    const checks = this.#checksOf(state, plan);
    this.counters.comparisons += checks.length;
    const transitions: Transition[] = [];
    const valuesAt = offset + frame.valuesAt(plan.slots);
    let now: Touch | undefined;
    for (const check of checks) {
      const isPresent = frame.isPresent(batch, offset, check.slot);
      const value = isPresent ? batch.readDoubleLE(valuesAt + 8 * check.slot) : NaN;
      const holds = isPresent && comparisonHolds(check.operator, value, check.threshold);
      // Nearly always: the condition does not hold, and the target has no alert at all.
      if (!holds && state.alerts.size === 0) continue;
      now ??= this.#touch(run, seq, frame.frameTimestampMs(batch, offset));
      const transition = this.#apply(state, check, { holds, isPresent, value }, now);
      if (transition !== undefined) transitions.push(transition);
    }
    return transitions;
  }

  /** Ends alerts whose series has not been heard of while the lane went on. */
  endStale(): Transition[] {
    const now = this.#clock.now;
    if (now === undefined) return [];
    const ended: Transition[] = [];
    for (const state of this.#targets.values()) {
      if (state.alerts.size === 0) continue;
      const intervalsMs = STALE_INTERVALS_MIN * state.target.intervalMs;
      const stalenessMs = Math.max(this.#stalenessMs, intervalsMs);
      for (const alert of state.alerts.values()) {
        // What an earlier version recorded does not say; it is counted from here.
        alert.seenMs = Math.min(alert.seenMs, now.laneMs);
        if (now.laneMs - alert.seenMs <= stalenessMs) continue;
        const timeMs = alert.seenSampleMs + stalenessMs;
        ended.push(this.#end(state, alert, 'stale', alert.last.value, timeMs));
      }
    }
    return ended;
  }

  #apply(
    state: TargetState,
    check: Check,
    said: { holds: boolean; isPresent: boolean; value: number },
    now: Touch,
  ): Transition | undefined {
    const { holds, isPresent, value } = said;
    const alert = state.alerts.get(check.alertKey);
    if (alert === undefined) return holds ? this.#begin(state, check, value, now) : undefined;
    // A stopwatch that was recorded may be ahead of frames that are evaluated once more.
    const { run, seq } = alert.reading.touch;
    if (run === now.run && seq > now.seq) return undefined;
    const { rule } = check.rule;
    if (touch(alert, holds, now, state.target.intervalMs)) this.#unrecorded.add(alert);
    else this.#unrecorded.delete(alert);
    if (holds) {
      if (alert.last.state !== 'pending' || alert.reading.elapsedMs < rule.forMs) return undefined;
      return this.#fire(state, alert, this.#fitting(fire(alert.last, rule, value, now)));
    }
    const isFiring = alert.last.state === 'firing';
    if (isFiring && alert.reading.elapsedMs < rule.keepFiringForMs) return undefined;
    const reason = isPresent ? 'condition' : 'stale';
    const lastValue = isPresent ? value : alert.last.value;
    return this.#end(state, alert, reason, lastValue, now.sampleMs, now);
  }

  #begin(state: TargetState, check: Check, value: number, now: Touch): Transition | undefined {
    if (!this.#quota.admits(check.rule)) {
      this.counters.refused += 1;
      return undefined;
    }
    const transition = this.#fitting(begin(check, state.target, value, now));
    state.alerts.set(check.alertKey, alertFrom(transition));
    this.#quota.add(check.rule.key);
    return transition;
  }

  #fire(state: TargetState, alert: Alert, fired: Transition): Transition {
    this.#unrecorded.delete(alert);
    state.alerts.set(alert.key, alertFrom(fired));
    return fired;
  }

  #end(state: TargetState, alert: Alert, ...how: EndArguments): Transition {
    this.#unrecorded.delete(alert);
    state.alerts.delete(alert.key);
    this.#quota.remove(alert.last.ruleKey);
    return end(alert.last, ...how);
  }

  #fitting(transition: Transition): Transition {
    const fitted = fitting(transition);
    if (fitted !== transition) this.counters.shortened += 1;
    return fitted;
  }

  #touch(run: bigint, seq: number, sampleMs: number): Touch {
    const { laneMs, arrivalMs } = this.#clock.now ?? this.arrive(sampleMs);
    return { run, seq, sampleMs, laneMs, arrivalMs };
  }

  #stepMs(): number {
    if (this.#laneStepMs === undefined) {
      let shortestMs = Infinity;
      for (const { target } of this.#targets.values()) {
        if (target.intervalMs > 0) shortestMs = Math.min(shortestMs, target.intervalMs);
      }
      const stepMs = shortestMs === Infinity ? 0 : LANE_STEP_INTERVALS * shortestMs;
      this.#laneStepMs = Math.max(LANE_STEP_MS_MIN, stepMs);
    }
    return this.#laneStepMs;
  }

  #checksOf(state: TargetState, plan: Plan): readonly Check[] {
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
      state = newTargetState({ id, instance: '', address: '', labels: {}, intervalMs: 0 });
      this.#targets.set(id, state);
    }
    return state;
  }

  #skip(reason: SkipReason): Transition[] {
    const { skipped } = this.counters;
    skipped.set(reason, (skipped.get(reason) ?? 0) + 1);
    return [];
  }
}

type EndArguments = Parameters<typeof end> extends [unknown, ...infer Rest] ? Rest : never;
