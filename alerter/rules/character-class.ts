import { faulty, parsed, type Parsed } from './problem.ts';

/** One position of a regular expression: which code points it takes, written as a JS class. */
export interface CharacterClass {
  /** Source of a class for the `v` flag, such as `[\u{61}-\u{7a}]`. */
  readonly source: string;
  /** Where the class ends in the pattern. */
  readonly end: number;
}

const DIGIT = String.raw`\u{30}-\u{39}`;
const UPPER = String.raw`\u{41}-\u{5a}`;
const LOWER = String.raw`\u{61}-\u{7a}`;
const WORD = `${DIGIT}${UPPER}${LOWER}\\u{5f}`;
/** RE2's `\s` lacks the vertical tab and everything outside ASCII. */
const SPACE = String.raw`\u{9}\u{a}\u{c}\u{d}\u{20}`;

/** `\d`, `\s`, `\w`: ASCII only, unlike those of JavaScript. */
const PERL: Readonly<Record<string, string>> = { d: DIGIT, s: SPACE, w: WORD };

/** The names in `[[:name:]]`. */
const POSIX: ReadonlyMap<string, string> = new Map([
  ['alnum', `${DIGIT}${UPPER}${LOWER}`],
  ['alpha', `${UPPER}${LOWER}`],
  ['ascii', String.raw`\u{0}-\u{7f}`],
  ['blank', String.raw`\u{9}\u{20}`],
  ['cntrl', String.raw`\u{0}-\u{1f}\u{7f}`],
  ['digit', DIGIT],
  ['graph', String.raw`\u{21}-\u{7e}`],
  ['lower', LOWER],
  ['print', String.raw`\u{20}-\u{7e}`],
  ['punct', String.raw`\u{21}-\u{2f}\u{3a}-\u{40}\u{5b}-\u{60}\u{7b}-\u{7e}`],
  ['space', String.raw`\u{9}-\u{d}\u{20}`],
  ['upper', UPPER],
  ['word', WORD],
  ['xdigit', String.raw`${DIGIT}\u{41}-\u{46}\u{61}-\u{66}`],
]);

const CATEGORY = /^(?:C[cfos]|L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?)$/;

const CONTROL: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

const NUMERIC = /\\(?:x([0-9a-fA-F]{2})|x\{([0-9a-fA-F]+)\}|(0[0-7]{0,2}|[1-7][0-7]{1,2}))/y;

/**
 * Reads the escape of one character at `at`, which is at the backslash: `\n`, `\x7f`, `\x{10ffff}`,
 * `\177`, or an escaped ASCII punctuation mark.
 */
export function parseEscape(
  pattern: string,
  at: number,
): Parsed<{ readonly codePoint: number; readonly end: number }> {
  const char = pattern[at + 1];
  if (char === undefined) return faulty(at, 'a \\ at the end of a regular expression');
  const control = CONTROL[char];
  if (control !== undefined) return parsed({ codePoint: control, end: at + 2 });
  NUMERIC.lastIndex = at;
  const match = NUMERIC.exec(pattern);
  if (match !== null) {
    const [whole, byte, braced, octal] = match;
    const codePoint = octal === undefined ? parseInt(byte ?? braced ?? '', 16) : parseInt(octal, 8);
    if (codePoint > 0x10ffff) return faulty(at, `${whole} is beyond the last character of Unicode`);
    return parsed({ codePoint, end: at + whole.length });
  }
  if (/[1-9]/.test(char)) return faulty(at, `back-references such as \\${char} are not in RE2`);
  if (/[!-/:-@[-`{-~]/.test(char)) {
    return parsed({ codePoint: char.charCodeAt(0), end: at + 2 });
  }
  return faulty(at, `RE2 has no escape \\${char}`);
}

/**
 * Reads a named class at a backslash: `\d`, `\S`, `\pL`, `\p{Greek}`, `\P{^Lu}`.
 *
 * @returns undefined when the escape at `at` names no class.
 */
export function parseNamedClass(pattern: string, at: number): Parsed<CharacterClass> | undefined {
  const char = pattern[at + 1];
  if (char === undefined) return undefined;
  const perl = PERL[char.toLowerCase()];
  if (perl !== undefined) {
    const source = char === char.toLowerCase() ? `[${perl}]` : `[^${perl}]`;
    return parsed({ source, end: at + 2 });
  }
  if (char !== 'p' && char !== 'P') return undefined;
  const match = /^\{(\^?)([^}]*)\}|^([A-Z])/.exec(pattern.slice(at + 2));
  const name = match?.[2] ?? match?.[3] ?? '';
  const set = unicodeSet(name);
  if (match === null || set === undefined) {
    return faulty(at, `RE2 has no class ${pattern.slice(at, at + 2 + (match?.[0].length ?? 0))}`);
  }
  const negated = (char === 'P') !== (match[1] === '^');
  return parsed({ source: negated ? `[^${set}]` : `[${set}]`, end: at + 2 + match[0].length });
}

/** Reads a bracketed class; `at` is at the `[`. */
export function parseBracketClass(pattern: string, at: number): Parsed<CharacterClass> {
  let pos = at + 1;
  let source = '';
  const negated = pattern[pos] === '^';
  if (negated) pos += 1;
  // A ] that comes first is a member.
  for (let first = true; first || pattern[pos] !== ']'; first = false) {
    if (pos >= pattern.length) return faulty(at, 'this [ has no ]');
    const member = parseMember(pattern, pos);
    if (!member.ok) return member;
    source += member.value.source;
    pos = member.value.end;
  }
  return parsed({ source: `[${negated ? '^' : ''}${source}]`, end: pos + 1 });
}

/** A class of one code point, escaped whatever it is. */
export function literalClass(codePoint: number): string {
  return `\\u{${codePoint.toString(16)}}`;
}

function parseMember(pattern: string, at: number): Parsed<CharacterClass> {
  const close = pattern.startsWith('[:', at) ? pattern.indexOf(':]', at + 2) : -1;
  if (close >= 0) {
    const negated = pattern[at + 2] === '^';
    const set = POSIX.get(pattern.slice(at + (negated ? 3 : 2), close));
    if (set === undefined) return faulty(at, `RE2 has no class ${pattern.slice(at, close + 2)}`);
    return parsed({ source: `[${negated ? '^' : ''}${set}]`, end: close + 2 });
  }
  if (pattern[at] === '\\') {
    const named = parseNamedClass(pattern, at);
    if (named !== undefined) return named;
  }
  const low = parseClassCharacter(pattern, at);
  if (!low.ok) return low;
  const { codePoint, end } = low.value;
  if (pattern[end] !== '-' || pattern[end + 1] === undefined || pattern[end + 1] === ']') {
    return parsed({ source: literalClass(codePoint), end });
  }
  const high = parseClassCharacter(pattern, end + 1);
  if (!high.ok) return high;
  if (high.value.codePoint < codePoint) {
    return faulty(at, `the range ${pattern.slice(at, high.value.end)} runs backwards`);
  }
  const source = `${literalClass(codePoint)}-${literalClass(high.value.codePoint)}`;
  return parsed({ source, end: high.value.end });
}

function parseClassCharacter(
  pattern: string,
  at: number,
): Parsed<{ readonly codePoint: number; readonly end: number }> {
  if (pattern[at] === '\\') return parseEscape(pattern, at);
  const codePoint = pattern.codePointAt(at);
  if (codePoint === undefined) return faulty(at, 'a character class is not closed');
  return parsed({ codePoint, end: at + (codePoint > 0xffff ? 2 : 1) });
}

/** A general category or a script by its full name; nothing else that JavaScript knows. */
function unicodeSet(name: string): string | undefined {
  if (name === 'Any') return String.raw`\u{0}-\u{10ffff}`;
  // Go's C leaves out the unassigned code points, which are in JavaScript's.
  if (name === 'C') return String.raw`\p{Cc}\p{Cf}\p{Co}\p{Cs}`;
  if (CATEGORY.test(name)) return `\\p{${name}}`;
  if (!/^[A-Z][A-Za-z_]+$/.test(name)) return undefined;
  const set = `\\p{Script=${name}}`;
  try {
    return new RegExp(set, 'v').source;
  } catch {
    return undefined;
  }
}
