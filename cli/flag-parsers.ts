import { InvalidArgumentError } from 'commander';

/** Parsers for the flags of commands that take no configuration. */

/** A whole number within bounds; what it refuses names them. */
export function wholeNumber(
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    const bounds = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
    throw new InvalidArgumentError(`expected a whole number ${bounds}`);
  };
}

/** The time between two ticks, in milliseconds: 100 ms to 60 s. */
export function tickInterval(text: string): number {
  const [, digits, unit] = /^(\d{1,6})(ms|s)$/.exec(text) ?? [];
  const ms = Number(digits) * (unit === 's' ? 1000 : 1);
  if (ms >= 100 && ms <= 60_000) return ms;
  throw new InvalidArgumentError('expected a duration from 100ms to 60s, such as 5s');
}
