import type { VectorSelector } from '../expression.ts';
import type { Labels } from './labels.ts';

/** What an engine asks for samples. */
export interface SeriesSource {
  /** All series that a selector means, with their samples of a span of time, both ends included; its offset is not looked at. */
  select(selector: VectorSelector, fromMs: number, toMs: number): readonly SourceSeries[];
}

export interface SourceSeries {
  readonly labels: Labels;
  /** The oldest first. */
  readonly samples: readonly SourceSample[];
}

export interface SourceSample {
  readonly timeMs: number;
  /** Undefined: the series ended here, and is not there until it has another one. */
  readonly value: number | undefined;
}

/** Whether a selector means a series with these labels. */
export function isMeant({ metric, matchers }: VectorSelector, labels: Labels): boolean {
  if (metric !== undefined && labels.get('__name__') !== metric) return false;
  return matchers.every((matcher) => matcher.matches(labels.get(matcher.name)));
}
