import type { Logger } from 'pino';
import { reasonOf, RollcallError } from '../error.ts';
import type { Store } from '../store/store.ts';
import { readBatch } from '../wire/batch.ts';
import { decodeCatalogueMessage } from '../wire/catalogue-message.ts';
import type { Catalogue } from '../wire/catalogue.ts';
import * as frame from '../wire/frame.ts';
import type { CatalogueBook, SlotMetrics } from './catalogue-book.ts';
import type { FrameMemory } from './frame-memory.ts';
import type { ParkedMessage, Parking, ParkingReason } from './parking.ts';
import { frameBlock, sampleBlock } from './sample-block.ts';
import type { LaneMessage, StoredFrame } from './stored-frame.ts';

const DAY_MS = 86_400_000;
/** The last second that ClickHouse's DateTime holds: what expires is reckoned in it. */
const TIMESTAMP_MS_MAX = (2 ** 32 - 1) * 1000;

/** Where an insert stands, and what was decided when it was tried before. */
export interface InsertOrigin {
  readonly streamId: number;
  readonly fromSeq: number;
  /** Catalogues that a predecessor did not know: they stay unknown in this insert. */
  readonly unknownCatalogues?: readonly bigint[];
}

export interface PreparedBlock {
  /** The day, `YYYY-MM-DD`: one insert goes into one partition. */
  readonly partition: string;
  readonly samples: readonly Uint8Array[];
  readonly frames: readonly Uint8Array[];
}

export interface PreparedInsert {
  readonly blocks: readonly PreparedBlock[];
  /** The frames that are in the blocks. */
  readonly fresh: readonly StoredFrame[];
  /** What had to be parked for want of them. */
  readonly unknownCatalogues: readonly bigint[];
  readonly samples: number;
  readonly duplicates: number;
  readonly newestMs: number;
}

interface Parts {
  readonly store: Store;
  readonly catalogues: CatalogueBook;
  readonly parking: Parking;
  readonly memory: FrameMemory;
  readonly lane: string;
  readonly log: Logger;
}

interface ParsedMessages {
  readonly frames: readonly StoredFrame[];
  /** Those that came along. */
  readonly catalogues: ReadonlyMap<bigint, Catalogue>;
  readonly parked: readonly ParkedMessage[];
}

/** Turns messages of a lane into the blocks to insert: without repeated frames, a block a day. */
export class LaneInsert {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * The same messages and the same origin give the same blocks, whoever asks and however often, until
   * `stored` has been called.
   *
   * @throws RollcallError when ClickHouse or NATS do not answer; to be tried again
   */
  async prepare(messages: readonly LaneMessage[], origin: InsertOrigin): Promise<PreparedInsert> {
    const { store, catalogues, parking, memory, lane } = this.#parts;
    const { streamId, fromSeq } = origin;
    const parsed = this.#parse(messages, streamId);
    const slots = await catalogues.resolve(
      parsed.frames.map(({ catalogue }) => catalogue),
      parsed.catalogues,
    );
    for (const hash of origin.unknownCatalogues ?? []) slots.delete(hash);
    const parked = [...parsed.parked];
    const unknown = new Set<bigint>();
    const good = parsed.frames.filter((stored) => {
      const reason = refusalOf(stored, slots.get(stored.catalogue));
      if (reason === 'unknown_catalogue') unknown.add(stored.catalogue);
      if (reason !== undefined) parked.push(parkedFrame(reason, stored));
      return reason === undefined;
    });
    await parking.park(parked);
    await memory.learn(store, good, { lane, streamId, fromSeq }, performance.now());
    const fresh = memory.fresh(good);
    const blocks = [...Map.groupBy(fresh, dayOf)].map(([day, ofDay]) => {
      return blockOf(day, ofDay, slots, { lane, streamId });
    });
    return {
      blocks,
      fresh,
      unknownCatalogues: [...unknown],
      samples: blocks.reduce((sum, { rows }) => sum + rows, 0),
      duplicates: good.length - fresh.length,
      newestMs: fresh.reduce((newest, { timestampMs }) => Math.max(newest, timestampMs), 0),
    };
  }

  /** The blocks are in the database. */
  stored({ fresh }: PreparedInsert): void {
    this.#parts.memory.add(fresh, performance.now());
  }

  #parse(messages: readonly LaneMessage[], streamId: number): ParsedMessages {
    const { lane, log } = this.#parts;
    const frames: StoredFrame[] = [];
    const catalogues = new Map<bigint, Catalogue>();
    const parked: ParkedMessage[] = [];
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
        log.debug({ seq, reason: reasonOf(error) }, 'message is no batch');
        parked.push({ reason: 'bad_batch', bytes: batch, id: `${lane}-${streamId}-${seq}` });
      }
    }
    return { frames, catalogues, parked };
  }
}

/** Why a frame cannot be stored; undefined if it can. */
function refusalOf(stored: StoredFrame, slots: SlotMetrics | undefined): ParkingReason | undefined {
  if (stored.timestampMs > TIMESTAMP_MS_MAX) return 'bad_timestamp';
  if (slots === undefined) return 'unknown_catalogue';
  const isWhole = slots.metricIds.length === frame.frameSlots(stored.batch, stored.offset);
  return isWhole ? undefined : 'bad_frame';
}

function parkedFrame(reason: ParkingReason, stored: StoredFrame): ParkedMessage {
  const { batch, offset, target, incarnation, seq, catalogue } = stored;
  return {
    reason,
    bytes: batch.subarray(offset, offset + batch.readUInt32LE(offset)),
    id: `${target}-${incarnation}-${seq}`,
    ...(reason === 'unknown_catalogue' ? { catalogue } : {}),
  };
}

function blockOf(
  day: number,
  frames: readonly StoredFrame[],
  slots: ReadonlyMap<bigint, SlotMetrics>,
  { lane, streamId }: { readonly lane: string; readonly streamId: number },
): PreparedBlock & { readonly rows: number } {
  const { rows, chunks } = sampleBlock(frames, (hash) => slots.get(hash)!);
  return {
    partition: new Date(day * DAY_MS).toISOString().slice(0, 10),
    rows,
    samples: chunks,
    frames: frameBlock(frames, lane, streamId, samplesOf),
  };
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
