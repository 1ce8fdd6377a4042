import { RollcallError } from '../../../pipeline/error.ts';
import type { Labels } from './labels.ts';

/** One series at the instant of evaluation. */
export interface VectorSample {
  readonly labels: Labels;
  readonly value: number;
}

/** The samples of one series in a span of time, the oldest first. */
export interface Window {
  readonly labels: Labels;
  readonly timesMs: readonly number[];
  readonly values: readonly number[];
}

/** The windows of a range, all of the same span: both ends are part of it. */
export interface Matrix {
  readonly windows: readonly Window[];
  readonly startMs: number;
  readonly endMs: number;
}

/** An expression that is right, and has no answer for what is there. */
export function evaluationError(message: string): RollcallError {
  return new RollcallError('evaluation_failed', message);
}
