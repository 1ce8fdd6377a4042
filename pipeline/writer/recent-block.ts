import { fixedColumn, nativeBlock } from '../store/native-block.ts';
import { FrameMatrix } from './frame-matrix.ts';
import type { MatrixSlice } from './frame-matrix.ts';
import type { MetricNumbers } from './metric-numbers.ts';
import type { Scratch } from './scratch.ts';
import type { StoredFrame } from './stored-frame.ts';

export const TIMESTAMP = "DateTime64(3, 'UTC')";

export interface Block {
  readonly rows: number;
  readonly chunks: readonly Uint8Array[];
}

/**
 * Rows of `samples_recent` in the order of its key: metric, target, time. ClickHouse then has nothing left to sort.
 *
 * @param frames sorted by target, then time
 * @param scratch what the block lies in
 */
export function recentBlock(
  frames: readonly StoredFrame[],
  closing: bigint,
  metricsOf: (catalogue: bigint) => Int32Array,
  numbers: MetricNumbers,
  scratch: Scratch,
): Block {
  const matrix = new FrameMatrix(frames, metricsOf, numbers);
  const rows = matrix.samples;
  const slice = matrix.slice(0, matrix.columns.length, scratch);
  const metricIds = scratch.u64(rows);
  let end = 0;
  for (const { metricId, count } of matrix.columns) {
    metricIds.fill(metricId, end, end + count);
    end += count;
  }
  const targets = BigUint64Array.from(frames, ({ target }) => target);
  const times = BigUint64Array.from(frames, ({ timestampMs }) => BigInt(timestampMs));
  return {
    rows,
    chunks: nativeBlock(rows, [
      fixedColumn('closing', 'UInt64', scratch.u64(rows).fill(closing)),
      fixedColumn('metric_id', 'UInt64', metricIds),
      fixedColumn('target_id', 'UInt64', repeated(targets, slice, scratch)),
      fixedColumn('timestamp', TIMESTAMP, repeated(times, slice, scratch)),
      fixedColumn('value', 'Float64', slice.values),
    ]),
  };
}

/** Of each frame of each column. */
function repeated(
  ofFrame: BigUint64Array,
  { values, framesOf }: MatrixSlice,
  scratch: Scratch,
): BigUint64Array {
  const all = scratch.u64(values.length);
  let end = 0;
  for (const frames of framesOf) {
    if (frames === undefined) {
      all.set(ofFrame, end);
      end += ofFrame.length;
    } else {
      for (const frame of frames) {
        all[end] = ofFrame[frame]!;
        end += 1;
      }
    }
  }
  return all;
}
