import { comparisonHolds } from '../comparison.ts';
import { isComparison } from '../expression.ts';
import type { ArithmeticOperator, BinaryOperator } from '../expression.ts';

/** What an operator that is no comparison and no set operator makes of two numbers. */
function reckon(operator: ArithmeticOperator, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
    case '^':
      return power(left, right);
    default:
      return Math.atan2(left, right);
  }
}

/** As in C: 1 to the power of anything is 1, and so is -1 to an infinite one. */
function power(base: number, exponent: number): number {
  if (base === 1) return 1;
  if (base === -1 && Math.abs(exponent) === Infinity) return 1;
  return base ** exponent;
}

/** What two samples come to; undefined if the comparison does not hold. */
export function combine(
  operator: BinaryOperator,
  isBool: boolean,
  left: number,
  right: number,
): number | undefined {
  if (!isComparison(operator)) return reckon(operator as ArithmeticOperator, left, right);
  const holds = comparisonHolds(operator, left, right);
  if (isBool) return holds ? 1 : 0;
  return holds ? left : undefined;
}
