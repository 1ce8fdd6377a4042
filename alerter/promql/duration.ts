import { faulty, parsed, type Parsed } from './fault.ts';

const MS_PER_SECOND = 1000;
const MS_PER_MINUTE = 60 * MS_PER_SECOND;
const MS_PER_HOUR = 60 * MS_PER_MINUTE;
const MS_PER_DAY = 24 * MS_PER_HOUR;

/** Largest first, as a duration must be written. A year has 365 days, a day 24 hours. */
const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ['y', 365 * MS_PER_DAY],
  ['w', 7 * MS_PER_DAY],
  ['d', MS_PER_DAY],
  ['h', MS_PER_HOUR],
  ['m', MS_PER_MINUTE],
  ['s', MS_PER_SECOND],
  ['ms', 1],
];

const FORM = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** The most that Prometheus holds: 2^63 nanoseconds, about 292 years. */
const DURATION_MS_MAX = Math.floor(2 ** 63 / 1e6);

const REMEDY = 'write whole numbers with units from large to small, such as 15s, 1h30m or 500ms';

/**
 * Reads a duration as Prometheus writes it: `1h30m`, `15s`, `500ms`, each unit at most once and in
 * the order y w d h m s ms. A bare `0` needs no unit. There are no signs, fractions or spaces.
 *
 * @returns milliseconds, from 0 to about 292 years.
 * @see https://prometheus.io/docs/prometheus/latest/querying/basics/#time-durations
 */
export function parseDuration(text: string): Parsed<number> {
  if (text === '0') return parsed(0);
  if (text === '') return faulty(0, 'empty duration', REMEDY);
  const match = FORM.exec(text);
  if (match === null) return faulty(0, `${JSON.stringify(text)} is not a duration`, REMEDY);
  let ms = 0;
  for (const [index, [, unitMs]] of UNITS.entries()) ms += Number(match[index + 1] ?? 0) * unitMs;
  if (ms > DURATION_MS_MAX) return faulty(0, `duration ${text} is longer than 292 years`);
  return parsed(ms);
}

/**
 * Writes a duration so that `parseDuration` reads the same number back. Years and weeks are used
 * only when they come out even, because 90d reads better than 12w6d.
 *
 * @param durationMs whole milliseconds, 0 or more.
 */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return '0s';
  let rest = durationMs;
  let text = '';
  for (const [unit, unitMs] of UNITS) {
    if ((unit === 'y' || unit === 'w') && rest % unitMs !== 0) continue;
    const count = Math.floor(rest / unitMs);
    if (count === 0) continue;
    text += `${count}${unit}`;
    rest -= count * unitMs;
  }
  return text;
}
