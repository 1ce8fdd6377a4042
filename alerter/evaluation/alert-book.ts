import type { AlertStopwatch, Transition } from '../../pipeline/log/transition.ts';
import { isSameTarget } from '../../pipeline/targets/target.ts';
import type { Target } from '../../pipeline/targets/target.ts';
import type { Catalogue } from '../../pipeline/wire/catalogue.ts';
import { highOf, IdMap, lowOf } from '../../pipeline/wire/id-map.ts';
import { parseHexId } from '../../pipeline/wire/shard.ts';
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
import { CatalogueIndex } from './catalogue-index.ts';
import type { KnownCatalogue } from './catalogue-index.ts';
import { alertKey } from './check.ts';
import type { Check } from './check.ts';
import type { CheckList, Said } from './check-list.ts';
import { FrameView } from './frame-view.ts';
import { AlertQuota, NO_ALERT_LIMITS } from './alert-quota.ts';
import type { AlertLimits } from './alert-quota.ts';
import { IntervalCounts } from './interval-counts.ts';
import { LaneClock } from './lane-clock.ts';
import type { LaneTime } from './lane-clock.ts';
import { Planner } from './plan.ts';
import { fitting } from './record-size.ts';
import { RuleSet } from './rule-set.ts';
import type { Touch } from './stopwatch.ts';
import {
  advance,
  deleteAlert,
  forgetChecks,
  newTargetState,
  setAlert,
  voiceOf,
} from './target-state.ts';
import type { TargetState, Voice } from './target-state.ts';

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
/** What most frames bring about. */
const NOTHING: readonly Transition[] = [];

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
  readonly #targets = new IdMap<TargetState>();
  /** Those that have alerts. */
  readonly #alerting = new Set<TargetState>();
  readonly #catalogues = new CatalogueIndex();
  /** Alerts whose stopwatch a successor could not tell from the log. */
  readonly #unrecorded = new Set<Alert>();
  readonly #quota: AlertQuota;
  #rules = new RuleSet([]);
  #planner = new Planner(this.#rules);
  readonly #frame = new FrameView();
  /** Of all targets. */
  readonly #intervals = new IntervalCounts();

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
    for (const { alerts } of this.#alerting) {
      for (const { last } of alerts.values()) yield last;
    }
  }

  /** The stopwatch of every alert that is pending or firing, in the order of `active`. */
  *stopwatches(): Generator<AlertStopwatch> {
    for (const { alerts } of this.#alerting) {
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
    if (deleteAlert(state, alert.key)) this.#quota.remove(transition.ruleKey);
    const { cause } = transition;
    // The frame itself may have been recorded by half: looked at again it changes nothing twice.
    if (cause !== undefined) {
      const run = parseHexId(cause.run);
      advance(state, lowOf(run), highOf(run), cause.seq - 1);
    }
    if (transition.state === 'inactive') this.#keepWatch(state);
    else this.#add(state, alert);
  }

  /** Takes a stopwatch that was recorded before a restart, after what was recorded before it. */
  restoreStopwatch(stopwatch: AlertStopwatch): void {
    const { targetId, ruleKey, seriesKey } = stopwatch;
    const alerts = this.#targets.find(parseHexId(targetId))?.alerts;
    const alert = alerts?.get(alertKey(ruleKey, seriesKey));
    if (alert !== undefined) restoreStopwatch(alert, stopwatch);
  }

  /** Goes on at the place to which the lane had been evaluated, once all is restored. */
  resume(at: LaneTime): void {
    this.#clock.resume(at);
    for (const { alerts } of this.#alerting) {
      for (const alert of alerts.values()) resume(alert, at);
    }
  }

  /** One that is as it was costs nothing: all targets of a shard come again when one of them changes. */
  setTarget(target: Target): void {
    const known = this.#targets.find(target.id);
    if (known !== undefined && isSameTarget(known.target, target)) return;
    if (known === undefined) this.#targets.set(target.id, newTargetState(target));
    else {
      this.#intervals.remove(known.target.intervalMs);
      known.target = target;
      forgetChecks(known);
    }
    this.#intervals.add(target.intervalMs);
  }

  /** Ends the alerts of recorded targets that turned out to be no more. */
  dropUnconfirmed(): Transition[] {
    const unconfirmed = [...this.#targets.values()].filter(({ target }) => target.intervalMs === 0);
    return unconfirmed.flatMap(({ target }) => this.removeTarget(target.id));
  }

  /** Ends the alerts of a target that is no more. */
  removeTarget(id: bigint): Transition[] {
    const state = this.#targets.find(id);
    if (state === undefined) return [];
    const timeMs = this.#nowMs();
    const ended = [...state.alerts.values()].map((alert) =>
      this.#end(state, alert, 'target_removed', alert.last.value, timeMs),
    );
    this.#intervals.remove(state.target.intervalMs);
    this.#targets.delete(id);
    return ended;
  }

  /** Puts rules in force; ends the alerts of rules that are no more. */
  setRules(rules: RuleSet): Transition[] {
    this.#rules = rules;
    this.#planner = new Planner(rules);
    for (const state of this.#targets.values()) forgetChecks(state);
    const ended: Transition[] = [];
    const timeMs = this.#nowMs();
    for (const state of this.#alerting) {
      for (const alert of state.alerts.values()) {
        if (rules.get(alert.last.ruleKey) !== undefined) continue;
        ended.push(this.#end(state, alert, 'rule_changed', alert.last.value, timeMs));
      }
    }
    return ended;
  }

  /** Whether frames of a catalogue can be evaluated. */
  knows(catalogueHash: bigint): boolean {
    return this.#catalogues.get(catalogueHash, this.#planner) !== undefined;
  }

  /** Makes a catalogue known; when there are very many, it may be forgotten again. */
  learn(catalogue: Catalogue): void {
    this.#catalogues.add(catalogue, this.#planner);
  }

  /** A message of the lane is about to be evaluated; JetStream took it at `arrivalMs`. */
  arrive(arrivalMs: number): LaneTime {
    return this.#clock.advance(arrivalMs, this.#stepMs());
  }

  /** The catalogues by which frames are made and that have to be learnt first. */
  unknownCatalogues(batch: Buffer, offsets: readonly number[]): readonly bigint[] {
    let unknown: Set<bigint> | undefined;
    for (const offset of offsets) {
      const frame = this.#frame.look(batch, offset);
      if (this.#catalogueOf(frame, this.#stateOf(frame)) !== undefined) continue;
      unknown ??= new Set();
      unknown.add(frame.catalogue);
    }
    return unknown === undefined ? [] : [...unknown];
  }

  /** Evaluates a frame of the message that has arrived. */
  evaluate(batch: Buffer, offset: number): readonly Transition[] {
    const frame = this.#frame.look(batch, offset);
    const state = this.#stateOf(frame);
    const catalogue = this.#catalogueOf(frame, state);
    if (catalogue?.series.length !== frame.slots) return this.#skip('unknown_catalogue');
    if (state === undefined) return this.#skip('unknown_target');
    if (frame.isBacklog) return this.#skip('backlog');
    const voice = advance(state, frame.runLow, frame.runHigh, frame.seq);
    if (voice === undefined) return this.#skip('repeated');
    const list = this.#listOf(state, voice, catalogue);
    this.counters.frames += 1;
    this.counters.comparisons += list.checks.length;
    // Nearly always: the target has no alert, and no condition holds.
    if (state.alerts.size === 0 && list.isQuiet(frame)) return NOTHING;
    return this.#evaluateAll(frame, state, list);
  }

  #evaluateAll(frame: FrameView, state: TargetState, list: CheckList): readonly Transition[] {
    const now = this.#touch(frame.run, frame.seq, frame.timestampMs);
    const transitions: Transition[] = [];
    for (const [i, check] of list.checks.entries()) {
      const said = list.said(i, frame);
      if (!said.holds && state.alerts.size === 0) continue;
      const transition = this.#apply(state, check, said, now);
      if (transition !== undefined) transitions.push(transition);
    }
    return transitions;
  }

  /** Ends alerts whose series has not been heard of while the lane went on. */
  endStale(): Transition[] {
    const now = this.#clock.now;
    if (now === undefined) return [];
    const ended: Transition[] = [];
    for (const state of this.#alerting) {
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

  #apply(state: TargetState, check: Check, said: Said, now: Touch): Transition | undefined {
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
    this.#add(state, alertFrom(transition));
    return transition;
  }

  #fire(state: TargetState, alert: Alert, fired: Transition): Transition {
    this.#unrecorded.delete(alert);
    setAlert(state, alertFrom(fired));
    return fired;
  }

  #end(state: TargetState, alert: Alert, ...how: EndArguments): Transition {
    this.#unrecorded.delete(alert);
    deleteAlert(state, alert.key);
    this.#keepWatch(state);
    this.#quota.remove(alert.last.ruleKey);
    return end(alert.last, ...how);
  }

  #add(state: TargetState, alert: Alert): void {
    setAlert(state, alert);
    this.#alerting.add(state);
    this.#quota.add(alert.last.ruleKey);
  }

  #keepWatch(state: TargetState): void {
    if (state.alerts.size === 0) this.#alerting.delete(state);
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
    const { shortestMs } = this.#intervals;
    const stepMs = shortestMs === Infinity ? 0 : LANE_STEP_INTERVALS * shortestMs;
    return Math.max(LANE_STEP_MS_MIN, stepMs);
  }

  #stateOf(frame: FrameView): TargetState | undefined {
    return this.#targets.get(frame.targetLow, frame.targetHigh);
  }

  /** Nearly always the one of the same run's frame before. */
  #catalogueOf(frame: FrameView, state: TargetState | undefined): KnownCatalogue | undefined {
    const voice = state === undefined ? undefined : voiceOf(state, frame.runLow, frame.runHigh);
    if (voice?.checks !== undefined) {
      const { low, high } = voice.catalogue!;
      if (low === frame.catalogueLow && high === frame.catalogueHigh) return voice.catalogue;
    }
    return this.#catalogues.get(frame.catalogue, this.#planner);
  }

  #listOf(state: TargetState, voice: Voice, catalogue: KnownCatalogue): CheckList {
    if (voice.checks === undefined || voice.catalogue !== catalogue) {
      voice.catalogue = catalogue;
      voice.checks = this.#planner.listFor(catalogue.plan, state.target);
    }
    return voice.checks;
  }

  /** A recorded alert may be of a target we are yet to hear of. */
  #restored(id: bigint): TargetState {
    let state = this.#targets.find(id);
    if (state === undefined) {
      state = newTargetState({ id, instance: '', address: '', labels: {}, intervalMs: 0 });
      this.#targets.set(id, state);
      this.#intervals.add(0);
    }
    return state;
  }

  #skip(reason: SkipReason): readonly Transition[] {
    const { skipped } = this.counters;
    skipped.set(reason, (skipped.get(reason) ?? 0) + 1);
    return NOTHING;
  }
}

type EndArguments = Parameters<typeof end> extends [unknown, ...infer Rest] ? Rest : never;
