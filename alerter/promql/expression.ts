import type { Matcher } from './matcher.ts';

/** What an expression evaluates to at one instant. */
export type ValueType = 'scalar' | 'vector' | 'matrix' | 'string';

/** Where a part of an expression stands in its text, in UTF-16 code units from 0. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface NumberLiteral extends Span {
  readonly kind: 'number';
  readonly value: number;
}

export interface StringLiteral extends Span {
  readonly kind: 'string';
  readonly value: string;
}

/** `node_filesystem_avail_bytes{fstype!="tmpfs"} offset 5m`: the newest sample of every series that is meant. */
export interface VectorSelector extends Span {
  readonly kind: 'selector';
  /** The metric's name, or undefined when matchers on `__name__` decide. `{__name__="up"}` is `up`. */
  readonly metric: string | undefined;
  readonly matchers: readonly Matcher[];
  /** How far back it looks, ms; below 0 into the future. */
  readonly offsetMs: number;
}

/** `http_requests_total[5m]`: the samples of a span of time of every series that is meant. */
export interface MatrixSelector extends Span {
  readonly kind: 'matrix';
  readonly selector: VectorSelector;
  readonly rangeMs: number;
}

/** `rate(x[5m])[1h:1m]`: the values of an expression at regular instants. */
export interface Subquery extends Span {
  readonly kind: 'subquery';
  readonly expr: Expression;
  readonly rangeMs: number;
  /** Undefined: as often as rules are evaluated. */
  readonly stepMs: number | undefined;
  readonly offsetMs: number;
}

/** `-expr`; a `+` changes nothing and is left out. */
export interface Negation extends Span {
  readonly kind: 'negation';
  readonly expr: Expression;
}

export const COMPARISONS = ['==', '!=', '<', '<=', '>', '>='] as const;
export type ComparisonOperator = (typeof COMPARISONS)[number];
export const ARITHMETIC = ['+', '-', '*', '/', '%', '^', 'atan2'] as const;
export type ArithmeticOperator = (typeof ARITHMETIC)[number];
export const SET_OPERATORS = ['and', 'or', 'unless'] as const;
export type SetOperator = (typeof SET_OPERATORS)[number];
export type BinaryOperator = ComparisonOperator | ArithmeticOperator | SetOperator;

/** Which series of two vectors belong together. */
export interface Matching {
  readonly cardinality: 'one-to-one' | 'many-to-one' | 'one-to-many' | 'many-to-many';
  /** Whether `labels` are those that must be equal, and not those that need not. */
  readonly isOn: boolean;
  readonly labels: readonly string[];
  /** Labels that the many take from the one. */
  readonly include: readonly string[];
}

export interface BinaryExpression extends Span {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
  /** 0 or 1 instead of leaving out what does not hold. */
  readonly isBool: boolean;
  /** Between two vectors; of others there is nothing to match. */
  readonly matching: Matching | undefined;
}

export const AGGREGATIONS = [
  'sum',
  'avg',
  'min',
  'max',
  'count',
  'group',
  'stddev',
  'stdvar',
  'topk',
  'bottomk',
  'quantile',
  'count_values',
] as const;
export type AggregationOperator = (typeof AGGREGATIONS)[number];

export interface Aggregation extends Span {
  readonly kind: 'aggregation';
  readonly operator: AggregationOperator;
  readonly expr: Expression;
  /** Of `topk`, `bottomk`, `quantile` and `count_values`. */
  readonly parameter: Expression | undefined;
  /** Whether `labels` are those that groups do not have. */
  readonly isWithout: boolean;
  readonly labels: readonly string[];
}

export interface Call extends Span {
  readonly kind: 'call';
  /** Of `FUNCTIONS`. */
  readonly name: string;
  readonly args: readonly Expression[];
}

export type Expression =
  | NumberLiteral
  | StringLiteral
  | VectorSelector
  | MatrixSelector
  | Subquery
  | Negation
  | BinaryExpression
  | Aggregation
  | Call;

/** The expressions that one is directly made of. */
export function partsOf(expr: Expression): readonly Expression[] {
  switch (expr.kind) {
    case 'number':
    case 'string':
    case 'selector':
      return [];
    case 'matrix':
      return [expr.selector];
    case 'subquery':
    case 'negation':
      return [expr.expr];
    case 'binary':
      return [expr.left, expr.right];
    case 'aggregation':
      return expr.parameter === undefined ? [expr.expr] : [expr.parameter, expr.expr];
    default:
      return expr.args;
  }
}

/** Every selector in it, in the order of the text. */
export function selectorsOf(expr: Expression): VectorSelector[] {
  return expr.kind === 'selector' ? [expr] : partsOf(expr).flatMap(selectorsOf);
}

export function isComparison(operator: BinaryOperator): operator is ComparisonOperator {
  return (COMPARISONS as readonly string[]).includes(operator);
}

export function isSetOperator(operator: BinaryOperator): operator is SetOperator {
  return (SET_OPERATORS as readonly string[]).includes(operator);
}
