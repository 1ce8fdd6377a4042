import { isComparison } from '../promql/expression.ts';
import type {
  BinaryExpression,
  ComparisonOperator,
  Expression,
  VectorSelector,
} from '../promql/expression.ts';
import { formatDuration } from '../promql/duration.ts';
import { parsed } from '../promql/fault.ts';
import type { Fault, Parsed } from '../promql/fault.ts';

/** What a rule can ask so far: one selector compared with one number. */
export interface Condition {
  readonly selector: VectorSelector;
  readonly operator: ComparisonOperator;
  readonly threshold: number;
}

const REMEDY = 'use a comparison of one selector with a number';

/** The condition that an expression is; faults by name, each where it stands, of what cannot be evaluated yet. */
export function conditionOf(expr: Expression): Parsed<Condition> {
  const faults = refusals(expr);
  if (faults.length > 0) return { ok: false, faults };
  // Nothing else is left.
  const { left, operator, right } = expr as BinaryExpression;
  return parsed({
    selector: left as VectorSelector,
    operator: operator as ComparisonOperator,
    threshold: (right as { value: number }).value,
  });
}

/** Whether a selector means a series. */
export function selects(
  { metric, matchers }: VectorSelector,
  name: string,
  label: (name: string) => string | undefined,
): boolean {
  if (metric !== undefined && metric !== name) return false;
  return matchers.every((matcher) =>
    matcher.matches(matcher.name === '__name__' ? name : (label(matcher.name) ?? '')),
  );
}

function refusals(expr: Expression): Fault[] {
  if (expr.kind !== 'binary') return [refusalOf(expr)];
  const { operator, left, right, isBool } = expr;
  const faults: Fault[] = [];
  if (!isComparison(operator)) faults.push(notYet(expr, `the operator ${operator}`));
  if (isBool) faults.push(notYet(expr, 'bool'));
  for (const side of [left, right]) {
    const isNumber = side.kind === 'number';
    const isSelector = side.kind === 'selector' && side.offsetMs === 0;
    if (side.kind === 'binary')
      faults.push(notYet(side, 'a comparison or reckoning inside another'));
    else if (!isNumber && !isSelector) faults.push(refusalOf(side));
  }
  if (faults.length > 0) return faults;
  return right.kind === 'number' ? [] : [notYet(right, 'a comparison of two selectors')];
}

/** Of what is no comparison. */
function refusalOf(expr: Expression): Fault {
  switch (expr.kind) {
    case 'call':
      return notYet(expr, `${expr.name}()`);
    case 'aggregation':
      return notYet(expr, `the aggregation ${expr.operator}()`);
    case 'negation':
      return notYet(expr, '- before anything but a number');
    case 'subquery':
      return notYet(expr, `a subquery such as ${formatDuration(expr.rangeMs)}`);
    case 'matrix':
      return notYet(expr, `a range such as [${formatDuration(expr.rangeMs)}]`);
    case 'selector':
      return notYet(expr, expr.offsetMs === 0 ? 'a selector without a comparison' : 'offset');
    default:
      return notYet(expr, 'a number without a comparison');
  }
}

/** The fault of something that is right in PromQL but cannot be evaluated yet. */
function notYet({ from }: Expression, what: string): Fault {
  return { offset: from, message: `${what} is not supported yet`, remedy: REMEDY };
}
