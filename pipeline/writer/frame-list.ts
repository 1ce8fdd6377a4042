import { storedFrame } from './stored-frame.ts';
import type { StoredFrame } from './stored-frame.ts';

/** Frames of one batch that come one after the other. */
interface Stretch {
  readonly batch: Buffer;
  readonly streamSeq: number;
  readonly offsets: number[];
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

  push({ batch, offset, streamSeq }: Pick<StoredFrame, 'batch' | 'offset' | 'streamSeq'>): void {
    this.#length += 1;
    const last = this.#stretches.at(-1);
    if (last?.batch === batch) last.offsets.push(offset);
    else this.#stretches.push({ batch, streamSeq, offsets: [offset] });
  }

  *[Symbol.iterator](): Generator<StoredFrame> {
    for (const { batch, streamSeq, offsets } of this.#stretches) {
      for (const offset of offsets) yield storedFrame(batch, offset, streamSeq);
    }
  }
}
