import type { Fault } from './fault.ts';
import { isComparison, isSetOperator, partsOf } from './expression.ts';
import type { Aggregation, BinaryExpression, Call, Expression, ValueType } from './expression.ts';
import { FUNCTIONS } from './function-table.ts';
import type { Signature } from './function-table.ts';

const NAMES: Readonly<Record<ValueType, string>> = {
  scalar: 'a number',
  vector: 'an instant vector',
  matrix: 'a range',
  string: 'a string',
};
const TYPES_OF_PARAMETER: Readonly<Record<string, ValueType>> = {
  topk: 'scalar',
  bottomk: 'scalar',
  quantile: 'scalar',
  count_values: 'string',
};
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

export function typeOf(expr: Expression): ValueType {
  switch (expr.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'matrix':
    case 'subquery':
      return 'matrix';
    case 'selector':
    case 'aggregation':
      return 'vector';
    case 'negation':
      return typeOf(expr.expr);
    case 'call':
      return FUNCTIONS.get(expr.name)!.returns;
    default:
      return typeOf(expr.left) === 'scalar' && typeOf(expr.right) === 'scalar'
        ? 'scalar'
        : 'vector';
  }
}

/** What Prometheus refuses of an expression that is right by the grammar. */
export function typeFaults(expr: Expression): Fault[] {
  return [...partsOf(expr).flatMap(typeFaults), ...ownFaults(expr)];
}

function ownFaults(expr: Expression): Fault[] {
  switch (expr.kind) {
    case 'binary':
      return binaryFaults(expr);
    case 'aggregation':
      return aggregationFaults(expr);
    case 'call':
      return callFaults(expr);
    case 'subquery':
      return mustBe(expr.expr, 'vector', 'a subquery');
    case 'negation':
      return isNumeric(expr.expr)
        ? []
        : [fault(expr, `- needs ${NAMES.vector} or ${NAMES.scalar}`)];
    default:
      return [];
  }
}

function binaryFaults(expr: BinaryExpression): Fault[] {
  const { operator, left, right, isBool, matching } = expr;
  const wrong = [left, right].filter((side) => !isNumeric(side));
  if (wrong.length > 0) {
    return wrong.map((side) => {
      return fault(side, `${operator} cannot be used with ${NAMES[typeOf(side)]}`);
    });
  }
  const faults: Fault[] = [];
  const isScalar = typeOf(expr) === 'scalar';
  const isBetweenVectors = typeOf(left) === 'vector' && typeOf(right) === 'vector';
  if (isBool && !isComparison(operator)) {
    faults.push(fault(expr, `bool can only be used with a comparison, not with ${operator}`));
  }
  if (isScalar && isComparison(operator) && !isBool) {
    const remedy = `write ${operator} bool`;
    faults.push({ ...fault(expr, 'a comparison of two numbers is 0 or 1'), remedy });
  }
  if (isSetOperator(operator) && !isBetweenVectors) {
    faults.push(fault(expr, `${operator} needs an instant vector on both sides`));
  } else if (matching !== undefined && !isBetweenVectors) {
    faults.push(fault(expr, 'on, ignoring and group need an instant vector on both sides'));
  }
  if (matching === undefined) return faults;
  if (isSetOperator(operator) && matching.cardinality !== 'many-to-many') {
    faults.push(fault(expr, `there is no group_left or group_right of ${operator}`));
  }
  const twice = matching.isOn
    ? matching.labels.find((one) => matching.include.includes(one))
    : undefined;
  if (twice !== undefined) {
    faults.push(fault(expr, `label ${twice} cannot be both in on and in a group`));
  }
  return [...faults, ...labelFaults(expr, [...matching.labels, ...matching.include])];
}

function aggregationFaults(expr: Aggregation): Fault[] {
  const { operator, parameter, labels } = expr;
  const what = `${operator}()`;
  const type = TYPES_OF_PARAMETER[operator];
  return [
    ...(parameter === undefined || type === undefined ? [] : mustBe(parameter, type, what)),
    ...mustBe(expr.expr, 'vector', what),
    ...labelFaults(expr, labels),
  ];
}

function callFaults(expr: Call): Fault[] {
  const { name, args } = expr;
  const signature = FUNCTIONS.get(name)!;
  const [least, most] = countsOf(signature);
  if (args.length < least || args.length > most) {
    const count =
      most === Infinity ? `${least} or more` : least === most ? `${least}` : `${least} to ${most}`;
    return [fault(expr, `${name}() takes ${count} arguments, not ${args.length}`)];
  }
  return args.flatMap((arg, i) => {
    return mustBe(arg, signature.args[Math.min(i, signature.args.length - 1)]!, `${name}()`);
  });
}

function countsOf({ args, optional }: Signature): [least: number, most: number] {
  if (optional < 0) return [args.length - 1, Infinity];
  return [args.length - optional, args.length];
}

function mustBe(expr: Expression, type: ValueType, what: string): Fault[] {
  const found = typeOf(expr);
  if (found === type) return [];
  return [fault(expr, `${what} needs ${NAMES[type]} here, and this is ${NAMES[found]}`)];
}

function labelFaults(expr: Expression, labels: readonly string[]): Fault[] {
  const wrong = labels.find((label) => !LABEL_NAME.test(label));
  return wrong === undefined ? [] : [fault(expr, `${JSON.stringify(wrong)} is not a label name`)];
}

function isNumeric(expr: Expression): boolean {
  const type = typeOf(expr);
  return type === 'scalar' || type === 'vector';
}

const fault = ({ from }: Expression, message: string): Fault => ({ offset: from, message });
