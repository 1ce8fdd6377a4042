import { createHash } from 'node:crypto';
import type {
  AlertState,
  AlertStopwatch,
  Transition,
  TransitionCause,
  TransitionReason,
} from '../../pipeline/log/transition.ts';
import { hexId, parseHexId } from '../../pipeline/wire/shard.ts';
import type { Target } from '../../pipeline/targets/target.ts';
import { targetLabels } from '../../pipeline/targets/target.ts';
import type { AlertRule } from '../rules/rule.ts';
import type { LaneTime } from './lane-clock.ts';
import { alertKey } from './check.ts';
import type { Check } from './check.ts';
import { aheadMs, elapsedMs } from './stopwatch.ts';
import type { Touch } from './stopwatch.ts';

/** What a stopwatch shows, and as of when. */
export interface Reading {
  /** Whether the condition held. */
  readonly holds: boolean;
  /** Pending: how long it has held. Firing: how long ago it last held. ms */
  readonly elapsedMs: number;
  readonly touch: Touch;
}

/** An alert that is pending or firing. An inactive one is not kept. */
export interface Alert {
  readonly key: string;
  /** What the latest transition said; the whole alert can be made from it again. */
  last: Transition;
  reading: Reading;
  /** What a successor would find in the log: the reading, or one that it follows from. */
  recorded: Reading;
  /** When the series was last heard of, by the lane clock, ms; Infinity if that is not known. */
  seenMs: number;
  /** The same by the sample's own time, ms. */
  seenSampleMs: number;
}

/** An alert as its latest transition left it. */
export function alertFrom(last: Transition): Alert {
  const reading = { holds: true, elapsedMs: 0, touch: touchOf(last) };
  return {
    key: alertKey(last.ruleKey, last.seriesKey),
    last,
    reading,
    recorded: reading,
    seenMs: last.cause?.laneMs ?? Infinity,
    seenSampleMs: last.timeMs,
  };
}

/**
 * Its series has been heard of again.
 *
 * @returns whether a successor could not tell the new reading from what is recorded
 */
export function touch(alert: Alert, holds: boolean, now: Touch, intervalMs: number): boolean {
  const { reading, recorded } = alert;
  alert.reading = readAgain(alert.last.state, reading, holds, now, intervalMs);
  alert.seenMs = now.laneMs;
  alert.seenSampleMs = now.sampleMs;
  if (alert.last.state === 'firing' && holds) return !recorded.holds;
  if (alert.last.state === 'firing' && recorded.holds) return true;
  // What follows will be measured by the new run's own time.
  if (recorded.touch.run !== now.run) return true;
  const told = recorded.elapsedMs + elapsedMs(recorded.touch, now, intervalMs);
  // Clocks have parted: what follows may be cut, or not, according to where one begins to measure.
  const haveParted = Math.abs(aheadMs(recorded.touch, now)) > intervalMs / 2;
  return haveParted || told !== alert.reading.elapsedMs;
}

function readAgain(
  state: AlertState,
  before: Reading,
  holds: boolean,
  now: Touch,
  intervalMs: number,
): Reading {
  if (state === 'firing' && holds) return { holds, elapsedMs: 0, touch: now };
  const passedMs = elapsedMs(before.touch, now, intervalMs);
  return { holds, elapsedMs: before.elapsedMs + passedMs, touch: now };
}

/** How its stopwatch goes into the log. */
export function stopwatchOf({ last, reading }: Alert): AlertStopwatch {
  const { run, seq, sampleMs, arrivalMs, laneMs } = reading.touch;
  return {
    targetId: last.targetId,
    ruleKey: last.ruleKey,
    seriesKey: last.seriesKey,
    holds: reading.holds,
    elapsedMs: reading.elapsedMs,
    run: hexId(run ?? 0n),
    seq,
    sampleMs,
    arrivalMs,
    laneMs,
  };
}

/** Takes a stopwatch out of the log. */
export function restoreStopwatch(alert: Alert, recorded: AlertStopwatch): void {
  const { holds, run, seq, sampleMs, arrivalMs, laneMs } = recorded;
  const at = { run: knownRun(run), seq, sampleMs, arrivalMs, laneMs };
  alert.reading = { holds, elapsedMs: recorded.elapsedMs, touch: at };
  alert.recorded = alert.reading;
  alert.seenMs = laneMs;
  alert.seenSampleMs = sampleMs;
}

/**
 * Brings an alert that was restored to where the lane goes on. Nothing else was recorded of it, so it was
 * heard of, and if it was firing it held, until then.
 */
export function resume(alert: Alert, at: LaneTime): void {
  const { touch: heard } = alert.reading;
  const sampleMs = heard.sampleMs + Math.max(0, at.laneMs - heard.laneMs);
  alert.seenMs = at.laneMs;
  alert.seenSampleMs = sampleMs;
  if (alert.last.state !== 'firing' || !alert.reading.holds) return;
  const last = { ...at, run: undefined, seq: heard.seq, sampleMs };
  alert.reading = { holds: true, elapsedMs: 0, touch: last };
}

/** Records of earlier versions do not say what caused them: then all clocks are taken to agree. */
function touchOf({ cause, timeMs }: Transition): Touch {
  if (cause === undefined) {
    return { run: undefined, seq: 0, sampleMs: timeMs, laneMs: timeMs, arrivalMs: timeMs };
  }
  const { run, seq, laneMs, arrivalMs } = cause;
  return { run: knownRun(run), seq, sampleMs: timeMs, laneMs, arrivalMs };
}

function causeOf({ run, seq, laneMs, arrivalMs }: Touch): TransitionCause {
  return { run: hexId(run ?? 0n), seq, arrivalMs, laneMs };
}

function knownRun(run: string): bigint | undefined {
  const id = parseHexId(run);
  return id === 0n ? undefined : id;
}

/** The condition has begun to hold. */
export function begin(check: Check, target: Target, value: number, now: Touch): Transition {
  const { rule } = check.rule;
  const timeMs = now.sampleMs;
  const source = { ...targetLabels(target), ...Object.fromEntries(check.seriesLabels) };
  const labels = { ...source, ...render(rule.labels, source, value), alertname: rule.alert };
  const fires = rule.forMs === 0;
  return {
    alert: rule.alert,
    state: fires ? 'firing' : 'pending',
    previous: 'inactive',
    reason: 'condition',
    ruleKey: check.rule.key,
    seriesKey: check.seriesKey,
    fingerprint: fingerprintOf(labels),
    targetId: hexId(target.id),
    timeMs,
    activeAtMs: timeMs,
    firedAtMs: fires ? timeMs : 0,
    value,
    labels,
    annotations: render(rule.annotations, labels, value),
    cause: causeOf(now),
  };
}

/** The condition has held for long enough. */
export function fire(last: Transition, rule: AlertRule, value: number, now: Touch): Transition {
  const timeMs = now.sampleMs;
  return {
    ...last,
    state: 'firing',
    previous: last.state,
    reason: 'condition',
    timeMs,
    firedAtMs: timeMs,
    value,
    annotations: render(rule.annotations, last.labels, value),
    cause: causeOf(now),
  };
}

/** It is over: because of a frame (`now`), or of something else. */
export function end(
  last: Transition,
  reason: TransitionReason,
  value: number,
  timeMs: number,
  now?: Touch,
): Transition {
  const state: AlertState = 'inactive';
  const { cause: _before, ...rest } = last;
  const ended = { ...rest, state, previous: last.state, reason, timeMs, value };
  return now === undefined ? ended : { ...ended, cause: causeOf(now) };
}

function render(
  templates: AlertRule['labels'],
  labels: Readonly<Record<string, string>>,
  value: number,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(templates).map(([name, template]) => [name, template.render(labels, value)]),
  );
}

/** The identity of a set of labels, whatever their order. */
function fingerprintOf(labels: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 16);
}
