import type { Logger } from 'pino';
import { reasonOf, RollcallError } from '../error.ts';
import { readBatch } from '../wire/batch.ts';
import { decodeCatalogueMessage } from '../wire/catalogue-message.ts';
import type { Catalogue } from '../wire/catalogue.ts';
import * as frame from '../wire/frame.ts';
import type { CatalogueBook, SlotMetrics } from './catalogue-book.ts';
import type { FrameMemory } from './frame-memory.ts';
import type { Parking, ParkingReason } from './parking.ts';
import { frameBlock, sampleBlock } from './sample-block.ts';
import type { LaneMessage, StoredFrame } from './stored-frame.ts';

const DAY_MS = 86_400_000;
/** The last second that ClickHouse's DateTime holds: what expires is reckoned in it. */
const TIMESTAMP_MS_MAX = (2 ** 32 - 1) * 1000;
/** What trying again will not change. */
const UNUSABLE_CATALOGUE: ReadonlySet<string> = new Set(['metric_collision', 'catalogue_invalid']);

export interface PreparedBlock {
  /** The day, `YYYY-MM-DD`: one insert goes into one partition. */
  readonly partition: string;
  readonly samples: readonly Uint8Array[];
  readonly frames: readonly Uint8Array[];
}

export interface PreparedInsert {
  readonly blocks: readonly PreparedBlock[];
  readonly frames: number;
  readonly samples: number;
  readonly duplicates: number;
  readonly newestMs: number;
}

interface Parts {
  readonly catalogues: CatalogueBook;
  readonly parking: Parking;
  readonly memory: FrameMemory;
  readonly lane: string;
  readonly log: Logger;
}

/** Turns messages of a lane into the blocks to insert: without repeated frames, a block a day. */
export class LaneInsert {
  readonly #parts: Parts;
  #duplicates = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * May be called again with the same messages when it fails: frames are put into the memory only when
   * everything else has succeeded.
   */
  async prepare(messages: readonly LaneMessage[], streamId: number): Promise<PreparedInsert> {
    const { frames, catalogues } = await this.#parse(messages);
    for (const catalogue of catalogues.values()) await this.#learn(catalogue);
    const known = await this.#withCatalogue(await this.#withTime(frames));
    this.#duplicates = 0;
    const fresh = known.filter((candidate) => this.#isNew(candidate));
    const blocks = [...Map.groupBy(fresh, dayOf)].map(([day, ofDay]) => {
      return this.#block(day, ofDay, streamId);
    });
    return {
      blocks,
      frames: fresh.length,
      samples: blocks.reduce((sum, { rows }) => sum + rows, 0),
      duplicates: this.#duplicates,
      newestMs: fresh.reduce((newest, { timestampMs }) => Math.max(newest, timestampMs), 0),
    };
  }

  #block(day: number, frames: readonly StoredFrame[], streamId: number) {
    const { catalogues, lane } = this.#parts;
    const slotsOf = (hash: bigint): SlotMetrics => catalogues.get(hash)!;
    const { rows, chunks } = sampleBlock(frames, slotsOf);
    const partition = new Date(day * DAY_MS).toISOString().slice(0, 10);
    return {
      partition,
      rows,
      samples: chunks,
      frames: frameBlock(frames, lane, streamId, samplesOf),
    };
  }

  async #parse(messages: readonly LaneMessage[]): Promise<{
    frames: StoredFrame[];
    catalogues: Map<bigint, Catalogue>;
  }> {
    const frames: StoredFrame[] = [];
    const catalogues = new Map<bigint, Catalogue>();
    for (const { seq, batch } of messages) {
      const before = frames.length;
      try {
        readBatch(batch, {
          onFrame: (source, offset) => frames.push(storedFrame(source, offset, seq)),
          onCatalogue: (source, offset, length) => {
            const catalogue = decodeCatalogueMessage(source, offset, length);
            catalogues.set(catalogue.hash, catalogue);
          },
        });
      } catch (error) {
        if (!(error instanceof RollcallError)) throw error;
        frames.length = before;
        this.#parts.log.error({ seq, reason: reasonOf(error) }, 'message is no batch');
        await this.#parts.parking.park('bad_batch', batch, `${this.#parts.lane}-${seq}`);
      }
    }
    return { frames, catalogues };
  }

  async #learn(catalogue: Catalogue): Promise<void> {
    try {
      await this.#parts.catalogues.register(catalogue);
    } catch (error) {
      if (!(error instanceof RollcallError) || error.code !== 'metric_collision') throw error;
      this.#parts.log.error({ reason: error.message }, 'catalogue refused');
    }
  }

  /** Frames of a time that the tables cannot hold are parked. */
  async #withTime(frames: readonly StoredFrame[]): Promise<StoredFrame[]> {
    for (const stored of frames) {
      if (stored.timestampMs > TIMESTAMP_MS_MAX) await this.#park('bad_timestamp', stored);
    }
    return frames.filter(({ timestampMs }) => timestampMs <= TIMESTAMP_MS_MAX);
  }

  /** Frames whose catalogue nobody knows are parked, not guessed. */
  async #withCatalogue(frames: readonly StoredFrame[]): Promise<StoredFrame[]> {
    const unknown = new Set<bigint>();
    for (const hash of new Set(frames.map(({ catalogue }) => catalogue))) {
      const slots = await this.#fetch(hash);
      if (slots === undefined) unknown.add(hash);
    }
    const good: StoredFrame[] = [];
    for (const stored of frames) {
      const slots = unknown.has(stored.catalogue)
        ? undefined
        : this.#parts.catalogues.get(stored.catalogue);
      if (slots?.metricIds.length === frame.frameSlots(stored.batch, stored.offset)) {
        good.push(stored);
      } else {
        await this.#park('unknown_catalogue', stored);
      }
    }
    return good;
  }

  async #park(reason: ParkingReason, stored: StoredFrame): Promise<void> {
    const { batch, offset, target, incarnation, seq } = stored;
    const bytes = batch.subarray(offset, offset + batch.readUInt32LE(offset));
    await this.#parts.parking.park(reason, bytes, `${target}-${incarnation}-${seq}`);
  }

  async #fetch(hash: bigint): Promise<SlotMetrics | undefined> {
    try {
      return await this.#parts.catalogues.fetch(hash);
    } catch (error) {
      if (!(error instanceof RollcallError) || !UNUSABLE_CATALOGUE.has(error.code)) throw error;
      this.#parts.log.error({ reason: error.message }, 'catalogue cannot be used');
      return undefined;
    }
  }

  #isNew(stored: StoredFrame): boolean {
    const { target, incarnation, seq, timestampMs } = stored;
    const isNew = this.#parts.memory.add(target, incarnation, seq, timestampMs);
    if (!isNew) this.#duplicates += 1;
    return isNew;
  }
}

function storedFrame(batch: Buffer, offset: number, streamSeq: number): StoredFrame {
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

function samplesOf({ batch, offset }: StoredFrame): number {
  return frame.countPresent(batch, offset);
}

function dayOf({ timestampMs }: StoredFrame): number {
  return Math.floor(timestampMs / DAY_MS);
}
