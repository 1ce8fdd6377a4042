import { parsed, type Parsed } from './fault.ts';
import { parseRegularExpression, type RegularExpression } from './regular-expression.ts';
import { formatStringLiteral } from './string-literal.ts';

export type MatchOperator = '=' | '!=' | '=~' | '!~';

/**
 * One condition on a label, as in `{job="node"}` or `{device!~"tmpfs|overlay"}`. A regular
 * expression must match the whole value. A label that is missing counts as the empty string.
 */
export class Matcher {
  readonly name: string;
  readonly operator: MatchOperator;
  /** The text to equal, or the pattern. */
  readonly value: string;
  readonly #pattern: RegularExpression | undefined;

  private constructor(
    name: string,
    operator: MatchOperator,
    value: string,
    pattern: RegularExpression | undefined,
  ) {
    this.name = name;
    this.operator = operator;
    this.value = value;
    this.#pattern = pattern;
  }

  /** Faults, at their offset in `value`, when a pattern is no regular expression of RE2. */
  static create(name: string, operator: MatchOperator, value: string): Parsed<Matcher> {
    if (operator === '=' || operator === '!=') {
      return parsed(new Matcher(name, operator, value, undefined));
    }
    const pattern = parseRegularExpression(value);
    return pattern.ok ? parsed(new Matcher(name, operator, value, pattern.value)) : pattern;
  }

  /** Whether a series with this value of the label, `''` when it has none, is meant. */
  matches(value: string): boolean {
    const holds = this.#pattern === undefined ? value === this.value : this.#pattern.matches(value);
    return this.operator === '=' || this.operator === '=~' ? holds : !holds;
  }

  /** As in a selector: `device!~"tmpfs|overlay"`. */
  toString(): string {
    return `${this.name}${this.operator}${formatStringLiteral(this.value)}`;
  }
}
