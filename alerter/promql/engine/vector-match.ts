import { isComparison } from '../expression.ts';
import type { BinaryExpression, Matching } from '../expression.ts';
import { combine } from './arithmetic.ts';
import type { Labels } from './labels.ts';
import { evaluationError } from './value.ts';
import type { VectorSample } from './value.ts';

type Operands = readonly [left: readonly VectorSample[], right: readonly VectorSample[]];
type Signature = (labels: Labels) => string;

/** What labels of two series must be the same in, as a text. */
function signatureOf({ isOn, labels }: Matching): Signature {
  const names = new Set(isOn ? labels : [...labels, '__name__']);
  return (each) => (isOn ? each.only(names) : each.without(names)).key;
}

/** `and`, `or`, `unless`. */
export function combineSets(expr: BinaryExpression, [left, right]: Operands): VectorSample[] {
  const signature = signatureOf(expr.matching!);
  const keys = (vector: readonly VectorSample[]): Set<string> =>
    new Set(vector.map(({ labels }) => signature(labels)));
  if (expr.operator === 'or') {
    const known = keys(left);
    return [...left, ...right.filter(({ labels }) => !known.has(signature(labels)))];
  }
  const known = keys(right);
  const isAnd = expr.operator === 'and';
  return left.filter(({ labels }) => known.has(signature(labels)) === isAnd);
}

/**
 * Each sample with the one that belongs to it.
 *
 * @throws RollcallError `evaluation_failed` where more than one would
 */
export function combineVectors(expr: BinaryExpression, [left, right]: Operands): VectorSample[] {
  // Then nobody asks whether several would be the same.
  if (left.length === 0 || right.length === 0) return [];
  const matching = expr.matching!;
  const signature = signatureOf(matching);
  const isOneLeft = matching.cardinality === 'one-to-many';
  const [many, one] = isOneLeft ? [right, left] : [left, right];
  const ones = new Map<string, VectorSample>();
  for (const sample of one) {
    const key = signature(sample.labels);
    const other = ones.get(key);
    if (other !== undefined)
      throw severalMatch(expr, isOneLeft ? 'left' : 'right', [other, sample]);
    ones.set(key, sample);
  }
  const isGrouped = matching.cardinality !== 'one-to-one';
  const found = new Map<string, VectorSample>();
  const samples: VectorSample[] = [];
  for (const sample of many) {
    const key = signature(sample.labels);
    const partner = ones.get(key);
    if (partner === undefined) continue;
    const [a, b] = isOneLeft ? [partner, sample] : [sample, partner];
    const value = combine(expr.operator, expr.isBool, a.value, b.value);
    if (value === undefined) continue;
    const labels = resultLabels(expr, sample.labels, partner.labels);
    const place = isGrouped ? `${key} ${labels.key}` : key;
    const twin = found.get(place);
    if (twin !== undefined) throw severalMatch(expr, isOneLeft ? 'right' : 'left', [twin, sample]);
    found.set(place, sample);
    samples.push({ labels, value });
  }
  return samples;
}

function resultLabels(
  { operator, isBool, matching }: BinaryExpression,
  many: Labels,
  one: Labels,
): Labels {
  const { cardinality, isOn, labels, include } = matching!;
  let result = isBool || !isComparison(operator) ? many.nameless : many;
  if (cardinality === 'one-to-one') {
    const names = new Set(labels);
    result = isOn ? result.only(names) : result.without(names);
  }
  for (const name of include) result = result.with(name, one.get(name));
  return result;
}

function severalMatch(
  { matching }: BinaryExpression,
  side: 'left' | 'right',
  several: readonly VectorSample[],
): Error {
  const what = matching!.isOn ? `on (${matching!.labels.join(', ')})` : 'these labels';
  const shown = several.map(({ labels }) => labels.key).join(' and ');
  return evaluationError(`several series on the ${side} side are the same in ${what}: ${shown}`);
}
