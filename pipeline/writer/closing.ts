import { FrameList } from './frame-list.ts';
import type { StoredFrame } from './stored-frame.ts';

/** Frames that become part of `series_minutes` together. */
export class Closing {
  readonly id: bigint;
  readonly frames = new FrameList();
  /** For each catalogue of the frames the numbers of its metrics, by slot. */
  readonly metrics = new Map<bigint, Int32Array>();
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

  /** @param metricsOf knows the catalogues of the frames */
  add(frames: readonly StoredFrame[], metricsOf: (catalogue: bigint) => Int32Array): void {
    for (const frame of frames) {
      const { catalogue, batch, offset, streamSeq } = frame;
      this.frames.push(frame);
      this.#bytes += batch.readUInt32LE(offset);
      this.#firstSeq = Math.min(this.#firstSeq, streamSeq);
      if (!this.metrics.has(catalogue)) this.metrics.set(catalogue, metricsOf(catalogue));
    }
  }
}
