import type { SyntaxNode, Tree } from '@lezer/common';
import type { Fault } from './fault.ts';

/** Operators of other languages, and what PromQL writes for them. */
const FOREIGN: ReadonlyMap<string, string> = new Map([
  ['=', 'PromQL compares with =='],
  ['=>', 'PromQL writes >='],
  ['=<', 'PromQL writes <='],
  ['<>', 'PromQL writes !='],
  ['&&', 'PromQL writes and'],
  ['||', 'PromQL writes or'],
  ['===', 'PromQL compares with =='],
  ['!', 'PromQL writes != or unless'],
]);

/**
 * The first place at which a text leaves the grammar. The parser goes on after an error, so what it
 * reports behind the first is guesswork and not passed on.
 */
export function syntaxFault(tree: Tree, text: string): Fault | undefined {
  const error = firstError(tree);
  if (error === undefined) return undefined;
  const offset = error.from;
  const unclosed = unclosedString(tree, text);
  if (unclosed !== undefined && unclosed <= offset) {
    return { offset: unclosed, message: 'this string is not closed' };
  }
  if (text.slice(offset).trim() === '') {
    return { offset: text.trimEnd().length, message: 'the expression ends too early' };
  }
  const called = calledName(text, offset);
  if (called !== undefined) {
    return { offset: called.offset, message: `PromQL has no function ${called.name}()` };
  }
  return foreignOperator(text, offset) ?? { offset, message: `unexpected ${wordAt(text, offset)}` };
}

function firstError(tree: Tree): SyntaxNode | undefined {
  let first: SyntaxNode | undefined;
  tree.iterate({
    enter(node) {
      if (node.type.isError && (first === undefined || node.from < first.from)) first = node.node;
    },
  });
  return first;
}

/** The grammar takes a string without its last quote for a string; that swallows the rest. */
function unclosedString(tree: Tree, text: string): number | undefined {
  let offset: number | undefined;
  tree.iterate({
    enter(node) {
      if (node.name !== 'StringLiteral' || offset !== undefined) return;
      const literal = text.slice(node.from, node.to);
      if (literal.length < 2 || literal[0] !== literal.at(-1)) offset = node.from;
    },
  });
  return offset;
}

/** A name right before a `(` that the grammar does not know as a function. */
function calledName(text: string, offset: number): { name: string; offset: number } | undefined {
  if (text[offset] !== '(') return undefined;
  const name = /[a-zA-Z_:][\w:]*(?=\s*$)/.exec(text.slice(0, offset));
  return name === null ? undefined : { name: name[0], offset: name.index };
}

function foreignOperator(text: string, offset: number): Fault | undefined {
  const start = /[=<>!&|]*$/.exec(text.slice(0, offset))?.index ?? offset;
  const symbol = /^[=<>!&|]+/.exec(text.slice(start))?.[0] ?? '';
  // A lone = right before the error is that of a matcher whose value is wrong.
  const remedy = symbol.length > 1 || start === offset ? FOREIGN.get(symbol) : undefined;
  return remedy === undefined
    ? undefined
    : { offset: start, message: `unexpected ${symbol}`, remedy };
}

function wordAt(text: string, offset: number): string {
  const word = /^(?:\w+|[^\w\s]{1,3})/.exec(text.slice(offset))?.[0] ?? '';
  return JSON.stringify(word.slice(0, 40));
}
