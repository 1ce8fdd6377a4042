import type { ComparisonOperator } from './expression.ts';

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
