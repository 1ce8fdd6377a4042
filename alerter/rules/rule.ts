import type { Expression } from '../promql/expression.ts';
import type { Condition } from './condition.ts';
import type { Template } from './template.ts';

/** A condition that makes an alert of every series for which it holds. */
export interface AlertRule {
  /** The name of its group. */
  readonly group: string;
  /** The alert's name, its label `alertname`. */
  readonly alert: string;
  readonly expr: Expression;
  /** The same, as it is evaluated. */
  readonly condition: Condition;
  /** The expression as it was written, for people. */
  readonly exprText: string;
  /** How long the condition must hold before the alert fires; 0 for at once. */
  readonly forMs: number;
  /** How long the alert goes on firing after the condition has stopped to hold. */
  readonly keepFiringForMs: number;
  /** Added to the labels of the series; those of the group included. */
  readonly labels: Readonly<Record<string, Template>>;
  readonly annotations: Readonly<Record<string, Template>>;
}

/**
 * Rules under one name. Prometheus' `interval` is read and left out: rules are evaluated on every
 * frame of a target, which is at least as often as any interval asks, so nothing is missed by it.
 */
export interface RuleGroup {
  readonly name: string;
  /** The file that it came from. */
  readonly file: string;
  readonly rules: readonly AlertRule[];
}
