import { fixedColumn, nativeBlock } from '../store/native-block.ts';
import { CATALOGUE_AT, INCARNATION_AT, SEQ_AT, TARGET_AT, TIMESTAMP_AT } from '../wire/frame.ts';
import type { Frames } from './frame-list.ts';
import { TIMESTAMP } from './recent-block.ts';
import type { Block } from './recent-block.ts';
import { Scratch } from './scratch.ts';

/** Where frames came from. */
export interface FrameOrigin {
  readonly lane: string;
  readonly streamId: number;
  readonly closing: bigint;
}

const HALF = 2 ** 32;

/**
 * Rows of `frames`, the record of the frames themselves. Numbers of 64 bits are copied as halves: what is a BigInt in between takes
 * several times as long.
 *
 * @param scratch what the block lies in
 */
export function frameBlock(
  frames: Frames,
  { lane, streamId, closing }: FrameOrigin,
  scratch = new Scratch(),
): Block {
  const rows = frames.length;
  const halves = (): Uint32Array => scratch.u32(2 * rows);
  const [targets, incarnations, seqs] = [halves(), halves(), halves()];
  const [timestamps, catalogues, streamSeqs] = [halves(), halves(), halves()];
  const samples = scratch.u32(rows);
  const backlog = scratch.i8(rows);
  for (let row = 0; row < rows; row += 1) {
    const frame = frames.at(row)!;
    const { offset, streamSeq } = frame;
    const { words } = frame.batch;
    copy(words, (offset + TARGET_AT) >> 2, targets, row);
    copy(words, (offset + INCARNATION_AT) >> 2, incarnations, row);
    copy(words, (offset + SEQ_AT) >> 2, seqs, row);
    copy(words, (offset + TIMESTAMP_AT) >> 2, timestamps, row);
    copy(words, (offset + CATALOGUE_AT) >> 2, catalogues, row);
    samples[row] = frame.samples;
    backlog[row] = frame.isBacklog ? 1 : 0;
    streamSeqs[2 * row] = streamSeq % HALF;
    streamSeqs[2 * row + 1] = streamSeq / HALF;
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

function copy(words: Uint32Array, at: number, column: Uint32Array, row: number): void {
  column[2 * row] = words[at]!;
  column[2 * row + 1] = words[at + 1]!;
}
