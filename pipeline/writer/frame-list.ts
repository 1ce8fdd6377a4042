import type { FrameBatch } from './frame-batch.ts';
import { StoredFrame } from './stored-frame.ts';

/** Frames that can be had one by one. */
export interface Frames {
  readonly length: number;
  at(index: number): StoredFrame | undefined;
}

/** All of them at once. */
export function allOf(frames: Frames): StoredFrame[] {
  return Array.from({ length: frames.length }, (_, index) => frames.at(index)!);
}

/** Where frames came from that lie in one batch. */
interface Source {
  readonly batch: FrameBatch;
  readonly streamSeq: number;
}

const FIRST_LENGTH = 64;

/**
 * Frames that wait for their minute to be over, as places in their batches: hundreds of thousands of objects that live so long
 * are what a garbage collector is slowest with. Whoever looks at one makes it anew.
 */
export class FrameList implements Frames {
  readonly #sources: Source[] = [];
  /** Of each frame the number of its source, and where it begins in the batch. */
  #places = new Uint32Array(2 * FIRST_LENGTH);
  /** Of each frame, the numbers of its metrics: an array that many frames share. */
  readonly #metrics: Int32Array[] = [];

  get length(): number {
    return this.#metrics.length;
  }

  push({ batch, offset, streamSeq, metrics }: StoredFrame): void {
    if (this.#sources.at(-1)?.batch !== batch) this.#sources.push({ batch, streamSeq });
    const at = 2 * this.#metrics.length;
    if (at === this.#places.length) {
      const larger = new Uint32Array(2 * at);
      larger.set(this.#places);
      this.#places = larger;
    }
    this.#places[at] = this.#sources.length - 1;
    this.#places[at + 1] = offset;
    this.#metrics.push(metrics);
  }

  at(index: number): StoredFrame | undefined {
    const metrics = this.#metrics[index];
    if (metrics === undefined) return undefined;
    const { batch, streamSeq } = this.#sources[this.#places[2 * index]!]!;
    return new StoredFrame(batch, this.#places[2 * index + 1]!, streamSeq, metrics);
  }
}
