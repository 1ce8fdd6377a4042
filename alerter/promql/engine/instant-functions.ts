const DEGREES = 180 / Math.PI;

/** What a function makes of each value of a vector. */
export const VALUE_FUNCTIONS: ReadonlyMap<string, (value: number) => number> = new Map([
  ['abs', Math.abs],
  ['acos', Math.acos],
  ['acosh', Math.acosh],
  ['asin', Math.asin],
  ['asinh', Math.asinh],
  ['atan', Math.atan],
  ['atanh', Math.atanh],
  ['ceil', Math.ceil],
  ['cos', Math.cos],
  ['cosh', Math.cosh],
  ['deg', (value) => value * DEGREES],
  ['exp', Math.exp],
  ['floor', Math.floor],
  ['ln', Math.log],
  ['log10', Math.log10],
  ['log2', Math.log2],
  ['rad', (value) => value / DEGREES],
  ['sgn', Math.sign],
  ['sin', Math.sin],
  ['sinh', Math.sinh],
  ['sqrt', Math.sqrt],
  ['tan', Math.tan],
  ['tanh', Math.tanh],
]);

const dateOf = (seconds: number): Date => new Date(Math.trunc(seconds) * 1000);
const DAY_MS = 86_400_000;

/** Of a time in seconds since 1970, in UTC. */
export const DATE_FUNCTIONS: ReadonlyMap<string, (seconds: number) => number> = new Map([
  ['day_of_month', (seconds) => dateOf(seconds).getUTCDate()],
  ['day_of_week', (seconds) => dateOf(seconds).getUTCDay()],
  ['day_of_year', (seconds) => dayOfYear(dateOf(seconds))],
  ['days_in_month', (seconds) => daysInMonth(dateOf(seconds))],
  ['hour', (seconds) => dateOf(seconds).getUTCHours()],
  ['minute', (seconds) => dateOf(seconds).getUTCMinutes()],
  ['month', (seconds) => dateOf(seconds).getUTCMonth() + 1],
  ['year', (seconds) => dateOf(seconds).getUTCFullYear()],
]);

function dayOfYear(date: Date): number {
  return Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS) + 1;
}

function daysInMonth(date: Date): number {
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
}

/** To the nearest multiple, halves upwards. */
export function rounded(value: number, to: number): number {
  const inverse = 1 / to;
  return Math.floor(value * inverse + 0.5) / inverse;
}

export function clamped(value: number, min: number, max: number): number {
  return greater(min, lesser(max, value));
}

/** Of NaN and -∞ it is -∞, as in Go; of NaN and anything else NaN. */
export function lesser(a: number, b: number): number {
  return a === -Infinity || b === -Infinity ? -Infinity : Math.min(a, b);
}

export function greater(a: number, b: number): number {
  return a === Infinity || b === Infinity ? Infinity : Math.max(a, b);
}
