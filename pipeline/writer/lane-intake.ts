import type { Logger } from 'pino';
import { reasonOf, RollcallError } from '../error.ts';
import type { Store } from '../store/store.ts';
import { readBatch } from '../wire/batch.ts';
import { claimedCatalogueHash, decodeCatalogueMessage } from '../wire/catalogue-message.ts';
import type { CatalogueBook, ReadCatalogue } from './catalogue-book.ts';
import { FrameBatch } from './frame-batch.ts';
import type { FrameMemory } from './frame-memory.ts';
import type { ParkedMessage, Parking, ParkingReason } from './parking.ts';
import { StoredFrame } from './stored-frame.ts';
import type { LaneMessage } from './stored-frame.ts';

/** The last second that ClickHouse's DateTime holds: what expires is reckoned in it. */
const TIMESTAMP_MS_MAX = (2 ** 32 - 1) * 1000;
const NONE: ReadonlySet<StoredFrame> = new Set();

export interface Taken {
  /** Frames that nobody has stored, each once. */
  readonly fresh: readonly StoredFrame[];
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
    const { store, parking, memory } = this.#parts;
    const parsed = this.#parse(messages, origin);
    const unknown = await this.#findMetrics(parsed);
    const parked = [...parsed.parked];
    const good = parsed.frames.filter((stored) => {
      const reason = refusalOf(stored, unknown);
      if (reason !== undefined) parked.push(parkedFrame(reason, stored));
      return reason === undefined;
    });
    await parking.park(parked);
    await memory.learn(store, good, origin.hides, performance.now());
    const fresh = memory.takeFresh(good, performance.now());
    return { fresh, duplicates: good.length - fresh.length };
  }

  /**
   * Gives frames the numbers of their metrics.
   *
   * @returns the frames that nobody knows the catalogue of
   */
  async #findMetrics({ frames, catalogues }: ParsedMessages): Promise<ReadonlySet<StoredFrame>> {
    const book = this.#parts.catalogues;
    const others = frames.filter((stored) => {
      const known = book.known(stored.catalogueLow, stored.catalogueHigh);
      if (known !== undefined) stored.metrics = known.metrics;
      return known === undefined;
    });
    if (others.length === 0 && catalogues.size === 0) return NONE;
    const hashes = new Set(others.map(({ catalogue }) => catalogue));
    const found = await book.resolve(hashes, catalogues);
    return new Set(
      others.filter((stored) => {
        const slots = found.get(stored.catalogue);
        if (slots !== undefined) stored.metrics = slots.metrics;
        return slots === undefined;
      }),
    );
  }

  #parse(messages: readonly LaneMessage[], { streamId }: IntakeOrigin): ParsedMessages {
    const { lane, log } = this.#parts;
    const frames: StoredFrame[] = [];
    const catalogues = new Map<bigint, ReadCatalogue>();
    const parked: ParkedMessage[] = [];
    for (const { seq, batch } of messages) {
      const before = frames.length;
      const view = new FrameBatch(batch);
      try {
        readBatch(batch, {
          onFrame: (_source, offset) => frames.push(new StoredFrame(view, offset, seq)),
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
function refusalOf(
  stored: StoredFrame,
  unknown: ReadonlySet<StoredFrame>,
): ParkingReason | undefined {
  if (stored.timestampMs > TIMESTAMP_MS_MAX) return 'bad_timestamp';
  if (unknown.has(stored)) return 'unknown_catalogue';
  return stored.metrics.length === stored.slots ? undefined : 'bad_frame';
}

function parkedFrame(reason: ParkingReason, stored: StoredFrame): ParkedMessage {
  const { batch, offset, length, target, incarnation, seq, catalogue } = stored;
  return {
    reason,
    bytes: batch.bytes.subarray(offset, offset + length),
    id: `${target}-${incarnation}-${seq}`,
    ...(reason === 'unknown_catalogue' ? { catalogue } : {}),
  };
}
