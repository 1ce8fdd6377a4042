import {
  PRECISION_MAX,
  formatExponent,
  formatFixed,
  formatGeneral,
  formatQuoted,
} from './go-format.ts';
import { faulty, parsed, type Parsed } from '../promql/fault.ts';

/** What an argument is at the time of printing; `int` comes from literals only. */
export type ValueType = 'string' | 'float' | 'int';

/** Prints arguments of the types that it was compiled for. */
export type Printer = (args: readonly (string | number)[]) => string;

const WIDTH_MAX = 1000;

const DIRECTIVE = /%([-+ 0#]*)(\*|\d*)(?:(\.)(\*|\d*))?(.?)/gsu;

/** Per type: its verbs, and what to write instead of one that prints garbage in Go. */
const VERBS: Readonly<Record<ValueType, { readonly verbs: string; readonly instead: string }>> = {
  string: { verbs: 'qsv', instead: '%s or %q' },
  float: { verbs: 'EFGefgv', instead: '%f, %.2f, %g or %v' },
  int: { verbs: 'dv', instead: '%d or %v' },
};

interface Directive {
  readonly flags: string;
  readonly width: number;
  readonly precision: number | undefined;
  readonly verb: string;
}

/**
 * Compiles a format of Go's `printf` for arguments of known types. Whatever Go would print as
 * `%!d(float64=5)` is refused instead.
 *
 * @see https://pkg.go.dev/fmt#hdr-Printing
 */
export function compilePrintf(format: string, types: readonly ValueType[]): Parsed<Printer> {
  const parts: (string | Directive)[] = [];
  let at = 0;
  let used = 0;
  for (const match of format.matchAll(DIRECTIVE)) {
    parts.push(format.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[0] === '%%') {
      parts.push('%');
      continue;
    }
    const type = types[used];
    const refusal = refusalOf(match, type);
    if (refusal !== undefined || type === undefined) {
      return faulty(match.index, refusal ?? `${match[0]} has no argument`);
    }
    parts.push({
      flags: match[1] ?? '',
      width: Number(match[2]),
      precision: match[3] === undefined ? undefined : Number(match[4]),
      verb: match[5] ?? '',
    });
    used += 1;
  }
  if (used < types.length) {
    return faulty(format.length, `printf has ${types.length - used} more arguments than verbs`);
  }
  parts.push(format.slice(at));
  return parsed((args) => print(parts, args));
}

function refusalOf(match: RegExpExecArray, type: ValueType | undefined): string | undefined {
  const [whole, flags = '', width = '', , precision = '', verb = ''] = match;
  if (verb === '') return `${whole} has no verb`;
  if (width === '*' || precision === '*') return `* in ${whole} is not supported`;
  if (Number(width) > WIDTH_MAX) return `${whole} is wider than ${WIDTH_MAX}`;
  if (Number(precision) > PRECISION_MAX)
    return `${whole} asks for more than ${PRECISION_MAX} digits`;
  if (type === undefined) return undefined;
  const { verbs, instead } = VERBS[type];
  if (!verbs.includes(verb)) {
    const kind = { string: 'a string', float: 'a floating-point number', int: 'a whole number' };
    return `${whole} does not print ${kind[type]}: use ${instead}`;
  }
  const odd = type === 'string' ? /[#+ 0]/ : /#/;
  if (odd.test(flags)) return `the flags of ${whole} are not supported here`;
  return type === 'int' && match[3] !== undefined
    ? `${whole} has a precision, which whole numbers do not have`
    : undefined;
}

function print(parts: readonly (string | Directive)[], args: readonly (string | number)[]): string {
  let text = '';
  let next = 0;
  for (const part of parts) {
    if (typeof part === 'string') {
      text += part;
      continue;
    }
    const arg = args[next] ?? '';
    next += 1;
    text += typeof arg === 'string' ? printString(part, arg) : printNumber(part, arg);
  }
  return text;
}

function printString({ flags, width, precision, verb }: Directive, value: string): string {
  const cut = precision === undefined ? value : Array.from(value).slice(0, precision).join('');
  return padded(verb === 'q' ? formatQuoted(cut) : cut, flags, width);
}

function printNumber({ flags, width, precision, verb }: Directive, value: number): string {
  let text = numberText(value, precision, verb);
  const isFinite = Number.isFinite(value);
  // With %v a + asks for more detail of structures, not for a sign.
  if (flags.includes('+') && verb !== 'v') text = text.replace(/^(?![-+])/, '+');
  else if (flags.includes(' ')) text = text.replace(/^(?:\+|(?!-))/, ' ');
  if (!flags.includes('0') || flags.includes('-') || !isFinite) return padded(text, flags, width);
  const sign = /^[-+ ]?/.exec(text)?.[0] ?? '';
  return sign + text.slice(sign.length).padStart(width - sign.length, '0');
}

function numberText(value: number, precision: number | undefined, verb: string): string {
  if (verb === 'd') return String(value);
  if (verb === 'f' || verb === 'F') return formatFixed(value, precision ?? 6);
  if (verb === 'e') return formatExponent(value, precision ?? 6);
  if (verb === 'E') return formatExponent(value, precision ?? 6).replace('e', 'E');
  const text = formatGeneral(value, precision);
  return verb === 'G' ? text.replace('e', 'E') : text;
}

/** Widths count characters, not code units. */
function padded(text: string, flags: string, width: number): string {
  const missing = ' '.repeat(Math.max(0, width - Array.from(text).length));
  return flags.includes('-') ? text + missing : missing + text;
}
