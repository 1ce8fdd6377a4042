import { Closing } from './closing.ts';
import type { Position } from './run-ledger.ts';
import type { StoredFrame } from './stored-frame.ts';

export interface ClosingTimes {
  /** Length of what becomes one row of a series: a closing ends where such a span does, ms. */
  readonly spanMs: number;
  /** How long after its end frames are waited for, ms. */
  readonly graceMs: number;
}

/**
 * Frames of a lane that may be in memory: one closing that is being stored, and what comes meanwhile.
 *
 * @param closingBytesMax the size at which a closing does not wait for the end of its minute
 */
export function openBytesMax(closingBytesMax: number): number {
  return 2 * closingBytesMax;
}

/** A closing that takes no more frames, and the position once it is committed. */
export interface FrozenClosing {
  readonly closing: Closing;
  readonly position: Position;
}

/**
 * The two closings of a lane that frames go into: those of the current minute (and what comes late) into one,
 * those of the next minute already into the other.
 *
 *     frames of 12:01   ──► current, is closed a little after 12:02
 *     frames of 12:02   ──► next, then current
 */
export class OpenClosings {
  readonly #times: ClosingTimes;
  #current: Closing;
  #next: Closing;
  #untilMs: number;
  #readSeq: number;
  #readStoredMs: number | undefined;
  /** The last message of the closing before. */
  #closedSeq: number;
  #isFrozen = false;

  constructor(first: bigint, position: Position, times: ClosingTimes, nowMs: number) {
    this.#times = times;
    this.#current = new Closing(first);
    this.#next = new Closing(first + 1n);
    this.#untilMs = this.#spanAfter(nowMs);
    this.#readSeq = position.fromSeq - 1;
    this.#closedSeq = position.toSeq;
  }

  /** Of the frames in memory. */
  get bytes(): number {
    return this.#current.bytes + this.#next.bytes;
  }

  /** The last message that frames were taken from. */
  get readSeq(): number {
    return this.#readSeq;
  }

  /** Whether messages have been read that the committed position does not cover. */
  get isOpen(): boolean {
    const frames = this.#current.frames.length + this.#next.frames.length;
    return frames > 0 || this.#readSeq > this.#closedSeq;
  }

  /** Whether the current minute is over, and what comes late of it has had its time. */
  isDue(nowMs: number): boolean {
    return nowMs >= this.#untilMs + this.#times.graceMs;
  }

  /** Which frames go where. They have been read from the messages up to `readSeq`. */
  add(
    fresh: readonly StoredFrame[],
    readSeq: number,
    readStoredMs: number,
  ): Map<Closing, StoredFrame[]> {
    this.#readSeq = readSeq;
    this.#readStoredMs = readStoredMs;
    const of = Map.groupBy(fresh, ({ timestampMs }) => {
      return this.#isFrozen || timestampMs >= this.#untilMs ? this.#next : this.#current;
    });
    for (const [closing, frames] of of) closing.add(frames);
    return of;
  }

  /** Ends the current closing: what comes from now on goes into the next one. */
  freeze(): FrozenClosing {
    this.#isFrozen = true;
    const toSeq = this.#readSeq;
    const fromSeq = Math.min(this.#next.firstSeq, toSeq + 1);
    const toStoredMs = this.#readStoredMs;
    return { closing: this.#current, position: { fromSeq, toSeq, toStoredMs } };
  }

  /** The frozen closing is committed. */
  advance({ position }: FrozenClosing, nowMs: number): void {
    this.#current = this.#next;
    this.#next = new Closing(this.#current.id + 1n);
    this.#closedSeq = position.toSeq;
    this.#untilMs = Math.max(this.#untilMs, this.#spanAfter(nowMs - this.#times.graceMs));
    this.#isFrozen = false;
  }

  /** The end of the span that a time lies in. */
  #spanAfter(timeMs: number): number {
    const { spanMs } = this.#times;
    return (Math.floor(timeMs / spanMs) + 1) * spanMs;
  }
}
