import { fixedColumn, nativeBlock } from '../store/native-block.ts';
import { FrameMatrix } from './frame-matrix.ts';
import type { MatrixSlice } from './frame-matrix.ts';
import type { MetricNumbers } from './metric-numbers.ts';
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
 */
export function recentBlock(
  frames: readonly StoredFrame[],
  closing: bigint,
  metricsOf: (catalogue: bigint) => Int32Array,
  numbers: MetricNumbers,
): Block {
  const matrix = new FrameMatrix(frames, metricsOf, numbers);
  const rows = matrix.samples;
  const slice = matrix.slice();
  const metricIds = new BigUint64Array(rows);
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
      fixedColumn('closing', 'UInt64', new BigUint64Array(rows).fill(closing)),
      fixedColumn('metric_id', 'UInt64', metricIds),
      fixedColumn('target_id', 'UInt64', repeated(targets, slice)),
      fixedColumn('timestamp', TIMESTAMP, repeated(times, slice)),
      fixedColumn('value', 'Float64', slice.values),
    ]),
  };
}

/** Of each frame of each column. */
function repeated(ofFrame: BigUint64Array, { values, framesOf }: MatrixSlice): BigUint64Array {
  const all = new BigUint64Array(values.length);
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
