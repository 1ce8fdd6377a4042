import type { SyntaxNode } from '@lezer/common';
import { parseNumberLiteral } from './number-literal.ts';
import { shifted } from './fault.ts';
import type { Fault } from './fault.ts';
import { parseStringLiteral } from './string-literal.ts';
import { readDuration, readOffset } from './duration-reader.ts';
import { AGGREGATIONS, isComparison, isSetOperator } from './expression.ts';
import type {
  Aggregation,
  AggregationOperator,
  BinaryExpression,
  BinaryOperator,
  Call,
  ComparisonOperator,
  Expression,
  Matching,
  MatrixSelector,
  NumberLiteral,
  StringLiteral,
  Subquery,
  VectorSelector,
} from './expression.ts';
import { FUNCTIONS } from './function-table.ts';
import { SelectorReader } from './selector-reader.ts';
import { typeOf } from './type-check.ts';

/** Nodes of the grammar that nobody evaluates here, and where the word stands that makes them what they are. */
const UNSUPPORTED: ReadonlyMap<string, string> = new Map([
  ['StepInvariantExpr', 'At'],
  ['AnchoredExpr', 'Anchored'],
  ['SmoothedExpr', 'Smoothed'],
]);
const UNSUPPORTED_OPERATORS: ReadonlySet<string> = new Set(['TrimUpper', 'TrimLower']);

/** Turns the grammar's tree into an expression and gathers every fault on the way. */
export class TreeReader {
  readonly faults: Fault[] = [];
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** Undefined if something of it could not be read; a fault says what. */
  expression(outer: SyntaxNode | null): Expression | undefined {
    const node = unwrapped(outer);
    if (node === null) return this.#refuse({ offset: 0, message: 'the expression is empty' });
    switch (node.name) {
      case 'NumberDurationLiteral':
        return this.#number(node);
      case 'StringLiteral':
        return this.#string(node);
      case 'VectorSelector':
        return this.#selector(node);
      case 'MatrixSelector':
        return this.#matrix(node);
      case 'SubqueryExpr':
        return this.#subquery(node);
      case 'OffsetExpr':
        return this.#offset(node);
      case 'UnaryExpr':
        return this.#unary(node);
      case 'BinaryExpr':
        return this.#binary(node);
      case 'AggregateExpr':
        return this.#aggregation(node);
      case 'FunctionCall':
        return this.#call(node);
      default:
        return this.#unsupported(node);
    }
  }

  #number(node: SyntaxNode): NumberLiteral | undefined {
    const [signed, sign] = /^([+-]?)\s*/.exec(this.#source(node)) as RegExpExecArray;
    const from = node.from + signed.length;
    const result = parseNumberLiteral(this.#text.slice(from, node.to));
    if (!result.ok) return this.#refuse(...shifted(result.faults, from));
    const value = sign === '-' ? -result.value : result.value;
    return { kind: 'number', value, ...spanOf(node) };
  }

  #string(node: SyntaxNode): StringLiteral | undefined {
    const result = parseStringLiteral(this.#source(node));
    if (!result.ok) return this.#refuse(...shifted(result.faults, node.from));
    return { kind: 'string', value: result.value.value, ...spanOf(node) };
  }

  #selector(node: SyntaxNode): VectorSelector | undefined {
    return new SelectorReader(this.#text, this.faults).selector(node);
  }

  #matrix(node: SyntaxNode): MatrixSelector | undefined {
    const rangeMs = this.#duration(node.getChild('DurationExpr'));
    const inner = node.getChild('Expr');
    const operand = unwrapped(inner);
    if (operand?.name !== 'VectorSelector') {
      return this.#refuse({
        offset: inner?.to ?? node.from,
        message: 'a range can only be taken of a selector',
        remedy:
          'of anything else a subquery can be taken, such as [5m:1m]; offset stands behind the range',
      });
    }
    const selector = this.#selector(operand);
    if (selector === undefined || rangeMs === undefined) return undefined;
    return { kind: 'matrix', selector, rangeMs, ...spanOf(node) };
  }

  #subquery(node: SyntaxNode): Subquery | undefined {
    const expr = this.expression(node.getChild('Expr'));
    const [range, step] = node.getChildren('DurationExpr');
    const rangeMs = this.#duration(range ?? null);
    const stepMs = step === undefined ? undefined : this.#duration(step);
    if (expr === undefined || rangeMs === undefined) return undefined;
    if (step !== undefined && stepMs === undefined) return undefined;
    return { kind: 'subquery', expr, rangeMs, stepMs, offsetMs: 0, ...spanOf(node) };
  }

  #duration(node: SyntaxNode | null): number | undefined {
    const result = readDuration(node, this.#text);
    return result.ok ? result.value : this.#refuse(...result.faults);
  }

  #offset(node: SyntaxNode): Expression | undefined {
    const operand = this.expression(node.getChild('Expr'));
    const offset = readOffset(node.getChild('OffsetDurationExpr'), this.#text);
    if (!offset.ok) return this.#refuse(...offset.faults);
    const at = node.getChild('Offset')?.from ?? node.from;
    const isBehindSelector = !this.#text.slice(0, at).trimEnd().endsWith(')');
    const moved =
      operand && isBehindSelector ? withOffset(operand, offset.value, node.to) : undefined;
    if (operand === undefined || moved !== undefined) return moved;
    return this.#refuse({
      offset: at,
      message: 'offset belongs once, right behind a selector, a range or a subquery',
    });
  }

  #unary(node: SyntaxNode): Expression | undefined {
    const expr = this.expression(node.getChild('Expr'));
    const isMinus = this.#source(node).startsWith('-');
    return isMinus ? negated(expr, spanOf(node)) : expr;
  }

  #binary(node: SyntaxNode): Expression | undefined {
    const [first, last] = node.getChildren('Expr');
    const left = this.expression(first ?? null);
    const right = this.expression(last ?? null);
    const operator = this.#operator(first);
    const fill = node.getChild('FillModifier');
    if (fill !== null) {
      return this.#refuse({ offset: fill.from, message: 'fill is not supported' });
    }
    const clause = node.getChild('MatchingModifierClause');
    const matching = clause === null ? undefined : this.#matching(clause);
    if (left === undefined || right === undefined || operator === undefined) return undefined;
    const isBool = node.getChild('BoolModifier') !== null;
    const binary = { kind: 'binary', operator, right, isBool, ...spanOf(node) } as const;
    // The grammar takes the sign of -1 ^ 2 for a part of the number; to PromQL the power comes first.
    if (operator === '^' && left.kind === 'number' && this.#hasSign(first)) {
      const base = { ...left, value: Math.abs(left.value) };
      const power: BinaryExpression = { ...binary, left: base, matching: undefined };
      return this.#source(first!).startsWith('-') ? negated(power, spanOf(node)) : power;
    }
    if (left.kind === 'number' && typeOf(right) === 'vector' && isComparison(operator)) {
      // Either way the samples of the vector are kept, with their values.
      return { ...binary, operator: MIRRORED[operator], left: right, right: left, matching };
    }
    return { ...binary, left, matching: matchingOf(operator, left, right, matching) };
  }

  #hasSign(node: SyntaxNode | undefined): boolean {
    return node?.name === 'NumberDurationLiteral' && /^[+-]/.test(this.#source(node));
  }

  /** Which stands behind the first operand; comments may be anywhere. */
  #operator(first: SyntaxNode | undefined): BinaryOperator | undefined {
    let node = first?.nextSibling;
    while (node?.name === 'LineComment') node = node.nextSibling;
    if (!node) return undefined;
    const symbol = this.#source(node);
    if (!UNSUPPORTED_OPERATORS.has(node.name)) return symbol.toLowerCase() as BinaryOperator;
    return this.#refuse({ offset: node.from, message: `the operator ${symbol} is not supported` });
  }

  #matching(node: SyntaxNode): Matching {
    const [labels, include] = node.getChildren('GroupingLabels');
    const isLeft = node.getChild('GroupLeft') !== null;
    const isRight = node.getChild('GroupRight') !== null;
    const many = isLeft ? 'many-to-one' : 'one-to-many';
    return {
      cardinality: isLeft || isRight ? many : 'one-to-one',
      isOn: node.getChild('On') !== null,
      labels: this.#labels(labels),
      include: this.#labels(include),
    };
  }

  #labels(node: SyntaxNode | undefined): string[] {
    const names: string[] = [];
    for (let child = node?.firstChild; child; child = child.nextSibling) {
      if (child.name === 'LabelName') names.push(this.#source(child));
      else if (child.name === 'QuotedLabelName') {
        const quoted = parseStringLiteral(this.#source(child));
        if (quoted.ok) names.push(quoted.value.value);
        else this.#refuse(...shifted(quoted.faults, child.from));
      }
    }
    return names;
  }

  #aggregation(node: SyntaxNode): Aggregation | undefined {
    const word = node.getChild('AggregateOp');
    const operator = word === null ? '' : this.#source(word).toLowerCase();
    const args = this.#args(node.getChild('FunctionCallBody'));
    if (!(AGGREGATIONS as readonly string[]).includes(operator)) {
      return this.#refuse({ offset: node.from, message: `${operator}() is not supported` });
    }
    const modifier = node.getChild('AggregateModifier');
    if (args === undefined) return undefined;
    const count = TAKES_PARAMETER.has(operator) ? 2 : 1;
    if (args.length !== count) {
      const message = `${operator}() takes ${count} argument${count === 1 ? '' : 's'}, not ${args.length}`;
      return this.#refuse({ offset: node.from, message });
    }
    return {
      kind: 'aggregation',
      operator: operator as AggregationOperator,
      expr: args.at(-1)!,
      parameter: count === 2 ? args[0] : undefined,
      isWithout: modifier !== null && modifier.getChild('Without') !== null,
      labels: this.#labels(modifier?.getChild('GroupingLabels') ?? undefined),
      ...spanOf(node),
    };
  }

  #call(node: SyntaxNode): Call | undefined {
    const word = node.getChild('FunctionIdentifier');
    const name = word === null ? '' : this.#source(word);
    const args = this.#args(node.getChild('FunctionCallBody'));
    if (!FUNCTIONS.has(name)) {
      return this.#refuse({ offset: node.from, message: `${name}() is not supported` });
    }
    return args && { kind: 'call', name, args, ...spanOf(node) };
  }

  /** Undefined if any of them could not be read. */
  #args(body: SyntaxNode | null): Expression[] | undefined {
    const args = body?.getChildren('Expr').map((node) => this.expression(node)) ?? [];
    return args.includes(undefined) ? undefined : (args as Expression[]);
  }

  #unsupported(node: SyntaxNode): undefined {
    const word = node.getChild(UNSUPPORTED.get(node.name) ?? '') ?? node;
    const message = `${this.#source(word).slice(0, 40)} is not supported`;
    return this.#refuse({ offset: word.from, message });
  }

  #source(node: SyntaxNode): string {
    return this.#text.slice(node.from, node.to);
  }

  #refuse(...faults: readonly Fault[]): undefined {
    this.faults.push(...faults);
  }
}

/** Each comparison as seen from its other side. */
const MIRRORED: Readonly<Record<ComparisonOperator, ComparisonOperator>> = {
  '==': '==',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};
const TAKES_PARAMETER: ReadonlySet<string> = new Set([
  'topk',
  'bottomk',
  'quantile',
  'count_values',
]);

/**
 * The grammar takes an offset for one of all that stands before it: it is one of what ends last there. Undefined if that has one
 * already, or can have none.
 */
function withOffset(expr: Expression, offsetMs: number, to: number): Expression | undefined {
  switch (expr.kind) {
    case 'selector':
    case 'subquery':
      return expr.offsetMs === 0 ? { ...expr, offsetMs, to } : undefined;
    case 'matrix': {
      const selector = withOffset(expr.selector, offsetMs, to) as VectorSelector | undefined;
      return selector && { ...expr, selector, to };
    }
    case 'negation': {
      const inner = withOffset(expr.expr, offsetMs, to);
      return inner && { ...expr, expr: inner, to };
    }
    case 'binary': {
      const side = expr.right.to > expr.left.to ? 'right' : 'left';
      const moved = withOffset(expr[side], offsetMs, to);
      return moved && { ...expr, [side]: moved, to };
    }
    default:
      return undefined;
  }
}

function negated(
  expr: Expression | undefined,
  span: { readonly from: number; readonly to: number },
): Expression | undefined {
  if (expr === undefined) return undefined;
  if (expr.kind === 'number') return { ...expr, value: -expr.value, ...span };
  return { kind: 'negation', expr, ...span };
}

/** What is not written stands for all labels; sets are always many to many. */
function matchingOf(
  operator: BinaryOperator,
  left: Expression,
  right: Expression,
  written: Matching | undefined,
): Matching | undefined {
  const isBetweenVectors = typeOf(left) === 'vector' && typeOf(right) === 'vector';
  if (written === undefined && !isBetweenVectors) return undefined;
  const matching: Matching = written ?? ALL_LABELS;
  const isOneToOne = matching.cardinality === 'one-to-one';
  return isSetOperator(operator) && isOneToOne
    ? { ...matching, cardinality: 'many-to-many' }
    : matching;
}

const ALL_LABELS: Matching = {
  cardinality: 'one-to-one',
  isOn: false,
  labels: [],
  include: [],
};

function spanOf({ from, to }: SyntaxNode): { from: number; to: number } {
  return { from, to };
}

/** What stands inside any number of parentheses. */
function unwrapped(outer: SyntaxNode | null): SyntaxNode | null {
  let node = outer;
  while (node?.name === 'ParenExpr') node = node.getChild('Expr');
  return node;
}
