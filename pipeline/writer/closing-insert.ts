import type { Frames } from './frame-list.ts';
import { byDay, byTargetAndTime } from './frame-order.ts';
import type { LaneInsert } from './lane-insert.ts';
import type { FrozenClosing } from './open-closings.ts';
import type { StoredFrame } from './stored-frame.ts';

/**
 * Bytes of frames that are turned round and inserted at once: 6 million values. Each makes a part, and the smaller parts
 * are, the more often their rows are merged.
 */
const SLICE_BYTES_MAX = 48 * 1024 * 1024;

/** A closing on its way into `series_minutes`, slice by slice: some targets at a time. At last its frames go into `frames`. */
export class ClosingInsert {
  readonly frozen: FrozenClosing;
  readonly #insert: LaneInsert;
  readonly #signal: AbortSignal;
  /** In order, by day. */
  readonly #days: ReadonlyMap<string, Frames>;
  readonly #slices: Generator<StoredFrame[]>;
  #inserted = 0;
  #isWhole = false;

  constructor(frozen: FrozenClosing, insert: LaneInsert, signal: AbortSignal) {
    this.frozen = frozen;
    this.#insert = insert;
    this.#signal = signal;
    const days = byDay(frozen.closing.frames);
    this.#days = new Map(Array.from(days, ([day, frames]) => [day, byTargetAndTime(frames)]));
    this.#slices = slicesOf(this.#days.values());
  }

  /**
   * Inserts the next slice.
   *
   * @returns whether there was one; if not, all is in
   * @throws RollcallError `fenced`; the signal's reason
   */
  async next(): Promise<boolean> {
    const slice = this.#slices.next();
    if (slice.done === true) {
      if (this.#isWhole) return false;
      await this.#insert.records(this.#days, this.frozen.closing, this.#signal);
      this.#isWhole = true;
      return true;
    }
    await this.#insert.minutes(slice.value, this.frozen.closing, this.#inserted, this.#signal);
    this.#inserted += 1;
    return true;
  }
}

/** All frames of a target and day are in one slice, as far as that fits, and each slice in one day. */
function* slicesOf(days: Iterable<Frames>): Generator<StoredFrame[]> {
  for (const frames of days) {
    let slice: StoredFrame[] = [];
    let bytes = 0;
    for (let at = 0; at < frames.length; at += 1) {
      const frame = frames.at(at)!;
      const { length } = frame;
      const isOfNext = frame.target !== slice.at(-1)?.target || bytes > 2 * SLICE_BYTES_MAX;
      if (bytes + length > SLICE_BYTES_MAX && isOfNext) {
        yield slice;
        slice = [];
        bytes = 0;
      }
      slice.push(frame);
      bytes += length;
    }
    if (slice.length > 0) yield slice;
  }
}
