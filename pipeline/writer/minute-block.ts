import { arrayColumn, fixedColumn, nativeBlock } from '../store/native-block.ts';
import { FrameMatrix } from './frame-matrix.ts';
import type { MetricNumbers } from './metric-numbers.ts';
import { minuteRows } from './minute-rows.ts';
import type { Block } from './recent-block.ts';
import type { Scratch } from './scratch.ts';
import type { StoredFrame } from './stored-frame.ts';

/**
 * Rows of `series_minutes` in the order of its key: metric, target, minute.
 *
 * @param frames sorted by target, then time
 * @param scratch what the block lies in
 */
export function minuteBlock(
  frames: readonly StoredFrame[],
  closing: bigint,
  numbers: MetricNumbers,
  scratch: Scratch,
): Block {
  const of = minuteRows(new FrameMatrix(frames, numbers, scratch), frames, scratch);
  const { rows } = of;
  return {
    rows,
    chunks: nativeBlock(rows, [
      fixedColumn('metric_id', 'UInt64', of.metricIds),
      fixedColumn('target_id', 'UInt64', of.targetIds),
      fixedColumn('minute', "DateTime('UTC')", of.minutes),
      arrayColumn('offsets_ms', 'UInt16', of.ends, of.offsetsMs),
      fixedColumn('scale', 'Int8', of.scales),
      fixedColumn('first', 'Int64', of.firsts),
      arrayColumn('steps', 'Int64', of.stepEnds, of.steps),
      arrayColumn('others', 'Float64', of.otherEnds, of.others),
      fixedColumn('closing', 'UInt64', scratch.u64(rows).fill(closing)),
    ]),
  };
}
