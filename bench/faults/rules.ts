import type { Breach } from '../fleet/fleet-source.ts';
import type { ProvokedAlert } from '../audit/page-comparison.ts';

/** Intervals that a condition must hold for the alerts that have a `for`. */
const HELD_INTERVALS = 3;
const LONG_INTERVALS = 10;
/** How long a target may be silent before somebody is paged, as in the rules of a new installation. */
export const TARGET_DOWN_MS = 15_000;

/** What each breach is paged as. */
export function provokedAlerts(intervalMs: number): Readonly<Record<Breach, ProvokedAlert>> {
  return {
    sim_breach: { alertname: 'Breach', forMs: 0 },
    sim_breach_held: { alertname: 'BreachHeld', forMs: HELD_INTERVALS * intervalMs },
    sim_breach_long: { alertname: 'BreachLong', forMs: LONG_INTERVALS * intervalMs },
    sim_calm: { alertname: 'NeverBreach', forMs: 0 },
  };
}

const NEVER_DOWN = `      - alert: NeverDown
        expr: up == 0
`;

/**
 * The rule file of all cases: three alerts that are provoked, and two that must stay silent; a third one if a
 * target must not be called down even once.
 */
export function rulesFor(intervalMs: number, isNobodyDown = false): string {
  return `groups:
  - name: faults
    rules:
      - alert: Breach
        expr: sim_breach > 0
        annotations: {summary: '{{ $labels.instance }} has a breach'}
      - alert: BreachHeld
        expr: sim_breach_held > 0
        for: ${HELD_INTERVALS * intervalMs}ms
      - alert: BreachLong
        expr: sim_breach_long > 0
        for: ${LONG_INTERVALS * intervalMs}ms
      - alert: NeverBreach
        expr: sim_calm > 0
      - alert: TargetDown
        expr: up == 0
        for: ${TARGET_DOWN_MS}ms
${isNobodyDown ? NEVER_DOWN : ''}`;
}
