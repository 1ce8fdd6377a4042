import { createHash } from 'node:crypto';
import { formatExpression } from '../promql/format.ts';
import { formatProblem } from '../rules/problem.ts';
import { parseRuleFile } from '../rules/rule-file.ts';
import type { AlertRule } from '../rules/rule.ts';

/** A rule with its identity. */
export interface KeyedRule {
  /** 16 hex digits of what the rule says: alerts live on when a file is loaded again unchanged. */
  readonly key: string;
  readonly rule: AlertRule;
}

/** All rules in force. A new one is made whenever a file changes. */
export class RuleSet {
  readonly rules: readonly KeyedRule[];
  readonly #byKey: ReadonlyMap<string, KeyedRule>;

  constructor(rules: readonly KeyedRule[]) {
    this.rules = rules;
    this.#byKey = new Map(rules.map((keyed) => [keyed.key, keyed]));
  }

  get(key: string): AlertRule | undefined {
    return this.#byKey.get(key)?.rule;
  }

  /**
   * The rules of some files. A file with problems contributes nothing; `onProblem` hears of it. (Files
   * are checked before they are loaded, so this is a file of another version.)
   */
  static fromFiles(
    files: ReadonlyMap<string, string>,
    onProblem: (file: string, problem: string) => void,
  ): RuleSet {
    const rules = new Map<string, KeyedRule>();
    for (const [name, content] of files) {
      const { groups, problems } = parseRuleFile(content, name);
      if (problems[0] !== undefined) onProblem(name, formatProblem(problems[0]));
      for (const rule of groups.flatMap((group) => group.rules)) {
        const key = ruleKey(name, rule);
        rules.set(key, { key, rule });
      }
    }
    return new RuleSet([...rules.values()]);
  }
}

function ruleKey(file: string, rule: AlertRule): string {
  const labels = Object.entries(rule.labels).map(([name, template]) => [name, template.text]);
  const identity = [file, rule.group, rule.alert, formatExpression(rule.expr), labels];
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 16);
}
