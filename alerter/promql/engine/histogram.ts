import type { Labels } from './labels.ts';
import type { VectorSample } from './value.ts';

interface Bucket {
  readonly upperBound: number;
  readonly count: number;
}

const BUCKET_LABELS: ReadonlySet<string> = new Set(['le', '__name__']);

/** The quantile of each histogram in a vector of its buckets, linear within a bucket. */
export function histogramQuantiles(share: number, vector: readonly VectorSample[]): VectorSample[] {
  const histograms = new Map<string, { labels: Labels; buckets: Bucket[] }>();
  for (const { labels, value } of vector) {
    const upperBound = boundOf(labels.get('le'));
    if (upperBound === undefined) continue;
    const own = labels.without(BUCKET_LABELS);
    const histogram = histograms.get(own.key) ?? { labels: own, buckets: [] };
    histograms.set(own.key, histogram);
    histogram.buckets.push({ upperBound, count: value });
  }
  return [...histograms.values()].map(({ labels, buckets }) => ({
    labels,
    value: bucketQuantile(share, buckets),
  }));
}

function boundOf(text: string): number | undefined {
  if (/^\+?inf$/i.test(text)) return Infinity;
  if (/^-inf$/i.test(text)) return -Infinity;
  return text.trim() === '' || Number.isNaN(Number(text)) ? undefined : Number(text);
}

function bucketQuantile(share: number, unordered: readonly Bucket[]): number {
  if (Number.isNaN(share)) return NaN;
  if (share < 0) return -Infinity;
  if (share > 1) return Infinity;
  const buckets = ascending(unordered);
  const total = buckets.at(-1);
  if (total?.upperBound !== Infinity || buckets.length < 2) return NaN;
  if (total.count === 0 || Number.isNaN(total.count)) return NaN;
  const rank = share * total.count;
  const found = buckets.slice(0, -1).findIndex(({ count }) => count >= rank);
  const at = found < 0 ? buckets.length - 1 : found;
  if (at === buckets.length - 1) return buckets.at(-2)!.upperBound;
  const { upperBound, count } = buckets[at]!;
  if (at === 0 && upperBound <= 0) return upperBound;
  const below = at === 0 ? { upperBound: 0, count: 0 } : buckets[at - 1]!;
  const inBucket = count - below.count;
  return below.upperBound + (upperBound - below.upperBound) * ((rank - below.count) / inBucket);
}

/** By bound, those of one bound added up, and no count below the one before: scrapes may have come in between. */
function ascending(unordered: readonly Bucket[]): Bucket[] {
  const buckets: Bucket[] = [];
  for (const { upperBound, count } of unordered.toSorted((a, b) => a.upperBound - b.upperBound)) {
    const before = buckets.at(-1);
    if (before?.upperBound === upperBound) {
      buckets[buckets.length - 1] = { upperBound, count: before.count + count };
    } else buckets.push({ upperBound, count });
  }
  let most = -Infinity;
  return buckets.map(({ upperBound, count }) => {
    most = Math.max(most, Number.isNaN(count) ? most : count);
    return { upperBound, count: count < most ? most : count };
  });
}
