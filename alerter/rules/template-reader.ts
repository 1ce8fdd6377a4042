import { compilePrintf, type ValueType } from './printf.ts';
import { faulty, parsed, shifted, type Fault, type Parsed } from '../promql/fault.ts';
import { parseStringLiteral } from '../promql/string-literal.ts';
import {
  REFUSED_WORDS,
  TEMPLATE_FUNCTIONS,
  numberOf,
  plainText,
  type TemplateFunction,
} from './template-function.ts';
import { readAction, type Action, type Token } from './template-token.ts';
import type { TemplateData } from './template.ts';

/** Text as it is, or what stands in its place. */
export type Fragment = string | ((data: TemplateData) => string);

/** A part of a pipeline: what type its value has, and how to come by it. */
interface Operand {
  readonly type: ValueType;
  /** Known before any alert. */
  readonly literal?: string | number;
  readonly offset: number;
  readonly evaluate: (data: TemplateData) => string | number;
}

/** Stops the rendering of one template, for a reason that depends on its data. */
export class RenderError extends Error {}

const NESTING_MAX = 20;
const REMEDY =
  'use $labels.name, $value, literals, printf and the functions ' +
  [...TEMPLATE_FUNCTIONS.keys()].join(', ');

/** Unwinds the reading of one action; it never leaves this file. */
class Refusal extends Error {
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    super('refused');
    this.faults = faults;
  }
}

function refuse(offset: number, message: string, remedy?: string): never {
  const result = faulty(offset, message, remedy);
  throw new Refusal(result.ok ? [] : result.faults);
}

/** Reads one template. A fault ends its action; reading goes on with the next one. */
export class TemplateReader {
  readonly #text: string;
  #tokens: readonly Token[] = [];
  #next = 0;
  /** Where the action that is being read ends. */
  #close = 0;

  constructor(text: string) {
    this.#text = text;
  }

  fragments(): Parsed<readonly Fragment[]> {
    const fragments: Fragment[] = [];
    const faults: Fault[] = [];
    let at = 0;
    let trimsNext = false;
    for (;;) {
      const start = this.#text.indexOf('{{', at);
      const action = start < 0 ? undefined : readAction(this.#text, start);
      let plain = this.#text.slice(at, start < 0 ? undefined : start);
      if (trimsNext) plain = plain.replace(/^[ \t\r\n]+/, '');
      if (action?.trimsBefore === true) plain = plain.replace(/[ \t\r\n]+$/, '');
      if (plain !== '') fragments.push(plain);
      if (start < 0) break;
      if (action === undefined) {
        faults.push({ offset: start, message: 'this {{ has no }}' });
        break;
      }
      this.#action(action, fragments, faults);
      at = action.end;
      trimsNext = action.trimsAfter;
    }
    return faults.length > 0 ? { ok: false, faults } : parsed(fragments);
  }

  #action(action: Action, fragments: Fragment[], faults: Fault[]): void {
    const isComment = action.close === action.start;
    if (isComment) return;
    this.#tokens = action.tokens;
    this.#next = 0;
    this.#close = action.close;
    try {
      const { type, evaluate } = this.#pipeline(0);
      const rest = this.#peek();
      if (rest !== undefined) refuse(rest.offset, `unexpected ${rest.text}`, REMEDY);
      fragments.push((data) => plainText(evaluate(data), type));
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      faults.push(...thrown.faults);
    }
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  /** Whether the next token is this mark; it is then read. */
  #accept(mark: string): boolean {
    const token = this.#peek();
    if (token?.kind !== 'mark' || token.text !== mark) return false;
    this.#next += 1;
    return true;
  }

  #pipeline(depth: number): Operand {
    if (depth > NESTING_MAX) refuse(this.#close, `nested more than ${NESTING_MAX} deep`);
    let operand = this.#command(depth, undefined);
    while (this.#accept('|')) operand = this.#command(depth, operand);
    return operand;
  }

  /** A function with its arguments, the last of which may come through a pipe; or one operand. */
  #command(depth: number, piped: Operand | undefined): Operand {
    const token = this.#peek();
    if (token === undefined) refuse(this.#close, 'something is missing here', REMEDY);
    if (token.kind !== 'word') {
      if (piped !== undefined) refuse(token.offset, `${token.text} after | is not a function`);
      return this.#operand(depth);
    }
    this.#next += 1;
    const args: Operand[] = [];
    for (let next = this.#peek(); next !== undefined; next = this.#peek()) {
      if (next.kind === 'mark' && next.text !== '(') break;
      args.push(this.#operand(depth));
    }
    if (piped !== undefined) args.push(piped);
    return token.text === 'printf' ? printed(token, args) : called(token, args);
  }

  #operand(depth: number): Operand {
    const token = this.#peek();
    if (token === undefined) refuse(this.#close, 'something is missing here', REMEDY);
    this.#next += 1;
    if (token.kind === 'variable' || token.kind === 'field') return variable(token);
    if (token.kind === 'string') return stringLiteral(token);
    if (token.kind === 'number') return numberLiteral(token);
    if (token.kind === 'word') return unknownWord(token);
    if (token.text !== '(') return refuse(token.offset, `unexpected ${token.text}`, REMEDY);
    const inner = this.#pipeline(depth + 1);
    if (!this.#accept(')')) refuse(token.offset, 'this ( has no )');
    return inner;
  }
}

function variable({ text, offset }: Token): Operand {
  if (text === '$value' || text === '.Value') {
    return { type: 'float', offset, evaluate: ({ value }) => value };
  }
  const name = /^(?:\$labels|\.Labels)\.(\w+)$/.exec(text)?.[1];
  if (name === undefined) refuse(offset, `${text} is not supported`, REMEDY);
  return {
    type: 'string',
    offset,
    evaluate: ({ labels }) => (Object.hasOwn(labels, name) ? (labels[name] ?? '') : ''),
  };
}

function stringLiteral({ text, offset }: Token): Operand {
  const literal = parseStringLiteral(text);
  if (!literal.ok) throw new Refusal(shifted(literal.faults, offset));
  const { value } = literal.value;
  return { type: 'string', literal: value, offset, evaluate: () => value };
}

function numberLiteral({ text, offset }: Token): Operand {
  const value = numberOf(text);
  if (value === undefined || !Number.isFinite(value))
    refuse(offset, `${text} is not a number here`);
  const isInt = /^[-+]?(?:0|[1-9]\d*)$/.test(text);
  if (isInt && !Number.isSafeInteger(value)) refuse(offset, `${text} is too large`);
  if (!isInt && /^[-+]?0\d/.test(text))
    refuse(offset, `${text} is octal in Go: write it in decimal`);
  return { type: isInt ? 'int' : 'float', literal: value, offset, evaluate: () => value };
}

function called(name: Token, args: readonly Operand[]): Operand {
  const known = TEMPLATE_FUNCTIONS.get(name.text);
  if (known === undefined) unknownWord(name);
  const [argument] = args;
  if (argument === undefined || args.length > 1) {
    refuse(name.offset, `${name.text} takes one argument, not ${args.length}`);
  }
  const evaluate =
    known.takes === 'string' ? onText(known, argument, name) : onNumber(known, argument, name);
  return { type: 'string', offset: name.offset, evaluate };
}

function onText(known: TemplateFunction, argument: Operand, name: Token): Operand['evaluate'] {
  if (argument.type !== 'string') {
    refuse(argument.offset, `${name.text} takes a string, not a number`, 'use printf "%v" first');
  }
  return (data) => known.apply(argument.evaluate(data) as never) ?? '';
}

function onNumber(known: TemplateFunction, argument: Operand, name: Token): Operand['evaluate'] {
  if (argument.literal !== undefined && numberOf(argument.literal) === undefined) {
    refuse(argument.offset, `${name.text} takes a number`);
  }
  return (data) => {
    const value = argument.evaluate(data);
    const number = numberOf(value);
    if (number === undefined) {
      throw new RenderError(`${name.text}: ${JSON.stringify(value)} is not a number`);
    }
    const text = known.apply(number as never);
    if (text === undefined) throw new RenderError(`${name.text}: ${number} is out of range`);
    return text;
  };
}

function printed(name: Token, args: readonly Operand[]): Operand {
  const [format, ...rest] = args;
  if (typeof format?.literal !== 'string') {
    refuse(format?.offset ?? name.offset, 'printf takes a format in quotes first');
  }
  const printer = compilePrintf(
    format.literal,
    rest.map((arg) => arg.type),
  );
  if (!printer.ok) throw new Refusal(printer.faults.map((f) => ({ ...f, offset: format.offset })));
  return {
    type: 'string',
    offset: name.offset,
    evaluate: (data) => printer.value(rest.map((arg) => arg.evaluate(data))),
  };
}

function unknownWord({ text, offset }: Token): never {
  const isFunction = TEMPLATE_FUNCTIONS.has(text) || text === 'printf';
  if (isFunction) refuse(offset, `${text} as an argument needs parentheses`);
  const isRefused = REFUSED_WORDS.has(text);
  refuse(offset, isRefused ? `${text} is not supported yet` : `templates have no ${text}`, REMEDY);
}
