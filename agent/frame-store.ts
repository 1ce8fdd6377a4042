import { randomBytes } from 'node:crypto';
import type { Catalogue } from '../pipeline/wire/catalogue.ts';
import { encodeCatalogueMessage } from '../pipeline/wire/catalogue-message.ts';
import { frameBytes, frameCatalogue, writeFrame } from '../pipeline/wire/frame.ts';
import { FleetCursor } from './fleet-cursor.ts';
import { Ring } from './ring.ts';
import type { SeriesTable } from './series-table.ts';

/** How many fleets an agent serves; each may keep the ring from forgetting. */
export const FLEETS_MAX = 8;

/** Encoded once, and shared by all agents of a process that have one catalogue. */
const messages = new WeakMap<Catalogue, Buffer>();

interface KeptCatalogue {
  readonly message: Buffer;
  lastSeq: number;
}

/**
 * Everything this run of the agent has said and somebody is still owed: the ring, the catalogues its
 * frames need, and a cursor per fleet.
 */
export class FrameStore {
  /** Names this run of the agent: 64 random bits. */
  readonly incarnation: bigint = randomBytes(8).readBigUInt64LE(0);
  readonly #ring: Ring;
  readonly #fleets = new Map<string, FleetCursor>();
  readonly #catalogues = new Map<bigint, KeptCatalogue>();
  #oversized = 0;

  constructor(ringBytesMax: number) {
    this.#ring = new Ring(ringBytesMax);
  }

  get ring(): Ring {
    return this.#ring;
  }

  get fleets(): Iterable<FleetCursor> {
    return this.#fleets.values();
  }

  /** Frames that did not fit the ring at all. */
  get oversizedTotal(): number {
    return this.#oversized;
  }

  cursor(fleet: string): FleetCursor | undefined {
    return this.#fleets.get(fleet);
  }

  /** The oldest frame that the fleet is owed of this target; the next one if there is none. */
  firstOwedSeq(fleet: string, target: string): number {
    const cursor = this.#fleets.get(fleet);
    return cursor?.target === target ? cursor.firstOwedSeq : this.#ring.nextSeq;
  }

  /** The fleet's cursor, which begins at the next frame if the fleet or its target is new. */
  join(fleet: string, target: string, intervalMs: number, phaseMs: number): FleetCursor {
    const known = this.#fleets.get(fleet);
    if (known !== undefined) {
      if (known.target !== target) known.rename(target, this.#ring.nextSeq);
      known.intervalMs = intervalMs;
      known.phaseMs = phaseMs;
      return known;
    }
    const cursor = new FleetCursor(fleet, target, this.#ring.nextSeq, intervalMs, phaseMs);
    this.#fleets.set(fleet, cursor);
    return cursor;
  }

  /**
   * Stores the table's readings as the next frame; returns its number.
   *
   * @param timestampMs what the frame says, by the wall clock
   * @param takenMs when it was taken, by the monotonic clock
   */
  append(table: SeriesTable, timestampMs: number, takenMs: number): number | undefined {
    const catalogue = table.catalogue();
    const slots = table.size;
    const seq = this.#ring.append(
      frameBytes(slots),
      takenMs,
      (arena, offset, frameSeq) => {
        const head = {
          incarnation: this.incarnation,
          seq: frameSeq,
          timestampMs,
          catalogue: catalogue.hash,
          slots,
        };
        writeFrame(arena, offset, head, table.presence, table.values);
      },
      (dropped) => this.#drop(dropped),
    );
    if (seq === undefined) {
      this.#oversized += 1;
      return undefined;
    }
    let kept = this.#catalogues.get(catalogue.hash);
    if (kept === undefined) {
      kept = { message: messageOf(catalogue), lastSeq: seq };
      this.#catalogues.set(catalogue.hash, kept);
    }
    kept.lastSeq = seq;
    return seq;
  }

  /** A copy of a frame with what is needed to send it, or undefined if it is gone. */
  frame(seq: number): { bytes: Buffer; takenMs: number; catalogue: bigint } | undefined {
    const bytes = this.#ring.copy(seq);
    if (bytes === undefined) return undefined;
    return { bytes, takenMs: this.#ring.takenMs(seq)!, catalogue: frameCatalogue(bytes, 0) };
  }

  catalogueMessage(hash: bigint): Buffer {
    return this.#catalogues.get(hash)!.message;
  }

  /** Lets go of every frame that no fleet is owed. */
  release(): void {
    let keepFrom = this.#ring.nextSeq;
    for (const fleet of this.#fleets.values()) keepFrom = Math.min(keepFrom, fleet.firstOwedSeq);
    this.#ring.releaseBelow(keepFrom);
    this.#forgetCatalogues();
  }

  #drop(seq: number): void {
    for (const fleet of this.#fleets.values()) fleet.drop(seq);
  }

  /** The newest catalogue stays, and those of frames still in the ring. */
  #forgetCatalogues(): void {
    if (this.#catalogues.size < 2) return;
    const newest = this.#ring.nextSeq - 1;
    for (const [hash, kept] of this.#catalogues) {
      if (kept.lastSeq < this.#ring.firstSeq && kept.lastSeq < newest) {
        this.#catalogues.delete(hash);
      }
    }
  }
}

function messageOf(catalogue: Catalogue): Buffer {
  let message = messages.get(catalogue);
  if (message === undefined) {
    message = encodeCatalogueMessage(catalogue);
    messages.set(catalogue, message);
  }
  return message;
}
