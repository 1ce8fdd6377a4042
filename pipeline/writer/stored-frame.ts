import * as frame from '../wire/frame.ts';
import type { FrameBatch } from './frame-batch.ts';

/** A message of a lane, copied so that its values can be viewed. */
export interface LaneMessage {
  readonly seq: number;
  /** When JetStream took it, ms. */
  readonly storedMs: number;
  readonly batch: Buffer;
}

const NONE = new Int32Array(0);
const HALF = 2 ** 32;

/**
 * A frame on its way into ClickHouse. Its bytes stay in the batch it came in, and are read when somebody asks: an id as two
 * halves, where it is only looked up by.
 */
export class StoredFrame {
  readonly batch: FrameBatch;
  /** Where the frame begins in it, a multiple of 8. */
  readonly offset: number;
  /** The sequence of the batch in its stream. */
  readonly streamSeq: number;
  readonly timestampMs: number;
  /** The numbers of its metrics by slot, once its catalogue has been found. */
  metrics: Int32Array;

  constructor(batch: FrameBatch, offset: number, streamSeq: number, metrics: Int32Array = NONE) {
    this.batch = batch;
    this.offset = offset;
    this.streamSeq = streamSeq;
    this.timestampMs = this.#safeU64(frame.TIMESTAMP_AT);
    this.metrics = metrics;
  }

  get target(): bigint {
    return this.#u64(frame.TARGET_AT);
  }

  get incarnation(): bigint {
    return this.#u64(frame.INCARNATION_AT);
  }

  get targetLow(): number {
    return this.#u32(frame.TARGET_AT);
  }

  get targetHigh(): number {
    return this.#u32(frame.TARGET_AT + 4);
  }

  get incarnationLow(): number {
    return this.#u32(frame.INCARNATION_AT);
  }

  get incarnationHigh(): number {
    return this.#u32(frame.INCARNATION_AT + 4);
  }

  get catalogue(): bigint {
    return this.#u64(frame.CATALOGUE_AT);
  }

  get catalogueLow(): number {
    return this.#u32(frame.CATALOGUE_AT);
  }

  get catalogueHigh(): number {
    return this.#u32(frame.CATALOGUE_AT + 4);
  }

  get seq(): number {
    return this.#safeU64(frame.SEQ_AT);
  }

  get isBacklog(): boolean {
    return frame.frameIsBacklog(this.batch.bytes, this.offset);
  }

  get slots(): number {
    return this.#u32(frame.SLOTS_AT);
  }

  /** Length in bytes. */
  get length(): number {
    return this.#u32(0);
  }

  /** How many slots have a value. */
  get samples(): number {
    const first = (this.offset + frame.PRESENCE_AT) >> 2;
    const end = first + (frame.presenceBytes(this.slots) >> 2);
    let count = 0;
    for (let at = first; at < end; at += 1) count += bitsOf(this.batch.words[at]!);
    return count;
  }

  #u32(at: number): number {
    return this.batch.words[(this.offset + at) >> 2]!;
  }

  #u64(at: number): bigint {
    return this.batch.longs[(this.offset + at) >> 3]!;
  }

  /** A number that was checked to be below 2^53. */
  #safeU64(at: number): number {
    return this.#u32(at) + HALF * this.#u32(at + 4);
  }
}

/** How many bits are set, counted in pairs, fours and bytes. */
function bitsOf(word: number): number {
  const pairs = word - ((word >>> 1) & 0x5555_5555);
  const fours = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
