import { FrameList } from './frame-list.ts';
import type { StoredFrame } from './stored-frame.ts';

/** Frames that become part of `series_minutes` together. */
export class Closing {
  readonly id: bigint;
  readonly frames = new FrameList();
  #bytes = 0;
  #firstSeq = Infinity;

  constructor(id: bigint) {
    this.id = id;
  }

  /** Bytes of the frames, which stay in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The first message with a frame of this closing; Infinity if there is none. */
  get firstSeq(): number {
    return this.#firstSeq;
  }

  add(frames: readonly StoredFrame[]): void {
    for (const frame of frames) {
      this.frames.push(frame);
      this.#bytes += frame.length;
      this.#firstSeq = Math.min(this.#firstSeq, frame.streamSeq);
    }
  }
}
