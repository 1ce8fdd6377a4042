/**
 * Numbers and strings as Go's package fmt prints them, which is what Prometheus' templates show.
 * @see https://pkg.go.dev/fmt#hdr-Printing
 */

/** Beyond this many digits the decimals of a double are noise, and JavaScript prints no more. */
export const PRECISION_MAX = 50;

/** Prints like `%.{precision}f`. */
export function formatFixed(value: number, precision: number): string {
  if (!Number.isFinite(value)) return formatSpecial(value);
  const sign = isNegative(value) ? '-' : '';
  const size = Math.abs(value);
  if (size >= 1e21) {
    const fraction = precision === 0 ? '' : `.${'0'.repeat(precision)}`;
    return `${sign}${BigInt(size)}${fraction}`;
  }
  // Go rounds an exact half to even, toFixed away from zero.
  const exact = size.toFixed(100);
  const cut = exact.length - 100 + precision - (precision === 0 ? 1 : 0);
  const kept = exact.slice(0, cut);
  const isHalf = /^\.?50*$/.test(exact.slice(cut));
  return sign + (isHalf && isEven(kept) ? kept : size.toFixed(precision));
}

/** Prints like `%.{precision}e`, or with the fewest digits that read back when it is undefined. */
export function formatExponent(value: number, precision: number | undefined): string {
  if (!Number.isFinite(value)) return formatSpecial(value);
  const { digits, exponent } = digitsOf(
    Math.abs(value),
    precision === undefined ? undefined : precision + 1,
  );
  return (isNegative(value) ? '-' : '') + withExponent(digits, exponent);
}

/**
 * Prints like `%.{precision}g`: with an exponent below -4 and from `precision` on, else without;
 * never with trailing zeros. Like `%v` when `precision` is undefined: as many digits as it takes to
 * read the same number back, and an exponent from 6 on, so that a million is `1e+06`.
 */
export function formatGeneral(value: number, precision: number | undefined): string {
  if (!Number.isFinite(value)) return formatSpecial(value);
  const sign = isNegative(value) ? '-' : '';
  const count = precision === 0 ? 1 : precision;
  const rounded = digitsOf(Math.abs(value), count);
  const digits = rounded.digits.replace(/(?<=.)0+$/, '');
  const { exponent } = rounded;
  if (exponent < -4 || exponent >= (count ?? 6)) return sign + withExponent(digits, exponent);
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const fraction = digits.slice(exponent + 1);
  return sign + whole + (fraction === '' ? '' : `.${fraction}`);
}

/** Prints like `%q`: in double quotes, with escapes for what cannot be seen. */
export function formatQuoted(text: string): string {
  let quoted = '"';
  for (const char of text) quoted += quotedCharacter(char);
  return `${quoted}"`;
}

const QUOTED: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\u0007', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
]);

/** What Go calls printable: letters, marks, numbers, punctuation, symbols and the plain space. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

function quotedCharacter(char: string): string {
  const known = QUOTED.get(char);
  if (known !== undefined) return known;
  if (PRINTABLE.test(char)) return char;
  const hex = (char.codePointAt(0) as number).toString(16);
  if (hex.length <= 2) return `\\x${hex.padStart(2, '0')}`;
  return hex.length <= 4 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

function formatSpecial(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

function isNegative(value: number): boolean {
  return value < 0 || Object.is(value, -0);
}

function isEven(digits: string): boolean {
  return Number(digits.at(-1)) % 2 === 0;
}

/** A number above 0 as `d.ddd × 10^exponent`; the point is left out of `digits`. */
interface Digits {
  readonly digits: string;
  readonly exponent: number;
}

/** `count` significant digits, rounded half to even; as many as it takes for undefined. */
function digitsOf(size: number, count: number | undefined): Digits {
  if (count === undefined) return splitExponent(size.toExponential());
  const exact = splitExponent(size.toExponential(100));
  const kept = exact.digits.slice(0, count);
  const isHalf = /^50*$/.test(exact.digits.slice(count));
  if (isHalf && isEven(kept)) return { digits: kept, exponent: exact.exponent };
  return splitExponent(size.toExponential(count - 1));
}

function splitExponent(text: string): Digits {
  const [mantissa = '', exponent = '0'] = text.split('e');
  return { digits: mantissa.replace('.', ''), exponent: Number(exponent) };
}

function withExponent(digits: string, exponent: number): string {
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
  const size = String(Math.abs(exponent)).padStart(2, '0');
  return `${digits[0] ?? ''}${fraction}e${exponent < 0 ? '-' : '+'}${size}`;
}
