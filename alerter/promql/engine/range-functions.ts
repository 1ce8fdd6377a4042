import { lineThrough, meanOf, varianceOf, KahanSum } from './statistics.ts';
import type { Window } from './value.ts';

/** A window with the span that it was taken of, ms, both ends included. */
export interface Spanned extends Window {
  readonly startMs: number;
  readonly endMs: number;
}

/** What a function makes of one window; undefined: the series is not in the answer. */
export type RangeFunction = (window: Spanned) => number | undefined;

/**
 * How much a counter or gauge has grown over the whole span: from the first to the last sample, and from there to the ends
 * of the span, unless these are further away than samples are from each other. A counter is not taken to have been below 0.
 */
function extrapolated(
  { timesMs, values, startMs, endMs }: Spanned,
  { isCounter, isRate }: { readonly isCounter: boolean; readonly isRate: boolean },
): number | undefined {
  const count = values.length;
  if (count < 2) return undefined;
  const [first, last] = [values[0]!, values[count - 1]!];
  let growth = last - first;
  if (isCounter) {
    for (let i = 1; i < count; i += 1) if (values[i]! < values[i - 1]!) growth += values[i - 1]!;
  }
  const sampledS = (timesMs[count - 1]! - timesMs[0]!) / 1000;
  const betweenS = sampledS / (count - 1);
  let toStartS = (timesMs[0]! - startMs) / 1000;
  const toEndS = (endMs - timesMs[count - 1]!) / 1000;
  if (isCounter && growth > 0 && first >= 0) {
    toStartS = Math.min(toStartS, sampledS * (first / growth));
  }
  const near = betweenS * 1.1;
  const overS =
    sampledS +
    (toStartS < near ? toStartS : betweenS / 2) +
    (toEndS < near ? toEndS : betweenS / 2);
  const factor = overS / sampledS;
  return growth * (isRate ? factor / ((endMs - startMs) / 1000) : factor);
}

/** Between the last two samples. */
function instant({ timesMs, values }: Spanned, isRate: boolean): number | undefined {
  const count = values.length;
  if (count < 2) return undefined;
  const [before, last] = [values[count - 2]!, values[count - 1]!];
  const spanMs = timesMs[count - 1]! - timesMs[count - 2]!;
  if (spanMs === 0) return undefined;
  if (!isRate) return last - before;
  return (last < before ? last : last - before) / (spanMs / 1000);
}

function pairs(
  values: readonly number[],
  counts: (before: number, value: number) => boolean,
): number {
  let found = 0;
  for (let i = 1; i < values.length; i += 1) {
    if (counts(values[i - 1]!, values[i]!)) found += 1;
  }
  return found;
}

const isChange = (before: number, value: number): boolean =>
  value !== before && !(Number.isNaN(value) && Number.isNaN(before));

function extreme(
  values: readonly number[],
  isBeyond: (value: number, best: number) => boolean,
): number {
  return values.reduce((best, value) => {
    return isBeyond(value, best) || Number.isNaN(best) ? value : best;
  });
}

function sumOf(values: readonly number[]): number {
  const sum = new KahanSum();
  for (const value of values) sum.add(value);
  return sum.value;
}

/** Those that take a range and nothing else, but for `absent_over_time`. */
export const RANGE_FUNCTIONS: ReadonlyMap<string, RangeFunction> = new Map<string, RangeFunction>([
  ['rate', (window) => extrapolated(window, { isCounter: true, isRate: true })],
  ['increase', (window) => extrapolated(window, { isCounter: true, isRate: false })],
  ['delta', (window) => extrapolated(window, { isCounter: false, isRate: false })],
  ['irate', (window) => instant(window, true)],
  ['idelta', (window) => instant(window, false)],
  ['changes', ({ values }) => pairs(values, isChange)],
  ['resets', ({ values }) => pairs(values, (before, value) => value < before)],
  ['deriv', (window) => slope(window)],
  ['avg_over_time', ({ values }) => meanOf(values)],
  ['sum_over_time', ({ values }) => sumOf(values)],
  ['min_over_time', ({ values }) => extreme(values, (value, best) => value < best)],
  ['max_over_time', ({ values }) => extreme(values, (value, best) => value > best)],
  ['count_over_time', ({ values }) => values.length],
  ['last_over_time', ({ values }) => values.at(-1)],
  ['present_over_time', () => 1],
  ['stddev_over_time', ({ values }) => Math.sqrt(varianceOf(values))],
  ['stdvar_over_time', ({ values }) => varianceOf(values)],
]);

function slope({ timesMs, values }: Spanned): number | undefined {
  return values.length < 2 ? undefined : lineThrough(timesMs, values, timesMs[0]!).slope;
}

/** Where the line through the samples is that many seconds after the evaluation. */
export function predicted(
  { timesMs, values }: Spanned,
  atMs: number,
  seconds: number,
): number | undefined {
  if (values.length < 2) return undefined;
  const line = lineThrough(timesMs, values, atMs);
  return line.slope * seconds + line.intercept;
}
