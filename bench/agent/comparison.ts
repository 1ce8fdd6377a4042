import type { TextSeries } from './exposition-reader.ts';
import { differences, type Difference } from './difference.ts';
import { selection, type Profile } from '../../agent/profile.ts';
import { isWithin } from './tolerance.ts';

type Reading = ReadonlyMap<string, TextSeries>;

export interface Finding {
  readonly series: string;
  readonly what: string;
}

/** What a comparison found; `unexplained` is meant to be empty. */
export interface Comparison {
  /** Series that both have, with the same type and value. */
  readonly agreed: number;
  readonly explained: readonly Finding[];
  readonly unexplained: readonly Finding[];
}

/**
 * Compares a reading of the agent with two of the peer, one taken before and one after it. A
 * counter has to lie between them, a gauge too or within a stated tolerance. What the peer read
 * only once came or went in between, and is left out, as is what the profile does not keep.
 */
export function compare(
  before: Reading,
  agent: Reading,
  after: Reading,
  profile: Profile,
): Comparison {
  const wants = selection({ profile });
  const explained: Finding[] = [];
  const unexplained: Finding[] = [];
  let agreed = 0;
  for (const [key, first] of before) {
    const last = after.get(key);
    if (last === undefined || !wants(first.name, '')) continue;
    const what = disagreement(first, agent.get(key), last);
    if (what === undefined) agreed += 1;
    else file({ series: key, what }, agent.has(key) ? 'other' : 'absent');
  }
  for (const key of agent.keys()) {
    if (before.has(key) || after.has(key)) continue;
    file({ series: key, what: 'only the agent has it' }, 'more');
  }
  return { agreed, explained, unexplained };

  function file(finding: Finding, kind: Difference['kind']): void {
    const meant = differences.find((one) => one.kind === kind && one.series.test(finding.series));
    if (meant === undefined) unexplained.push(finding);
    else explained.push({ ...finding, what: meant.reason });
  }
}

function disagreement(
  first: TextSeries,
  ours: TextSeries | undefined,
  last: TextSeries,
): string | undefined {
  if (ours === undefined) return 'the agent does not have it';
  if (ours.type !== first.type) return `type ${ours.type} instead of ${first.type}`;
  const [low, high] = [Math.min(first.value, last.value), Math.max(first.value, last.value)];
  if (isWithin(first.name, ours.value, low, high)) return undefined;
  return `${ours.value} is not between ${first.value} and ${last.value}`;
}

/** What still differs in every one of several comparisons: a passing disturbance is no difference. */
export function lasting(comparisons: readonly Comparison[]): readonly Finding[] {
  const [first, ...others] = comparisons;
  return (first?.unexplained ?? []).filter(({ series }) =>
    others.every(({ unexplained }) => unexplained.some((one) => one.series === series)),
  );
}
