import { failPoint } from '../fault/fail-point.ts';
import type { Store } from '../store/store.ts';
import type { CatalogueBook } from './catalogue-book.ts';
import type { Closing } from './closing.ts';
import { frameBlock } from './frame-block.ts';
import { allOf } from './frame-list.ts';
import type { Frames } from './frame-list.ts';
import { byDay } from './frame-order.ts';
import type { InsertSlots } from './insert-slots.ts';
import { minuteBlock } from './minute-block.ts';
import { persist } from './persist.ts';
import type { PersistOptions } from './persist.ts';
import { recentBlock } from './recent-block.ts';
import type { Block } from './recent-block.ts';
import type { RunLedger } from './run-ledger.ts';
import { Scratch } from './scratch.ts';
import type { StoredFrame } from './stored-frame.ts';

interface Parts {
  readonly store: Store;
  readonly slots: InsertSlots;
  readonly catalogues: CatalogueBook;
  readonly ledger: RunLedger;
  readonly lane: string;
  readonly streamId: number;
  readonly patience: Omit<PersistOptions, 'signal'>;
  /** Called for each block of samples. */
  readonly onInsert: () => void;
}

const FAIL_POINT_OF = {
  samples_recent: 'writer.samples_inserted',
  frames_recent: 'writer.frames_inserted',
  series_minutes: 'writer.minutes_inserted',
  frames: 'writer.records_inserted',
} as const;

/** Inserts frames of one lane, in blocks of one partition each. Tries until it works. */
export class LaneInsert {
  readonly #parts: Parts;
  /** What the block lies in that is being inserted: one after the other. */
  readonly #scratch = new Scratch();
  #recentBlocks = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Frames as they come: the samples of each metric side by side, and the record of the frames.
   *
   * @returns the number of samples
   * @throws RollcallError `fenced`; the signal's reason
   */
  async recent(
    frames: readonly StoredFrame[],
    closing: Closing,
    signal: AbortSignal,
  ): Promise<number> {
    const { catalogues, lane, streamId, onInsert } = this.#parts;
    const origin = { lane, streamId, closing: closing.id };
    let samples = 0;
    for (const [day, ofDay] of byDay(frames)) {
      this.#scratch.reset();
      const block = recentBlock(allOf(ofDay), closing.id, catalogues.numbers, this.#scratch);
      const token = `${closing.id}:${this.#recentBlocks}:${day}`;
      this.#recentBlocks += 1;
      await this.#insert('samples_recent', block, token, signal);
      // Last: whoever finds the row of a frame finds its samples.
      this.#scratch.reset();
      const record = frameBlock(ofDay, origin, this.#scratch);
      await this.#insert('frames_recent', record, token, signal);
      samples += block.samples;
      onInsert();
    }
    return samples;
  }

  /**
   * A part of a closing, by the minute.
   *
   * @param slice names the part within its closing
   * @throws RollcallError `fenced`; the signal's reason
   */
  async minutes(
    frames: readonly StoredFrame[],
    closing: Closing,
    slice: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { numbers } = this.#parts.catalogues;
    this.#scratch.reset();
    const block = minuteBlock(frames, closing.id, numbers, this.#scratch);
    await this.#insert('series_minutes', block, `${closing.id}:${slice}`, signal);
  }

  /**
   * The record of the frames of a closing.
   *
   * @param days its frames by day, each day's by target
   * @throws RollcallError `fenced`; the signal's reason
   */
  async records(
    days: ReadonlyMap<string, Frames>,
    { id }: Closing,
    signal: AbortSignal,
  ): Promise<void> {
    const { lane, streamId } = this.#parts;
    const origin = { lane, streamId, closing: id };
    for (const [day, frames] of days) {
      this.#scratch.reset();
      const block = frameBlock(frames, origin, this.#scratch);
      await this.#insert('frames', block, `${id}:${day}`, signal);
    }
  }

  /** Each attempt asks first whether the lane is still ours: it may come long after the one before. */
  async #insert(
    table: keyof typeof FAIL_POINT_OF,
    { rows, chunks }: Block,
    token: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { store, slots, ledger, patience } = this.#parts;
    if (rows === 0) return;
    const attempt = async (): Promise<void> => {
      await ledger.confirm();
      await store.insertBlock(table, chunks, token);
      failPoint(FAIL_POINT_OF[table]);
    };
    const options = { ...patience, signal };
    await persist(`insert ${table}`, () => slots.run(attempt, signal), options);
  }
}
