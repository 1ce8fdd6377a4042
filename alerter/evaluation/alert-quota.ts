import type { KeyedRule } from './rule-set.ts';

/** How many alerts may be pending or firing in a lane. */
export interface AlertLimits {
  /** Of one rule. */
  readonly alertsPerRuleMax: number;
  /** Of all rules. */
  readonly alertsMax: number;
}

export const NO_ALERT_LIMITS: AlertLimits = { alertsPerRuleMax: Infinity, alertsMax: Infinity };

/**
 * Counts the alerts of a lane. One too many is not made; once others have ended its condition makes it
 * after all. What was recorded is never refused.
 */
export class AlertQuota {
  readonly #limits: AlertLimits;
  readonly #byRule = new Map<string, number>();
  /** Refusals since they were last taken, by the rule's name. */
  #refused = new Map<string, number>();
  #count = 0;

  constructor(limits: AlertLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  /** Whether there is room for another alert of the rule; a refusal is noted. */
  admits({ key, rule }: KeyedRule): boolean {
    const { alertsMax, alertsPerRuleMax } = this.#limits;
    if (this.#count < alertsMax && (this.#byRule.get(key) ?? 0) < alertsPerRuleMax) return true;
    this.#refused.set(rule.alert, (this.#refused.get(rule.alert) ?? 0) + 1);
    return false;
  }

  add(ruleKey: string): void {
    this.#count += 1;
    this.#byRule.set(ruleKey, (this.#byRule.get(ruleKey) ?? 0) + 1);
  }

  remove(ruleKey: string): void {
    this.#count -= 1;
    const left = this.#byRule.get(ruleKey)! - 1;
    if (left > 0) this.#byRule.set(ruleKey, left);
    else this.#byRule.delete(ruleKey);
  }

  /** How often a rule's condition held and no alert was made, since this was last asked. */
  takeRefused(): ReadonlyMap<string, number> {
    const refused = this.#refused;
    this.#refused = new Map();
    return refused;
  }
}
