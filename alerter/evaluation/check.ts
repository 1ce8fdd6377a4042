import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { ComparisonOperator } from '../promql/expression.ts';
import { selects } from '../rules/condition.ts';
import type { Matcher } from '../promql/matcher.ts';
import type { KeyedRule } from './rule-set.ts';
import type { KnownSeries } from './series-index.ts';

/** One comparison to make on one series; shared by all targets that have it. */
export interface Check {
  /** `rule key|series key`: names the alert within its target. */
  readonly alertKey: string;
  /** Its own among those of one rule set. */
  readonly number: number;
  readonly rule: KeyedRule;
  readonly seriesKey: string;
  readonly seriesLabels: readonly Label[];
  readonly operator: ComparisonOperator;
  readonly threshold: number;
  /** Conditions on labels that the series has not: the target's labels decide. */
  readonly targetMatchers: readonly Matcher[];
}

/** Undefined if the rule cannot mean the series, whatever the target. */
export function compile(rule: KeyedRule, series: KnownSeries, number: number): Check | undefined {
  const { operator, selector, threshold } = rule.rule.condition;
  const { name, labels, key } = series;
  const own = new Map(labels);
  const decidedHere = (matcher: Matcher): boolean =>
    matcher.name === '__name__' || own.has(matcher.name);
  const local = { ...selector, matchers: selector.matchers.filter(decidedHere) };
  if (!selects(local, name, (label) => own.get(label))) return undefined;
  return {
    alertKey: alertKey(rule.key, key),
    number,
    rule,
    seriesKey: key,
    seriesLabels: labels,
    operator,
    threshold,
    targetMatchers: selector.matchers.filter((matcher) => !decidedHere(matcher)),
  };
}

/** Whether the target's labels are as the check wants them. */
export function appliesTo(
  { targetMatchers }: Check,
  targetLabels: Readonly<Record<string, string>>,
): boolean {
  return targetMatchers.every((matcher) => matcher.matches(targetLabels[matcher.name] ?? ''));
}

export function alertKey(ruleKey: string, series: string): string {
  return `${ruleKey}|${series}`;
}
