import { fixedColumn, nativeBlock } from '../store/native-block.ts';
import { countPresent } from '../wire/frame.ts';
import { TIMESTAMP } from './recent-block.ts';
import type { Block } from './recent-block.ts';
import { Scratch } from './scratch.ts';
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
 * @param scratch what the block lies in
 */
export function frameBlock(
  frames: readonly StoredFrame[],
  { lane, streamId, closing }: FrameOrigin,
  scratch = new Scratch(),
): Block {
  const rows = frames.length;
  const targets = scratch.u64(rows);
  const incarnations = scratch.u64(rows);
  const seqs = scratch.u64(rows);
  const timestamps = scratch.u64(rows);
  const catalogues = scratch.u64(rows);
  const samples = scratch.u32(rows);
  const backlog = scratch.i8(rows);
  const streamSeqs = scratch.u64(rows);
  for (let row = 0; row < rows; row += 1) {
    const frame = frames[row]!;
    targets[row] = frame.target;
    incarnations[row] = frame.incarnation;
    seqs[row] = BigInt(frame.seq);
    timestamps[row] = BigInt(frame.timestampMs);
    catalogues[row] = frame.catalogue;
    samples[row] = countPresent(frame.batch, frame.offset);
    backlog[row] = Number(frame.isBacklog);
    streamSeqs[row] = BigInt(frame.streamSeq);
  }
  const laneText = Buffer.from([lane.length, ...Buffer.from(lane)]);
  return {
    rows,
    chunks: nativeBlock(rows, [
      fixedColumn('target_id', 'UInt64', targets),
      fixedColumn('incarnation', 'UInt64', incarnations),
      fixedColumn('seq', 'UInt64', seqs),
      fixedColumn('timestamp', TIMESTAMP, timestamps),
      fixedColumn('catalogue', 'UInt64', catalogues),
      fixedColumn('samples', 'UInt32', samples),
      fixedColumn('is_backlog', 'UInt8', backlog),
      // Every row has the same lane: one text, repeated.
      { name: 'lane', type: 'String', values: [Buffer.alloc(laneText.length * rows, laneText)] },
      fixedColumn('stream_id', 'UInt64', scratch.u64(rows).fill(BigInt(streamId))),
      fixedColumn('stream_seq', 'UInt64', streamSeqs),
      fixedColumn('closing', 'UInt64', scratch.u64(rows).fill(closing)),
    ]),
  };
}
