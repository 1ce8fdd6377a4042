import { seriesKey } from '../../pipeline/wire/catalogue.ts';
import type { Catalogue, Label } from '../../pipeline/wire/catalogue.ts';
import { selects } from '../rules/expression.ts';
import type { ComparisonOperator } from '../rules/expression.ts';
import type { Matcher } from '../rules/matcher.ts';
import type { KeyedRule, RuleSet } from './rule-set.ts';

/** One comparison to make on one slot of a frame. */
export interface Check {
  /** `rule key|series key`: names the alert within its target. */
  readonly alertKey: string;
  readonly rule: KeyedRule;
  readonly seriesKey: string;
  readonly seriesLabels: readonly Label[];
  readonly slot: number;
  readonly operator: ComparisonOperator;
  readonly threshold: number;
  /** Conditions on labels that the series has not: the target's labels decide. */
  readonly targetMatchers: readonly Matcher[];
}

/**
 * The rules compiled to the slots of one catalogue. It is made once for each catalogue and rule set, and
 * is shared by all targets that have the catalogue.
 */
export class Plan {
  readonly checks: readonly Check[];
  /** Slots of a frame of this catalogue. */
  readonly slots: number;
  /** Whether any check asks for the target's labels. */
  readonly dependsOnTarget: boolean;

  constructor(catalogue: Catalogue, rules: RuleSet) {
    const byName = Map.groupBy(rules.rules, ({ rule }) => rule.expr.left.metric);
    const checks: Check[] = [];
    catalogue.series.forEach(({ name, labels }, slot) => {
      for (const keyed of [...(byName.get(name) ?? []), ...(byName.get(undefined) ?? [])]) {
        const check = compile(keyed, name, labels, slot);
        if (check !== undefined) checks.push(check);
      }
    });
    this.checks = checks;
    this.slots = catalogue.series.length;
    this.dependsOnTarget = checks.some(({ targetMatchers }) => targetMatchers.length > 0);
  }

  /** The checks that apply to a target with these labels. */
  checksFor(targetLabels: Readonly<Record<string, string>>): readonly Check[] {
    if (!this.dependsOnTarget) return this.checks;
    return this.checks.filter(({ targetMatchers }) =>
      targetMatchers.every((matcher) => matcher.matches(targetLabels[matcher.name] ?? '')),
    );
  }
}

/** Undefined if the rule cannot mean the series, whatever the target. */
function compile(
  rule: KeyedRule,
  name: string,
  labels: readonly Label[],
  slot: number,
): Check | undefined {
  const { operator, left, right } = rule.rule.expr;
  const own = new Map(labels);
  const decidedHere = (matcher: Matcher): boolean =>
    matcher.name === '__name__' || own.has(matcher.name);
  const local = { ...left, matchers: left.matchers.filter(decidedHere) };
  if (!selects(local, name, (label) => own.get(label))) return undefined;
  const key = seriesKey(name, labels);
  return {
    alertKey: alertKey(rule.key, key),
    rule,
    seriesKey: key,
    seriesLabels: labels,
    slot,
    operator,
    threshold: right.value,
    targetMatchers: left.matchers.filter((matcher) => !decidedHere(matcher)),
  };
}

export function alertKey(ruleKey: string, series: string): string {
  return `${ruleKey}|${series}`;
}
