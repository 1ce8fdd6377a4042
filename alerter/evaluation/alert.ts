import { createHash } from 'node:crypto';
import type { AlertState, Transition, TransitionReason } from '../../pipeline/log/transition.ts';
import { hexId } from '../../pipeline/wire/shard.ts';
import type { Target } from '../../pipeline/targets/target.ts';
import { targetLabels } from '../../pipeline/targets/target.ts';
import type { AlertRule } from '../rules/rule.ts';
import { alertKey } from './plan.ts';
import type { Check } from './plan.ts';

/** An alert that is pending or firing. An inactive one is not kept. */
export interface Alert {
  readonly key: string;
  /** What the latest transition said; the whole alert can be made from it again. */
  last: Transition;
  /** When the series was last heard of, by its own timestamps, ms. */
  seenMs: number;
  /** When the condition last held, ms. */
  heldMs: number;
}

/** An alert as its latest transition left it. */
export function alertFrom(last: Transition): Alert {
  const key = alertKey(last.ruleKey, last.seriesKey);
  return { key, last, seenMs: last.timeMs, heldMs: last.timeMs };
}

/** The condition has begun to hold. */
export function begin(check: Check, target: Target, value: number, timeMs: number): Transition {
  const { rule } = check.rule;
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
  };
}

/** The condition has held for long enough. */
export function fire(last: Transition, rule: AlertRule, value: number, timeMs: number): Transition {
  return {
    ...last,
    state: 'firing',
    previous: last.state,
    reason: 'condition',
    timeMs,
    firedAtMs: timeMs,
    value,
    annotations: render(rule.annotations, last.labels, value),
  };
}

export function end(
  last: Transition,
  reason: TransitionReason,
  value: number,
  timeMs: number,
): Transition {
  const state: AlertState = 'inactive';
  return { ...last, state, previous: last.state, reason, timeMs, value };
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
