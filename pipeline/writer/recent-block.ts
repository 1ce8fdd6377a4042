import { arrayColumn, fixedColumn, nativeBlock } from '../store/native-block.ts';
import { FrameMatrix } from './frame-matrix.ts';
import type { MatrixValues } from './frame-matrix.ts';
import type { MetricNumbers } from './metric-numbers.ts';
import type { Scratch } from './scratch.ts';
import type { StoredFrame } from './stored-frame.ts';

export const TIMESTAMP = "DateTime64(3, 'UTC')";

export interface Block {
  readonly rows: number;
  readonly chunks: readonly Uint8Array[];
}

export interface RecentBlock extends Block {
  readonly samples: number;
}

/**
 * Rows of `samples_recent`, one a metric, in the order of its key: a row a sample costs ClickHouse half as much again, and
 * those who look for a metric find all of its samples beside each other either way.
 *
 * @param frames one or more
 * @param scratch what the block lies in
 */
export function recentBlock(
  frames: readonly StoredFrame[],
  closing: bigint,
  numbers: MetricNumbers,
  scratch: Scratch,
): RecentBlock {
  const matrix = new FrameMatrix(frames, numbers, scratch);
  const { columns, begins, metricIds, samples } = matrix;
  const turned = matrix.turn();
  const ends = scratch.u64(columns);
  for (let column = 0; column < columns; column += 1) ends[column] = BigInt(begins[column + 1]!);
  const [oldestMs, newestMs] = rangeOf(frames);
  const targetIds = scratch.u64(frames.length);
  const offsetsMs = scratch.u32(frames.length);
  for (let at = 0; at < frames.length; at += 1) {
    targetIds[at] = frames[at]!.target;
    offsetsMs[at] = frames[at]!.timestampMs - oldestMs;
  }
  const allTargetIds = spread(targetIds, matrix, turned, scratch.u64(samples));
  const allOffsetsMs = spread(offsetsMs, matrix, turned, scratch.u32(samples));
  const every = (value: bigint) => scratch.u64(columns).fill(value);
  return {
    samples,
    rows: columns,
    chunks: nativeBlock(columns, [
      fixedColumn('closing', 'UInt64', every(closing)),
      fixedColumn('metric_id', 'UInt64', metricIds),
      fixedColumn('oldest', TIMESTAMP, every(BigInt(oldestMs))),
      fixedColumn('newest', TIMESTAMP, every(BigInt(newestMs))),
      arrayColumn('target_ids', 'UInt64', ends, allTargetIds),
      arrayColumn('offsets_ms', 'UInt32', ends, allOffsetsMs),
      arrayColumn('values', 'Float64', ends, turned.values),
    ]),
  };
}

function rangeOf(frames: readonly StoredFrame[]): [oldestMs: number, newestMs: number] {
  let [oldest, newest] = [Infinity, -Infinity];
  for (const { timestampMs } of frames) {
    if (timestampMs < oldest) oldest = timestampMs;
    if (timestampMs > newest) newest = timestampMs;
  }
  return [oldest, newest];
}

interface Numbers<T> {
  [at: number]: T;
  set(numbers: ArrayLike<T>, at: number): void;
  readonly length: number;
}

/** What is known of each frame, by value of the matrix. */
function spread<T, A extends Numbers<T> & ArrayLike<T>>(
  ofFrame: A,
  matrix: FrameMatrix,
  { frames }: MatrixValues,
  all: A,
): A {
  for (let column = 0; column < matrix.columns; column += 1) {
    const begin = matrix.begins[column]!;
    const end = matrix.begins[column + 1]!;
    if (matrix.isFull(column)) all.set(ofFrame, begin);
    else for (let at = begin; at < end; at += 1) all[at] = ofFrame[frames[at]!]!;
  }
  return all;
}
