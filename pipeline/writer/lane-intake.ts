import type { Logger } from 'pino';
import { reasonOf, RollcallError } from '../error.ts';
import type { Store } from '../store/store.ts';
import { readBatch } from '../wire/batch.ts';
import { claimedCatalogueHash, decodeCatalogueMessage } from '../wire/catalogue-message.ts';
import * as frame from '../wire/frame.ts';
import type { CatalogueBook, ReadCatalogue, SlotMetrics } from './catalogue-book.ts';
import type { FrameMemory } from './frame-memory.ts';
import type { ParkedMessage, Parking, ParkingReason } from './parking.ts';
import { storedFrame } from './stored-frame.ts';
import type { LaneMessage, StoredFrame } from './stored-frame.ts';

/** The last second that ClickHouse's DateTime holds: what expires is reckoned in it. */
const TIMESTAMP_MS_MAX = (2 ** 32 - 1) * 1000;

export interface Taken {
  /** Frames that nobody has stored, each once. */
  readonly fresh: readonly StoredFrame[];
  readonly metricsOf: (catalogue: bigint) => Int32Array;
  readonly duplicates: number;
}

/** Where a lane's writer began, and what of the frames in the database does not count for it. */
export interface IntakeOrigin {
  readonly streamId: number;
  /** Closings whose frames come again. */
  readonly hides: readonly bigint[];
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
  readonly catalogues: ReadonlyMap<bigint, ReadCatalogue>;
  readonly parked: readonly ParkedMessage[];
}

/** Takes from the messages of a lane the frames that are to be stored; parks what nobody can make sense of. */
export class LaneIntake {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Frames are remembered once they are taken. May be repeated when it fails.
   *
   * @throws RollcallError when ClickHouse or NATS do not answer
   */
  async take(messages: readonly LaneMessage[], origin: IntakeOrigin): Promise<Taken> {
    const { store, catalogues, parking, memory } = this.#parts;
    const parsed = this.#parse(messages, origin);
    const slots = await catalogues.resolve(
      parsed.frames.map(({ catalogue }) => catalogue),
      parsed.catalogues,
    );
    const parked = [...parsed.parked];
    const good = parsed.frames.filter((stored) => {
      const reason = refusalOf(stored, slots.get(stored.catalogue));
      if (reason !== undefined) parked.push(parkedFrame(reason, stored));
      return reason === undefined;
    });
    await parking.park(parked);
    await memory.learn(store, good, origin.hides, performance.now());
    const fresh = memory.fresh(good);
    memory.add(fresh, performance.now());
    return {
      fresh,
      metricsOf: (catalogue) => slots.get(catalogue)!.metrics,
      duplicates: good.length - fresh.length,
    };
  }

  #parse(messages: readonly LaneMessage[], { streamId }: IntakeOrigin): ParsedMessages {
    const { lane, log } = this.#parts;
    const frames: StoredFrame[] = [];
    const catalogues = new Map<bigint, ReadCatalogue>();
    const parked: ParkedMessage[] = [];
    for (const { seq, batch } of messages) {
      const before = frames.length;
      try {
        readBatch(batch, {
          onFrame: (source, offset) => frames.push(storedFrame(source, offset, seq)),
          onCatalogue: (source, offset, length) => {
            const hash = claimedCatalogueHash(source, offset, length);
            catalogues.set(hash, () => decodeCatalogueMessage(source, offset, length));
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
  const isWhole = slots.metrics.length === frame.frameSlots(stored.batch, stored.offset);
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
