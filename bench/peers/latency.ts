import type { Latency } from './peers-report.ts';

/** Quantiles by nearest rank; NaN when there is nothing. */
export function latencyOf(durationsMs: readonly number[]): Latency {
  const ascending = durationsMs.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    ascending[Math.max(0, Math.ceil(share * ascending.length) - 1)] ?? NaN;
  return { runs: ascending.length, p50_ms: at(0.5), p95_ms: at(0.95), max_ms: at(1) };
}
