import { parseDuration } from './duration.ts';
import { faulty, parsed, type Parsed } from './fault.ts';

const INT64_MAX = 2n ** 63n - 1n;

const WORD = /^(?:inf|nan)$/i;
const HEX = /^0x[0-9a-fA-F]+$/;
/** Go's `strconv.ParseInt` with base 0 takes a leading zero for octal, and so does PromQL. */
const OCTAL = /^0(?:_?[0-7])+$/;
const DECIMAL = /^(?:\d(?:_?\d)*(?:\.\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?$/;

/**
 * Reads a number of PromQL without its sign: `5`, `1.5e3`, `1_000`, `0x1F`, `017` (octal), `Inf`,
 * `NaN`, or a duration, which counts seconds (`1h30m` is 5400).
 *
 * @see https://prometheus.io/docs/prometheus/latest/querying/basics/#float-literals-and-time-durations
 */
export function parseNumberLiteral(text: string): Parsed<number> {
  if (WORD.test(text)) return parsed(text.toLowerCase() === 'inf' ? Infinity : NaN);
  if (HEX.test(text)) return wholeNumber(text, text);
  if (OCTAL.test(text)) return wholeNumber(text, `0o${text.slice(1)}`);
  if (DECIMAL.test(text)) {
    const value = Number(text.replaceAll('_', ''));
    return Number.isFinite(value) ? parsed(value) : faulty(0, `number ${text} is too large`);
  }
  const duration = parseDuration(text);
  if (!duration.ok) return faulty(0, `${JSON.stringify(text)} is not a number`);
  if (duration.value === 0) return faulty(0, 'a duration used as a number must be more than 0');
  return parsed(duration.value / 1000);
}

/** Writes a number so that it reads back to the same bits, NaN payloads aside. */
export function formatNumberLiteral(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  return Object.is(value, -0) ? '-0' : String(value);
}

function wholeNumber(text: string, javascript: string): Parsed<number> {
  const value = BigInt(javascript.replaceAll('_', ''));
  if (value > INT64_MAX) return faulty(0, `number ${text} does not fit in 64 bits`);
  return parsed(Number(value));
}
