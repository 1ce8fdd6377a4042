import type { SeriesInfo } from '../../pipeline/wire/catalogue.ts';

/** One series over all ticks of a recording. */
export interface RecordedSeries extends SeriesInfo {
  /** A value a tick; 0 where there was none. */
  readonly values: Float64Array;
  /** 1 where there was a value, else 0; a byte a tick. */
  readonly present: Uint8Array;
}

/** What a real agent said over a while: every value of every series, tick by tick. */
export interface Recording {
  readonly intervalMs: number;
  readonly ticks: number;
  readonly series: readonly RecordedSeries[];
}

/** Whether the series had a value at every tick. */
export function isWhole({ present }: Pick<RecordedSeries, 'present'>): boolean {
  return present.every((each) => each === 1);
}

/** Whether it has at least two different values. */
export function doesVary({ values, present }: Omit<RecordedSeries, keyof SeriesInfo>): boolean {
  const first = values[present.indexOf(1)];
  return values.some((value, tick) => present[tick] === 1 && !Object.is(value, first));
}
