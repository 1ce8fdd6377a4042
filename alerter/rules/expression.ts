import type { Matcher } from './matcher.ts';
import { formatNumberLiteral } from './number-literal.ts';
import { formatStringLiteral } from './string-literal.ts';

/** A number as it stands in an expression, its sign included. */
export interface NumberLiteral {
  readonly kind: 'number';
  readonly value: number;
}

/** `node_filesystem_avail_bytes{fstype!="tmpfs"}`: every series that its conditions mean. */
export interface VectorSelector {
  readonly kind: 'selector';
  /**
   * The metric's name, or undefined when matchers on `__name__` decide. `{__name__="up"}` is `up`.
   */
  readonly metric: string | undefined;
  readonly matchers: readonly Matcher[];
}

export type ComparisonOperator = '==' | '!=' | '<' | '<=' | '>' | '>=';

/**
 * Keeps the samples for which the comparison holds, with their values. Always the selector on the
 * left: `5 < up` is read as `up > 5`, which keeps the same samples with the same values.
 */
export interface BinaryExpression {
  readonly kind: 'binary';
  readonly operator: ComparisonOperator;
  readonly left: VectorSelector;
  readonly right: NumberLiteral;
}

/** What a rule can ask. A union by `kind`, so far with one member. */
export type Expression = BinaryExpression;

/**
 * Words that PromQL's grammar never takes for a metric's name, in any case. As a name each must
 * stand in a matcher on `__name__`.
 */
const RESERVED = new Set([
  'bool',
  'group_left',
  'group_right',
  'ignoring',
  'inf',
  'nan',
  'offset',
  'on',
]);

/** Whether a comparison holds, by the rules of IEEE 754: NaN is unequal to everything. */
export function comparisonHolds(
  operator: ComparisonOperator,
  left: number,
  right: number,
): boolean {
  if (operator === '==') return left === right;
  if (operator === '!=') return left !== right;
  if (operator === '<') return left < right;
  if (operator === '<=') return left <= right;
  return operator === '>' ? left > right : left >= right;
}

/**
 * Whether a selector means a series.
 *
 * @param metric the series' name.
 * @param label gives the value of one of its labels; undefined and `''` are the same to PromQL.
 */
export function selects(
  selector: VectorSelector,
  metric: string,
  label: (name: string) => string | undefined,
): boolean {
  if (selector.metric !== undefined && selector.metric !== metric) return false;
  return selector.matchers.every((matcher) =>
    matcher.matches(matcher.name === '__name__' ? metric : (label(matcher.name) ?? '')),
  );
}

/** Writes an expression so that `parseExpression` reads the same one back. */
export function formatExpression(expression: Expression): string {
  const { left, operator, right } = expression;
  return `${formatSelector(left)} ${operator} ${formatNumberLiteral(right.value)}`;
}

/** Writes a selector as PromQL. */
export function formatSelector({ metric, matchers }: VectorSelector): string {
  const parts = matchers.map(String);
  let name = metric ?? '';
  if (RESERVED.has(name.toLowerCase())) {
    parts.unshift(`__name__=${formatStringLiteral(name)}`);
    name = '';
  }
  return parts.length === 0 && name !== '' ? name : `${name}{${parts.join(',')}}`;
}
