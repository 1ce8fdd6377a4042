import type { Answer } from './question.ts';

/**
 * Numbers that differ by less than this share of the larger one are the same: an average depends on the order of its
 * additions, and VictoriaMetrics stores numbers as decimals.
 */
export const TOLERANCE = 1e-9;
const EXAMPLES_MAX = 3;

/** How two answers differ, in a few words; undefined if they do not. */
export function difference(expected: Answer, actual: Answer): string | undefined {
  const found: string[] = [];
  for (const [key, value] of expected) {
    const other = actual.get(key);
    if (other === undefined) found.push(`${key} is missing`);
    else if (!isSame(value, other)) found.push(`${key} is ${other} instead of ${value}`);
  }
  for (const key of actual.keys()) if (!expected.has(key)) found.push(`${key} is too much`);
  if (found.length === 0) return undefined;
  const more = found.length - EXAMPLES_MAX;
  return [...found.slice(0, EXAMPLES_MAX), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

function isSame(a: number, b: number): boolean {
  if (Object.is(a, b) || a === b) return true;
  return Math.abs(a - b) <= TOLERANCE * Math.max(Math.abs(a), Math.abs(b));
}
