import { compileAutomaton, type Automaton } from './automaton.ts';
import {
  literalClass,
  parseBracketClass,
  parseEscape,
  parseNamedClass,
} from './character-class.ts';
import { faulty, type Fault, type Parsed } from './problem.ts';

/** What a regular expression is made of. `once` takes one code point that its class takes. */
export type RegexpNode =
  | { readonly kind: 'once'; readonly codePoint: number | undefined; readonly test: RegExp }
  | { readonly kind: 'assertion'; readonly assertion: Assertion }
  | { readonly kind: 'sequence'; readonly nodes: readonly RegexpNode[] }
  | { readonly kind: 'choice'; readonly nodes: readonly RegexpNode[] }
  | {
      readonly kind: 'repeat';
      readonly node: RegexpNode;
      readonly min: number;
      /** Infinity for no limit. */
      readonly max: number;
    };

/** What must hold between two characters; `line…` are `^` and `$` under the flag `m`. */
export type Assertion = 'begin' | 'end' | 'lineBegin' | 'lineEnd' | 'wordEdge' | 'noWordEdge';

export const PATTERN_LENGTH_MAX = 4096;
/** RE2's own limit on `{n}`. */
const REPEAT_MAX = 1000;
const NESTING_MAX = 200;

/** Flags that change what matches. Greediness (`U`, `*?`) does not when all must match. */
interface Flags {
  readonly ignoreCase: boolean;
  readonly dotAll: boolean;
  readonly multiLine: boolean;
}

/** As Prometheus 3 compiles a matcher: `.` takes a line break too. */
const START_FLAGS: Flags = { ignoreCase: false, dotAll: true, multiLine: false };

/** Why RE2 refuses what stands after `(?`, by its first characters; longest first. */
const REFUSED_GROUPS: readonly (readonly [string, string])[] = [
  ['<=', 'look-behind'],
  ['<!', 'look-behind'],
  ['=', 'look-ahead'],
  ['!', 'look-ahead'],
  ['>', 'an atomic group'],
  ['#', 'a comment'],
  ['(', 'a conditional'],
  ['|', 'a branch reset'],
  ['R', 'recursion'],
];

/**
 * Compiles a regular expression of RE2, the dialect of Prometheus, so that it must match a whole
 * value. JavaScript's own engine is not used to match: it reads several constructs differently and
 * takes exponential time on some, while an operator's pattern meets label values that any server
 * may send. This one takes time proportional to pattern times value.
 *
 * Faults name what RE2 does not have: look-around, back-references, possessive repetition.
 *
 * @see https://github.com/google/re2/wiki/Syntax
 * @see https://pkg.go.dev/regexp/syntax
 */
export function parseRegularExpression(pattern: string): Parsed<Automaton> {
  if (pattern.length > PATTERN_LENGTH_MAX) {
    return faulty(0, `this regular expression is longer than ${PATTERN_LENGTH_MAX} characters`);
  }
  const parser = new RegexpParser(pattern);
  try {
    const node = parser.choice(START_FLAGS, 0);
    if (!parser.atEnd()) return faulty(parser.pos, 'this ) has no (');
    return compileAutomaton(node);
  } catch (thrown) {
    if (thrown instanceof Refusal) return { ok: false, faults: thrown.faults };
    throw thrown;
  }
}

/** Unwinds the descent to `parseRegularExpression`; it never leaves this file. */
class Refusal extends Error {
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    super('refused');
    this.faults = faults;
  }
}

function refuse(offset: number, message: string): never {
  throw new Refusal([{ offset, message }]);
}

function must<T>(result: Parsed<T>): T {
  if (result.ok) return result.value;
  throw new Refusal(result.faults);
}

/** Recursive descent over one pattern; each method leaves `pos` behind what it read. */
class RegexpParser {
  readonly #pattern: string;
  readonly #groupNames = new Set<string>();
  pos = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  atEnd(): boolean {
    return this.pos >= this.#pattern.length;
  }

  /** Alternatives up to a `)` or the end. A `(?i)` among them holds from there to that point. */
  choice(outer: Flags, depth: number): RegexpNode {
    if (depth > NESTING_MAX) refuse(this.pos, `groups are nested more than ${NESTING_MAX} deep`);
    let flags = outer;
    let nodes: RegexpNode[] = [];
    const alternatives: RegexpNode[] = [];
    while (!this.atEnd() && this.#peek() !== ')') {
      if (this.#peek() === '|') {
        this.pos += 1;
        alternatives.push({ kind: 'sequence', nodes });
        nodes = [];
        continue;
      }
      const changed = this.#flagSetting(flags);
      if (changed !== undefined) {
        flags = changed;
        continue;
      }
      this.#term(flags, depth, nodes);
    }
    alternatives.push({ kind: 'sequence', nodes });
    return alternatives.length === 1
      ? (alternatives[0] as RegexpNode)
      : { kind: 'choice', nodes: alternatives };
  }

  #peek(): string {
    return this.#pattern[this.pos] ?? '';
  }

  /** `(?i)`, which holds to the end of the group; undefined when something else stands here. */
  #flagSetting(flags: Flags): Flags | undefined {
    const match = /^\(\?([imsU]*)(?:-([imsU]+))?\)/.exec(this.#pattern.slice(this.pos));
    if (match === null) return undefined;
    this.pos += match[0].length;
    return withFlags(flags, match[1] ?? '', match[2] ?? '');
  }

  /** One atom with its repetition, or the characters of `\Q…\E`. */
  #term(flags: Flags, depth: number, into: RegexpNode[]): void {
    const start = this.pos;
    const op = this.#repetition();
    if (op !== undefined) refuse(start, `${op.text} has nothing before it to repeat`);
    if (this.#pattern.startsWith('\\Q', start)) {
      this.#quoted(flags, into);
    } else {
      into.push(this.#atom(flags, depth));
    }
    const repetition = this.#repetition();
    if (repetition === undefined) return;
    const node = into.pop();
    if (node === undefined) refuse(start, `${repetition.text} has nothing before it to repeat`);
    const again = this.pos;
    const second = this.#repetition();
    if (second !== undefined) {
      refuse(again, `${second.text} after ${repetition.text}: RE2 does not stack repetitions`);
    }
    into.push({ kind: 'repeat', node, min: repetition.min, max: repetition.max });
  }

  #repetition(): { text: string; min: number; max: number } | undefined {
    const match = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/.exec(this.#pattern.slice(this.pos));
    if (match === null) return undefined;
    const [text, symbol, low, comma, high] = match;
    const start = this.pos;
    this.pos += text.length;
    if (symbol === '*') return { text, min: 0, max: Infinity };
    if (symbol === '+') return { text, min: 1, max: Infinity };
    if (symbol === '?') return { text, min: 0, max: 1 };
    const min = Number(low);
    const max = comma === '' ? min : high === '' ? Infinity : Number(high);
    if (min > REPEAT_MAX || (max > REPEAT_MAX && max !== Infinity) || max < min) {
      refuse(start, `${text} is not a repetition: at most ${REPEAT_MAX}, small before large`);
    }
    return { text, min, max };
  }

  #quoted(flags: Flags, into: RegexpNode[]): void {
    const from = this.pos + 2;
    const close = this.#pattern.indexOf('\\E', from);
    const to = close < 0 ? this.#pattern.length : close;
    for (const char of this.#pattern.slice(from, to)) {
      into.push(once(literalClass(char.codePointAt(0) as number), flags));
    }
    this.pos = close < 0 ? to : to + 2;
  }

  #atom(flags: Flags, depth: number): RegexpNode {
    const char = this.#peek();
    if (char === '(') return this.#group(flags, depth);
    if (char === '[') return this.#class(parseBracketClass(this.#pattern, this.pos), flags);
    if (char === '\\') return this.#escape(flags);
    const codePoint = this.#pattern.codePointAt(this.pos) as number;
    this.pos += codePoint > 0xffff ? 2 : 1;
    if (char === '.') return once(flags.dotAll ? '\\u{0}-\\u{10ffff}' : '^\\u{a}', flags);
    if (char === '^') return assertion(flags.multiLine ? 'lineBegin' : 'begin');
    if (char === '$') return assertion(flags.multiLine ? 'lineEnd' : 'end');
    return once(literalClass(codePoint), flags, codePoint);
  }

  #class(result: ReturnType<typeof parseBracketClass>, flags: Flags): RegexpNode {
    const { source, end } = must(result);
    this.pos = end;
    return once(source, flags);
  }

  #escape(flags: Flags): RegexpNode {
    const char = this.#pattern[this.pos + 1];
    const edge = { A: 'begin', z: 'end', b: 'wordEdge', B: 'noWordEdge' } as const;
    if (char === 'A' || char === 'z' || char === 'b' || char === 'B') {
      this.pos += 2;
      return assertion(edge[char]);
    }
    const named = parseNamedClass(this.#pattern, this.pos);
    if (named !== undefined) return this.#class(named, flags);
    const { codePoint, end } = must(parseEscape(this.#pattern, this.pos));
    this.pos = end;
    return once(literalClass(codePoint), flags, codePoint);
  }

  #group(flags: Flags, depth: number): RegexpNode {
    const start = this.pos;
    const rest = this.#pattern.slice(start);
    const opened = /^\((?:\?(?:P?<([A-Za-z0-9_]+)>|([imsU]*)(?:-([imsU]+))?:))?/.exec(rest);
    const [text, name, on, off] = opened as RegExpExecArray;
    if (text === '(' && rest.startsWith('(?')) this.#refuseGroup(rest.slice(2));
    if (name !== undefined) {
      if (this.#groupNames.has(name)) refuse(start, `two groups are named ${name}`);
      this.#groupNames.add(name);
    }
    this.pos += text.length;
    const node = this.choice(withFlags(flags, on ?? '', off ?? ''), depth + 1);
    if (this.#peek() !== ')') refuse(start, 'this ( has no )');
    this.pos += 1;
    return node;
  }

  #refuseGroup(rest: string): never {
    const known = REFUSED_GROUPS.find(([opening]) => rest.startsWith(opening));
    const what = known === undefined ? `the group (?${rest[0] ?? ''}` : `${known[1]} (?${known[0]}`;
    refuse(this.pos, `${what} is not in RE2, the regular expressions of Prometheus`);
  }
}

function withFlags(flags: Flags, on: string, off: string): Flags {
  const pick = (letter: string, now: boolean): boolean =>
    off.includes(letter) ? false : on.includes(letter) || now;
  return {
    ignoreCase: pick('i', flags.ignoreCase),
    dotAll: pick('s', flags.dotAll),
    multiLine: pick('m', flags.multiLine),
  };
}

function once(source: string, flags: Flags, codePoint?: number): RegexpNode {
  const test = new RegExp(`^[${source}]$`, flags.ignoreCase ? 'iv' : 'v');
  return { kind: 'once', codePoint: flags.ignoreCase ? undefined : codePoint, test };
}

function assertion(assertion: Assertion): RegexpNode {
  return { kind: 'assertion', assertion };
}
