import { Engine } from '../../alerter/promql/engine/engine.ts';
import { parseExpression } from '../../alerter/promql/parser.ts';
import { isCode } from '../../pipeline/error.ts';
import { STEP_MS } from './made-up-series.ts';
import type { MadeUpSeries } from './made-up-series.ts';
import type { Answer, Question } from './promtool.ts';

/** As Prometheus is when nobody says otherwise. */
const LOOKBACK_MS = 300_000;
/** Of the larger one: sums depend on their order, and functions of the library on who wrote it. */
const TOLERANCE = 1e-9;

/** What our own engine makes of a question. @throws RollcallError `rules_invalid` if it cannot be parsed */
export function ownAnswer(series: MadeUpSeries, { expr, atMs }: Question): Answer {
  const parsed = parseExpression(expr);
  if (!parsed.ok) throw new Error(`${expr}: ${parsed.faults[0]!.message}`);
  const engine = new Engine(series, { lookbackMs: LOOKBACK_MS, stepMs: STEP_MS });
  try {
    const samples = engine.evaluate(parsed.value, atMs).map(({ labels, value }) => {
      const pairs = labels.pairs.map(([name, text]) => `${name}=${JSON.stringify(text)}`);
      return [`{${pairs.join(', ')}}`, value] as const;
    });
    return new Map(samples);
  } catch (error) {
    if (isCode(error, 'evaluation_failed')) return 'error';
    throw error;
  }
}

/**
 * Whether a question may be answered in another way. To newer versions of Prometheus than Debian's, and to us, the spread of a single value
 * that is infinite or NaN is not 0; and the last bits of a number become a label.
 */
export function isDeviation({ expr }: Question): boolean {
  return /\b(?:stddev|stdvar|count_values)\b/.test(expr);
}

/** Whether two answers are the same, however the last bits are. */
export function isSame(question: Question, one: Answer, other: Answer): boolean {
  if (one === 'error' || other === 'error') return one === other;
  if (one.size !== other.size) return false;
  // Of several that are equal any may be the largest.
  if (/\b(?:topk|bottomk)\b/.test(question.expr))
    return isSameSet([...one.values()], [...other.values()]);
  return [...one].every(([labels, value]) => {
    return other.has(labels) && isNear(value, other.get(labels)!);
  });
}

function isSameSet(one: number[], other: number[]): boolean {
  const [a, b] = [one.toSorted(compare), other.toSorted(compare)];
  return a.every((value, i) => isNear(value, b[i]!));
}

const compare = (a: number, b: number): number =>
  Number.isNaN(a) || Number.isNaN(b) ? Number(Number.isNaN(a)) - Number(Number.isNaN(b)) : a - b;

function isNear(a: number, b: number): boolean {
  if (Object.is(a, b) || a === b) return true;
  return Math.abs(a - b) <= TOLERANCE * Math.max(Math.abs(a), Math.abs(b));
}
