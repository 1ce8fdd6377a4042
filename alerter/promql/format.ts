import { formatDuration } from './duration.ts';
import { formatNumberLiteral } from './number-literal.ts';
import { formatStringLiteral } from './string-literal.ts';
import type {
  Aggregation,
  BinaryExpression,
  BinaryOperator,
  Expression,
  Matching,
  Subquery,
  VectorSelector,
} from './expression.ts';

/**
 * Words that PromQL's grammar never takes for a metric's name, in any case. As a name each must stand in a matcher on
 * `__name__`.
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

/** The tighter an operator binds, the higher. */
const PRECEDENCE: Readonly<Record<BinaryOperator, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  '==': 3,
  '!=': 3,
  '<': 3,
  '<=': 3,
  '>': 3,
  '>=': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
  '%': 5,
  atan2: 5,
  '^': 7,
};
/** A sign binds like a product, from the left. */
const SIGN = 5;
const TIGHTEST = 8;

/** Writes an expression so that `parseExpression` reads the same one back. */
export function formatExpression(expr: Expression): string {
  switch (expr.kind) {
    case 'number':
      return formatNumberLiteral(expr.value);
    case 'string':
      return formatStringLiteral(expr.value);
    case 'selector':
      return formatSelector(expr);
    case 'matrix':
      return ranged(
        { ...expr.selector, offsetMs: 0 },
        `[${formatDuration(expr.rangeMs)}]`,
        expr.selector.offsetMs,
      );
    case 'subquery':
      return formatSubquery(expr);
    case 'negation':
      return `-${enclosed(expr.expr, SIGN + 1)}`;
    case 'binary':
      return formatBinary(expr);
    case 'aggregation':
      return formatAggregation(expr);
    default:
      return `${expr.name}(${expr.args.map(formatExpression).join(', ')})`;
  }
}

/** Writes a selector as PromQL. */
export function formatSelector({ metric, matchers, offsetMs }: VectorSelector): string {
  const parts = matchers.map(String);
  let name = metric ?? '';
  if (RESERVED.has(name.toLowerCase())) {
    parts.unshift(`__name__=${formatStringLiteral(name)}`);
    name = '';
  }
  const text = parts.length === 0 && name !== '' ? name : `${name}{${parts.join(',')}}`;
  return `${text}${formatOffset(offsetMs)}`;
}

function formatOffset(offsetMs: number): string {
  if (offsetMs === 0) return '';
  return ` offset ${offsetMs < 0 ? '-' : ''}${formatDuration(Math.abs(offsetMs))}`;
}

function ranged(operand: Expression, range: string, offsetMs: number): string {
  return `${enclosed(operand, TIGHTEST)}${range}${formatOffset(offsetMs)}`;
}

function formatSubquery({ expr, rangeMs, stepMs, offsetMs }: Subquery): string {
  const step = stepMs === undefined ? '' : formatDuration(stepMs);
  return ranged(expr, `[${formatDuration(rangeMs)}:${step}]`, offsetMs);
}

function formatBinary({ operator, left, right, isBool, matching }: BinaryExpression): string {
  const own = PRECEDENCE[operator];
  const isFromRight = operator === '^';
  const words = [
    operator,
    isBool ? 'bool' : '',
    matching === undefined ? '' : formatMatching(matching),
  ];
  const middle = words.filter((word) => word !== '').join(' ');
  return `${enclosed(left, isFromRight ? own + 1 : own)} ${middle} ${enclosed(right, isFromRight ? own : own + 1)}`;
}

function formatMatching({ isOn, labels, cardinality, include }: Matching): string {
  const isGrouped = cardinality === 'many-to-one' || cardinality === 'one-to-many';
  if (!isOn && labels.length === 0 && !isGrouped) return '';
  const words = [`${isOn ? 'on' : 'ignoring'} (${labels.join(', ')})`];
  if (isGrouped) {
    words.push(
      `${cardinality === 'many-to-one' ? 'group_left' : 'group_right'} (${include.join(', ')})`,
    );
  }
  return words.join(' ');
}

function formatAggregation({ operator, expr, parameter, isWithout, labels }: Aggregation): string {
  const isGrouped = isWithout || labels.length > 0;
  const modifier = isGrouped ? ` ${isWithout ? 'without' : 'by'} (${labels.join(', ')}) ` : '';
  const args = parameter === undefined ? [expr] : [parameter, expr];
  return `${operator}${modifier}(${args.map(formatExpression).join(', ')})`;
}

/** In parentheses if it binds less tightly than that. */
function enclosed(expr: Expression, precedence: number): string {
  const text = formatExpression(expr);
  return precedenceOf(expr) < precedence ? `(${text})` : text;
}

function precedenceOf(expr: Expression): number {
  if (expr.kind === 'binary') return PRECEDENCE[expr.operator];
  if (expr.kind === 'negation') return SIGN;
  const hasSign =
    expr.kind === 'number' &&
    (expr.value < 0 || Object.is(expr.value, -0) || expr.value === Infinity);
  if (hasSign) return SIGN;
  const hasOffset = (expr.kind === 'selector' || expr.kind === 'subquery') && expr.offsetMs !== 0;
  return hasOffset ? TIGHTEST - 1 : TIGHTEST;
}
