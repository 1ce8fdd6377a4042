import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { LABELS_PER_SERIES_MAX, METRIC_NAME_BYTES_MAX } from '../../pipeline/wire/catalogue.ts';
import type {
  ComparisonOperator,
  Expression,
  NumberLiteral,
  VectorSelector,
} from './expression.ts';
import { Matcher, type MatchOperator } from './matcher.ts';
import { parseNumberLiteral } from './number-literal.ts';
import { faulty, parsed, shifted, type Fault, type Parsed } from './problem.ts';
import { parseStringLiteral, type StringLiteral } from './string-literal.ts';
import { syntaxFault } from './syntax-fault.ts';
import {
  notYet,
  unsupportedExpression,
  unsupportedModifier,
  unsupportedOperator,
} from './unsupported.ts';

export const EXPRESSION_LENGTH_MAX = 16_384;

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Each comparison as seen from its other side. */
const MIRRORED: Readonly<Record<ComparisonOperator, ComparisonOperator>> = {
  '==': '==',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

/**
 * Parses an expression with the grammar of Prometheus' own editor. What the grammar has and rules
 * do not support yet is refused by name, at its place; nothing is ever read as something else.
 *
 * @see https://prometheus.io/docs/prometheus/latest/querying/basics/
 */
export function parseExpression(text: string): Parsed<Expression> {
  if (text.trim() === '') return faulty(0, 'the expression is empty');
  if (text.length > EXPRESSION_LENGTH_MAX) {
    return faulty(0, `the expression is longer than ${EXPRESSION_LENGTH_MAX} characters`);
  }
  const tree = parser.parse(text);
  const syntax = syntaxFault(tree, text);
  if (syntax !== undefined) return { ok: false, faults: [syntax] };
  const reader = new ExpressionReader(text);
  const expression = reader.expression(tree.topNode.getChild('Expr'));
  if (expression !== undefined && reader.faults.length === 0) return parsed(expression);
  return { ok: false, faults: reader.faults.toSorted((a, b) => a.offset - b.offset) };
}

/** Turns the grammar's tree into ours and gathers every fault on the way. */
class ExpressionReader {
  readonly #text: string;
  readonly faults: Fault[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  expression(root: SyntaxNode | null): Expression | undefined {
    const node = unwrapped(root);
    if (node === null) return this.#fault(0, 'the expression is empty');
    if (node.name === 'BinaryExpr') return this.#comparison(node);
    const operand = this.#operand(node);
    if (operand === undefined) return undefined;
    const what = operand.kind === 'number' ? 'a number' : 'a selector';
    return this.#refuse(notYet(node, `${what} without a comparison`));
  }

  #comparison(node: SyntaxNode): Expression | undefined {
    const [first, last] = [unwrapped(node.firstChild), unwrapped(node.lastChild)];
    let operator: ComparisonOperator | undefined;
    for (let child = node.firstChild?.nextSibling; child; child = child.nextSibling) {
      const fault =
        unsupportedOperator(child, this.#text) ?? unsupportedModifier(child, this.#text);
      if (fault !== undefined) this.#refuse(fault);
      const symbol = this.#source(child);
      if (symbol in MIRRORED) operator ??= symbol as ComparisonOperator;
    }
    const left = this.#operand(first);
    const right = this.#operand(last);
    if (left === undefined || right === undefined || operator === undefined) return undefined;
    if (left.kind === 'selector' && right.kind === 'number') {
      return { kind: 'binary', operator, left, right };
    }
    if (left.kind === 'number' && right.kind === 'selector') {
      return { kind: 'binary', operator: MIRRORED[operator], left: right, right: left };
    }
    const what = left.kind === 'number' ? 'of two numbers' : 'of two selectors';
    return this.#refuse(notYet(last ?? node, `a comparison ${what}`));
  }

  #operand(node: SyntaxNode | null): VectorSelector | NumberLiteral | undefined {
    if (node === null) return undefined;
    if (node.name === 'VectorSelector') return this.#selector(node);
    const number = this.#number(node);
    if (number !== undefined) return number;
    if (node.name === 'NumberDurationLiteral') return undefined;
    const fault = unsupportedExpression(node, this.#text);
    if (fault !== undefined) return this.#refuse(fault);
    if (node.name !== 'BinaryExpr') return this.#refuse(notYet(node, 'this'));
    for (let child = node.firstChild; child; child = child.nextSibling) {
      const operator = unsupportedOperator(child, this.#text);
      if (operator !== undefined) return this.#refuse(operator);
    }
    return this.#refuse(notYet(node, 'a comparison inside another'));
  }

  /** A literal under any number of signs and parentheses; undefined for anything else. */
  #number(outer: SyntaxNode): NumberLiteral | undefined {
    let negative = false;
    let node: SyntaxNode | null = outer;
    while (node?.name === 'UnaryExpr') {
      if (this.#source(node).startsWith('-')) negative = !negative;
      node = unwrapped(node.lastChild);
    }
    if (node?.name !== 'NumberDurationLiteral') return undefined;
    const signed = /^([+-]?)\s*/.exec(this.#source(node)) as RegExpExecArray;
    const from = node.from + signed[0].length;
    if (signed[1] === '-') negative = !negative;
    const result = parseNumberLiteral(this.#text.slice(from, node.to));
    if (!result.ok) return this.#refuse(...shifted(result.faults, from));
    return { kind: 'number', value: negative ? -result.value : result.value };
  }

  #selector(node: SyntaxNode): VectorSelector | undefined {
    const before = this.faults.length;
    const named = node.getChild('Identifier');
    let metric = named === null ? undefined : this.#source(named);
    const matchers: Matcher[] = [];
    const list = node.getChild('LabelMatchers');
    for (let child = list?.firstChild; child; child = child.nextSibling) {
      const matcher = this.#matcher(child);
      if (matcher === undefined) continue;
      const isName =
        matcher.name === '__name__' && matcher.operator === '=' && matcher.value !== '';
      if (isName && metric !== undefined) {
        this.#fault(child.from, `the metric is named twice: ${metric} and ${matcher.value}`);
      } else if (isName) {
        metric = matcher.value;
      } else if (matcher.name === '__name__' && named !== null) {
        this.#fault(child.from, `the metric is named already: ${this.#source(named)}`);
      } else {
        matchers.push(matcher);
      }
    }
    if (this.faults.length > before) return undefined;
    if (metric !== undefined && Buffer.byteLength(metric) > METRIC_NAME_BYTES_MAX) {
      return this.#fault(
        node.from,
        `the metric's name has more than ${METRIC_NAME_BYTES_MAX} bytes`,
      );
    }
    if (metric === undefined && matchers.every((matcher) => matcher.matches(''))) {
      return this.#fault(
        node.from,
        'this selector means every series: it needs a name or a matcher that refuses the empty string',
      );
    }
    if (matchers.length > LABELS_PER_SERIES_MAX) {
      return this.#fault(node.from, `more than ${LABELS_PER_SERIES_MAX} matchers in one selector`);
    }
    return { kind: 'selector', metric, matchers };
  }

  #matcher(node: SyntaxNode): Matcher | undefined {
    if (node.name === 'QuotedLabelName') {
      const metric = this.#string(node);
      if (metric === undefined) return undefined;
      return this.#create(node, '__name__', '=', metric);
    }
    const quoted = node.getChild('QuotedLabelName');
    const value = node.getChild('StringLiteral');
    const operator = node.getChild('MatchOp');
    const label = node.getChild('LabelName');
    if (value === null || operator === null) return this.#refuse(notYet(node, 'this matcher'));
    const name = quoted === null ? label && this.#source(label) : this.#string(quoted)?.value;
    const literal = this.#string(value);
    if (typeof name !== 'string' || literal === undefined) return undefined;
    if (!LABEL_NAME.test(name)) {
      return this.#fault(
        node.from,
        `${JSON.stringify(name)} is not a label name`,
        'names are letters, digits and _',
      );
    }
    return this.#create(value, name, this.#source(operator) as MatchOperator, literal);
  }

  /** `node` is where the literal stands. */
  #create(
    node: SyntaxNode,
    name: string,
    operator: MatchOperator,
    { value, offsets }: StringLiteral,
  ): Matcher | undefined {
    if (name === '__name__' && operator === '=' && value !== '' && !METRIC_NAME.test(value)) {
      return this.#fault(node.from, `${JSON.stringify(value)} is not a metric name`);
    }
    const matcher = Matcher.create(name, operator, value);
    if (matcher.ok) return matcher.value;
    for (const { offset, ...fault } of matcher.faults) {
      this.faults.push({ ...fault, offset: node.from + (offsets[offset] ?? 0) });
    }
    return undefined;
  }

  #string(node: SyntaxNode): StringLiteral | undefined {
    const result = parseStringLiteral(this.#source(node));
    return result.ok ? result.value : this.#refuse(...shifted(result.faults, node.from));
  }

  #source(node: SyntaxNode): string {
    return this.#text.slice(node.from, node.to);
  }

  #fault(offset: number, message: string, remedy?: string): undefined {
    this.#refuse(remedy === undefined ? { offset, message } : { offset, message, remedy });
  }

  #refuse(...faults: readonly Fault[]): undefined {
    this.faults.push(...faults);
  }
}

/** What stands inside any number of parentheses. */
function unwrapped(outer: SyntaxNode | null): SyntaxNode | null {
  let node = outer;
  while (node?.name === 'ParenExpr') node = node.getChild('Expr');
  return node;
}
