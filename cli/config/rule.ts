import type { Given } from './given.ts';
import type { NamedSetting } from './named-setting.ts';
import type { Problem } from './problem.ts';
import type { Rule } from './setting.ts';

/** What a setting came out as. */
export interface Resolved {
  readonly named: NamedSetting;
  readonly value: unknown;
  /** The value as it was written; a list's is parted by commas. */
  readonly text: string | undefined;
  /** Absent if the value is the default. */
  readonly given: Given | undefined;
}

/** The problem, if a rule between two settings of a section is broken. */
export function brokenRule(rule: Rule, section: readonly Resolved[]): Problem | undefined {
  const first = section.find(({ named }) => named.key === rule.first);
  const second = section.find(({ named }) => named.key === rule.second);
  if (first === undefined || second === undefined) {
    throw new TypeError(`no such settings: ${rule.first}, ${rule.second}`);
  }
  const message = breaches[rule.kind](first, second);
  if (message === undefined) return undefined;
  return { where: (first.given ?? second.given)?.where ?? 'default', message };
}

const breaches: Readonly<
  Record<Rule['kind'], (first: Resolved, second: Resolved) => string | undefined>
> = {
  at_most: (first, second) =>
    Number(first.value) > Number(second.value)
      ? `${shown(first)} is above ${shown(second)}; lower it or raise the other`
      : undefined,
  needs: (first, second) =>
    first.value !== undefined && second.value === undefined
      ? `${name(first)} is set without ${name(second)}; set both or neither`
      : undefined,
  not_both: (first, second) =>
    first.value !== undefined && second.value !== undefined
      ? `${name(first)} and ${name(second)} are both set; remove one of them`
      : undefined,
  differ: (first, second) =>
    first.value === second.value && first.value !== 0
      ? `${shown(first)} and ${shown(second)} have to differ; change one of them`
      : undefined,
};

function name({ named }: Resolved): string {
  return `\`${named.yaml}\``;
}

/** Only for kinds that compare numbers: a secret is never shown. */
function shown(resolved: Resolved): string {
  return `${name(resolved)} (${resolved.text})`;
}
