import type { SyntaxNode } from '@lezer/common';
import type { Fault } from './problem.ts';

const REMEDY = 'use a comparison of one selector with a number';

/** Operators of PromQL other than comparisons, by the grammar's name for them. */
const OPERATORS: ReadonlySet<string> = new Set([
  'Add',
  'And',
  'Atan2',
  'Div',
  'Mod',
  'Mul',
  'Or',
  'Pow',
  'Sub',
  'TrimLower',
  'TrimUpper',
  'Unless',
]);

/** Modifiers of a binary operator. Each changes the result, so none may be passed over. */
const MODIFIERS: ReadonlySet<string> = new Set([
  'BoolModifier',
  'FillModifier',
  'MatchingModifierClause',
]);

/**
 * The fault of an expression that PromQL has and rules do not yet, named as its author wrote it and
 * placed where it begins. Undefined for the expressions that are supported.
 */
export function unsupportedExpression(node: SyntaxNode, text: string): Fault | undefined {
  switch (node.name) {
    case 'FunctionCall':
      return notYet(node, `${wordOf(node.firstChild, text)}()`);
    case 'AggregateExpr':
      return notYet(node, `the aggregation ${wordOf(node.firstChild, text).toLowerCase()}()`);
    case 'MatrixSelector':
      return notYet(bracketOf(node, text), `a range such as ${rangeOf(node, text)}`);
    case 'SubqueryExpr':
      return notYet(bracketOf(node, text), `a subquery such as ${rangeOf(node, text)}`);
    case 'OffsetExpr':
      return notYet(node.getChild('Offset') ?? node, 'offset');
    case 'StepInvariantExpr':
      return notYet(node.getChild('At') ?? node, 'the modifier @');
    case 'AnchoredExpr':
      return notYet(node.getChild('Anchored') ?? node, 'anchored');
    case 'SmoothedExpr':
      return notYet(node.getChild('Smoothed') ?? node, 'smoothed');
    case 'UnaryExpr':
      return notYet(node, `${text[node.from] ?? ''} before anything but a number`);
    case 'StringLiteral':
      return { offset: node.from, message: 'a string is never true or false', remedy: REMEDY };
    default:
      return undefined;
  }
}

/** The fault of an operator that is no comparison. */
export function unsupportedOperator(node: SyntaxNode, text: string): Fault | undefined {
  return OPERATORS.has(node.name)
    ? notYet(node, `the operator ${text.slice(node.from, node.to)}`)
    : undefined;
}

/** The fault of `bool`, `on (…)`, `ignoring (…)`, `group_left`, `fill (…)`. */
export function unsupportedModifier(node: SyntaxNode, text: string): Fault | undefined {
  return MODIFIERS.has(node.name) ? notYet(node, wordOf(node, text)) : undefined;
}

/** The fault of something that is right in PromQL but cannot be evaluated yet. */
export function notYet(at: { readonly from: number }, what: string): Fault {
  return { offset: at.from, message: `${what} is not supported yet`, remedy: REMEDY };
}

function wordOf(node: SyntaxNode | null, text: string): string {
  return /^\w*/.exec(node === null ? '' : text.slice(node.from, node.to))?.[0] ?? '';
}

/** Where the `[` of a range or subquery stands: behind its operand. */
function bracketOf(node: SyntaxNode, text: string): { from: number } {
  const from = text.indexOf('[', node.firstChild?.to ?? node.from);
  return { from: from < 0 ? node.from : from };
}

function rangeOf(node: SyntaxNode, text: string): string {
  const range = text.slice(bracketOf(node, text).from, node.to).replaceAll(/\s+/g, ' ');
  return range.length > 40 ? `${range.slice(0, 40)}…` : range;
}
