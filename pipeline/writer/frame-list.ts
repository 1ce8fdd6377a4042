import type { FrameBatch } from './frame-batch.ts';
import { StoredFrame } from './stored-frame.ts';

/** Frames of one batch that come one after the other. */
interface Stretch {
  readonly batch: FrameBatch;
  readonly streamSeq: number;
  readonly offsets: number[];
  /** Of each frame, the numbers of its metrics: an array that many frames share. */
  readonly metrics: Int32Array[];
}

/**
 * Frames that wait for their minute to be over, as places in their batches: hundreds of thousands of objects that live so long
 * are what a garbage collector is slowest with.
 */
export class FrameList implements Iterable<StoredFrame> {
  readonly #stretches: Stretch[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push({ batch, offset, streamSeq, metrics }: StoredFrame): void {
    this.#length += 1;
    const last = this.#stretches.at(-1);
    if (last?.batch === batch) {
      last.offsets.push(offset);
      last.metrics.push(metrics);
    } else this.#stretches.push({ batch, streamSeq, offsets: [offset], metrics: [metrics] });
  }

  *[Symbol.iterator](): Generator<StoredFrame> {
    for (const { batch, streamSeq, offsets, metrics } of this.#stretches) {
      for (let i = 0; i < offsets.length; i += 1) {
        yield new StoredFrame(batch, offsets[i]!, streamSeq, metrics[i]);
      }
    }
  }
}
