import { RE2JS, RE2JSSyntaxException } from 're2js';
import { faulty, parsed, type Parsed } from './fault.ts';

export const PATTERN_LENGTH_MAX = 4096;

/** Decides whether a whole value matches, in time proportional to pattern times value. */
export interface RegularExpression {
  matches(value: string): boolean;
  /** What its groups matched, by number and by name, if it matches; '' for one that took no part. */
  groups(value: string): ((group: string) => string) | undefined;
}

/**
 * Compiles a regular expression of RE2, the dialect of Prometheus; `.` takes a line break too, as in
 * Prometheus 3. JavaScript's own engine reads several constructs differently and takes exponential
 * time on some, while an operator's pattern meets label values that any server may send.
 */
export function parseRegularExpression(pattern: string): Parsed<RegularExpression> {
  if (pattern.length > PATTERN_LENGTH_MAX) {
    return faulty(0, `the regular expression is longer than ${PATTERN_LENGTH_MAX} characters`);
  }
  try {
    const compiled = RE2JS.compile(pattern, RE2JS.DOTALL);
    return parsed({
      matches: (value) => compiled.matches(value),
      groups: (value) => groupsOf(compiled, value),
    });
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    return faulty(
      placeOf(pattern, error.input ?? ''),
      `${error.error} ${error.input ?? ''}`.trim(),
      'write it in RE2, the regular expressions of Prometheus: no look-around, no back-references',
    );
  }
}

function groupsOf(pattern: RE2JS, value: string): ((group: string) => string) | undefined {
  const matcher = pattern.matcher(value);
  if (!matcher.matches()) return undefined;
  const names = new Set(Object.keys(matcher.namedGroups));
  return (group) => {
    if (/^\d+$/.test(group)) {
      return Number(group) > matcher.groupCount() ? '' : (matcher.group(Number(group)) ?? '');
    }
    return names.has(group) ? (matcher.group(group) ?? '') : '';
  };
}

/** The library names the part it stumbled over, not its place. */
function placeOf(pattern: string, part: string): number {
  return Math.max(0, pattern.lastIndexOf(part));
}
