import { COUNTER, GAUGE, GROUP_LABEL, TOP_COUNT } from './question.ts';
import type { Question, QuestionKind } from './question.ts';

/*
 * The questions as SQL on the views that docs/schema.md describes. Parameters: the instance, the window's ends in
 * milliseconds since 1970, the first of which is not part of it. Answers have the columns `key` and `value`; that of
 * `host` has `name` and `labels` instead of `key`.
 */

const WITHIN = `
    start = fromUnixTimestamp64Milli({from:Int64} + 1), end = fromUnixTimestamp64Milli({to:Int64} + 1)`;

export const OUR_QUERIES: Readonly<Record<QuestionKind, string>> = {
  range: `
SELECT toString(toUnixTimestamp64Milli(time)) AS key, value
FROM metric_of_host(name = '${GAUGE}', instance = {instance:String}, ${WITHIN})
ORDER BY time`,

  top: `
SELECT instance AS key, argMax(value, time) AS value
FROM metric(name = '${COUNTER}', ${WITHIN})
GROUP BY instance
ORDER BY value DESC
LIMIT ${TOP_COUNT}`,

  host: `
SELECT name, labels, argMax(value, time) AS value
FROM host(instance = {instance:String}, ${WITHIN})
GROUP BY name, labels`,

  average: `
SELECT target_labels['${GROUP_LABEL}'] AS key, avg(value) AS value
FROM metric(name = '${GAUGE}', ${WITHIN})
GROUP BY key`,
};

/** Of what is asked for at an instant, the newest sample within so many intervals counts. */
const INTERVALS_AT_INSTANT = 3;

export function parametersOf(
  { kind, instance, atMs, windowMs }: Question,
  intervalMs: number,
): Record<string, unknown> {
  const isAtInstant = kind === 'top' || kind === 'host';
  const from = Math.round(atMs - (isAtInstant ? INTERVALS_AT_INSTANT * intervalMs : windowMs));
  return { instance, from: String(from), to: String(Math.round(atMs)) };
}
