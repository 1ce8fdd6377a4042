import { fixedColumn, nativeBlock } from '../store/native-block.ts';
import { countPresent } from '../wire/frame.ts';
import { TIMESTAMP } from './recent-block.ts';
import type { Block } from './recent-block.ts';
import type { StoredFrame } from './stored-frame.ts';

/** Where frames came from. */
export interface FrameOrigin {
  readonly lane: string;
  readonly streamId: number;
  readonly closing: bigint;
}

/**
 * Rows of `frames`, the record of the frames themselves.
 *
 * @param frames sorted by target, then time
 */
export function frameBlock(
  frames: readonly StoredFrame[],
  { lane, streamId, closing }: FrameOrigin,
): Block {
  const rows = frames.length;
  const u64 = (name: string, read: (frame: StoredFrame) => bigint, type = 'UInt64') =>
    fixedColumn(name, type, BigUint64Array.from(frames, read));
  const samples = Uint32Array.from(frames, ({ batch, offset }) => countPresent(batch, offset));
  const backlog = Uint8Array.from(frames, ({ isBacklog }) => Number(isBacklog));
  const laneText = Buffer.from([lane.length, ...Buffer.from(lane)]);
  return {
    rows,
    chunks: nativeBlock(rows, [
      u64('target_id', ({ target }) => target),
      u64('incarnation', ({ incarnation }) => incarnation),
      u64('seq', ({ seq }) => BigInt(seq)),
      u64('timestamp', ({ timestampMs }) => BigInt(timestampMs), TIMESTAMP),
      u64('catalogue', ({ catalogue }) => catalogue),
      fixedColumn('samples', 'UInt32', samples),
      fixedColumn('is_backlog', 'UInt8', backlog),
      // Every row has the same lane: one text, repeated.
      { name: 'lane', type: 'String', values: [Buffer.alloc(laneText.length * rows, laneText)] },
      fixedColumn('stream_id', 'UInt64', new BigUint64Array(rows).fill(BigInt(streamId))),
      u64('stream_seq', ({ streamSeq }) => BigInt(streamSeq)),
      fixedColumn('closing', 'UInt64', new BigUint64Array(rows).fill(closing)),
    ]),
  };
}
