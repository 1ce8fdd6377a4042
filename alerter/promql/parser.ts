import { parser } from '@prometheus-io/lezer-promql';
import { faulty, parsed } from './fault.ts';
import type { Parsed } from './fault.ts';
import type { Expression } from './expression.ts';
import { syntaxFault } from './syntax-fault.ts';
import { TreeReader } from './tree-reader.ts';
import { typeFaults } from './type-check.ts';

export const EXPRESSION_LENGTH_MAX = 16_384;

/**
 * Parses an expression with the grammar of Prometheus' own editor, and checks it as Prometheus does. What the grammar has
 * and nobody evaluates here is refused by name, at its place; nothing is ever read as something else.
 *
 * @returns all faults, in the order of the text, if there are any
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
  const reader = new TreeReader(text);
  const expression = reader.expression(tree.topNode.getChild('Expr'));
  const faults = [
    ...reader.faults,
    // Of an expression of which something could not be read less is known than there is.
    ...(expression === undefined ? [] : typeFaults(expression)),
  ];
  if (expression !== undefined && faults.length === 0) return parsed(expression);
  return { ok: false, faults: faults.toSorted((a, b) => a.offset - b.offset) };
}
