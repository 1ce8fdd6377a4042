import type { Aggregation, AggregationOperator } from '../expression.ts';
import type { Labels } from './labels.ts';
import { byValue, quantileOf } from './statistics.ts';
import { evaluationError } from './value.ts';
import type { VectorSample } from './value.ts';

interface Group {
  readonly labels: Labels;
  readonly samples: VectorSample[];
}

/** What an aggregation is given besides the vector: a number for most, a label for `count_values`. */
export type AggregationParameter = number | string | undefined;

/** @throws RollcallError `evaluation_failed` */
export function aggregate(
  aggregation: Pick<Aggregation, 'operator' | 'labels' | 'isWithout'>,
  vector: readonly VectorSample[],
  parameter: AggregationParameter,
): VectorSample[] {
  const { operator } = aggregation;
  const groups = [...groupsOf(aggregation, vector).values()];
  if (operator === 'topk' || operator === 'bottomk') {
    return groups.flatMap(({ samples }) =>
      firstOf(samples, Number(parameter), operator === 'topk'),
    );
  }
  if (operator === 'count_values') {
    return groups.flatMap((group) => countsOf(group, String(parameter)));
  }
  return groups.map(({ labels, samples }) => ({
    labels,
    value: reduce(
      operator,
      samples.map(({ value }) => value),
      parameter,
    ),
  }));
}

function groupsOf(
  { labels, isWithout }: Pick<Aggregation, 'labels' | 'isWithout'>,
  vector: readonly VectorSample[],
): Map<string, Group> {
  const names = new Set(isWithout ? [...labels, '__name__'] : labels);
  const groups = new Map<string, Group>();
  for (const sample of vector) {
    const own = isWithout ? sample.labels.without(names) : sample.labels.only(names);
    const group = groups.get(own.key);
    if (group === undefined) groups.set(own.key, { labels: own, samples: [sample] });
    else group.samples.push(sample);
  }
  return groups;
}

function reduce(
  operator: AggregationOperator,
  values: readonly number[],
  parameter: AggregationParameter,
): number {
  switch (operator) {
    case 'sum':
      return values.reduce((sum, value) => sum + value);
    case 'avg':
      return runningMean(values);
    case 'min':
      return values.reduce((best, value) => (best > value || Number.isNaN(best) ? value : best));
    case 'max':
      return values.reduce((best, value) => (best < value || Number.isNaN(best) ? value : best));
    case 'count':
      return values.length;
    case 'group':
      return 1;
    case 'stddev':
      return Math.sqrt(runningVariance(values));
    case 'stdvar':
      return runningVariance(values);
    default:
      return quantileOf(Number(parameter), values);
  }
}

/** Without overflow, and without the care that ranges are given: as Prometheus does. */
function runningMean(values: readonly number[]): number {
  let mean = values[0]!;
  for (const [i, value] of values.entries()) {
    if (i === 0) continue;
    if (Math.abs(mean) === Infinity && (value === mean || Number.isFinite(value))) continue;
    mean += value / (i + 1) - mean / (i + 1);
  }
  return mean;
}

function runningVariance(values: readonly number[]): number {
  let [mean, squares] = [0, 0];
  for (const [i, value] of values.entries()) {
    const delta = value - mean;
    mean += delta / (i + 1);
    squares += delta * (value - mean);
  }
  return squares / values.length;
}

/** @throws RollcallError `evaluation_failed` */
function firstOf(
  samples: readonly VectorSample[],
  count: number,
  isLargest: boolean,
): VectorSample[] {
  if (Number.isNaN(count) || Math.abs(count) > Number.MAX_SAFE_INTEGER) {
    throw evaluationError(`topk and bottomk need a whole number, and this is ${count}`);
  }
  // NaN comes last in both.
  const order = isLargest
    ? (a: VectorSample, b: VectorSample) => byValue(b.value, a.value)
    : (a: VectorSample, b: VectorSample) => nanLast(a.value, b.value);
  return samples.toSorted(order).slice(0, Math.max(0, Math.trunc(count)));
}

export function nanLast(a: number, b: number): number {
  const [isA, isB] = [Number.isNaN(a), Number.isNaN(b)];
  return isA || isB ? Number(isA) - Number(isB) : byValue(a, b);
}

function countsOf({ labels, samples }: Group, label: string): VectorSample[] {
  const counts = Map.groupBy(samples, ({ value }) => formatValue(value));
  return [...counts].map(([text, same]) => ({
    labels: labels.with(label, text),
    value: same.length,
  }));
}

/** In full, without an exponent. */
function formatValue(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const text = String(value);
  const [, sign, digits, exponent] = /^(-?)([\d.]+)e([+-]\d+)$/.exec(text) ?? [];
  if (digits === undefined) return text;
  const [whole, fraction = ''] = digits.split('.');
  const shift = Number(exponent);
  if (shift >= 0) return `${sign}${whole}${fraction.padEnd(shift, '0')}`;
  return `${sign}0.${'0'.repeat(-shift - 1)}${whole}${fraction}`;
}
