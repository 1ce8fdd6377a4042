import * as frame from '../wire/frame.ts';

/** A message of a lane, copied so that its values can be viewed. */
export interface LaneMessage {
  readonly seq: number;
  /** When JetStream took it, ms. */
  readonly storedMs: number;
  readonly batch: Buffer;
}

/** A frame on its way into ClickHouse; its bytes stay in the aligned batch it came in. */
export interface StoredFrame {
  readonly target: bigint;
  readonly incarnation: bigint;
  readonly seq: number;
  readonly timestampMs: number;
  readonly catalogue: bigint;
  readonly isBacklog: boolean;
  /** The batch, 8-byte aligned. */
  readonly batch: Buffer;
  /** Where the frame begins in it, a multiple of 8. */
  readonly offset: number;
  /** The sequence of the batch in its stream. */
  readonly streamSeq: number;
}

/** The frame at an offset of a batch, without a copy of it. */
export function storedFrame(batch: Buffer, offset: number, streamSeq: number): StoredFrame {
  return {
    target: frame.frameTarget(batch, offset),
    incarnation: frame.frameIncarnation(batch, offset),
    seq: frame.frameSeq(batch, offset),
    timestampMs: frame.frameTimestampMs(batch, offset),
    catalogue: frame.frameCatalogue(batch, offset),
    isBacklog: frame.frameIsBacklog(batch, offset),
    batch,
    offset,
    streamSeq,
  };
}
