import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Bus } from '../bus/bus.ts';
import type { Lane } from '../bus/topology.ts';
import { isCode, reasonOf } from '../error.ts';
import type { Store } from '../store/store.ts';
import type { CatalogueBook } from './catalogue-book.ts';
import { claimStream } from './claimed-stream.ts';
import { ElderLanes } from './elder-lanes.ts';
import { FrameMemory } from './frame-memory.ts';
import type { InsertSlots } from './insert-slots.ts';
import { LaneInsert } from './lane-insert.ts';
import { LaneIntake } from './lane-intake.ts';
import { LaneTrim } from './lane-trim.ts';
import type { Parking } from './parking.ts';
import { persist } from './persist.ts';
import { StreamWriter } from './stream-writer.ts';

interface Parts {
  readonly bus: Bus;
  readonly store: Store;
  readonly catalogues: CatalogueBook;
  readonly parking: Parking;
  /** Shared by the lanes of the process. */
  readonly slots: InsertSlots;
  readonly log: Logger;
}

export interface LaneWriterOptions {
  readonly lane: Lane;
  /** The lane's place among the lanes of its generation. */
  readonly laneIndex: number;
  readonly laneCount: number;
  /** Above that of every writer of the lane before, this process' own included. */
  readonly epoch: number;
  readonly writer: string;
  readonly flushIntervalMs: number;
  /** Bytes of one insert, and at which it does not wait for its time. */
  readonly flushBytesMax: number;
  /** What may wait in memory; nothing more is fetched above it. */
  readonly bufferBytesMax: number;
  /** What stays in memory until its minute is over; a closing of this size does not wait for that. */
  readonly closingBytesMax: number;
  /** A closing ends where such a span of time does. */
  readonly closingSpanMs: number;
  /** A lane that has been silent for so long is closed: 10 s unless said otherwise. */
  readonly closingIdleMs?: number;
  /** How long the numbers of a silent agent stay in memory. */
  readonly frameMemoryMs: number;
}

export interface LaneCounters {
  messages: number;
  bytes: number;
  frames: number;
  samples: number;
  duplicates: number;
  inserts: number;
  insertSeconds: number;
  /** Attempts that failed and were made again. */
  retries: number;
  /** Messages of the lane that come after the last one fetched. */
  pending: number;
  bufferBytes: number;
  /** Frames in memory whose minute is not over. */
  openBytes: number;
  /** Minutes that were stored for good. */
  closings: number;
  /** Time of the newest sample that was stored, ms. */
  newestMs: number;
  /** Runs of agents whose stored frames are in memory. */
  memoryRuns: number;
  /** Queries for runs that were not. */
  memoryLookups: number;
  memoryLookupRuns: number;
  memoryLookupSeconds: number;
  /** Messages that were trimmed before the alerter had evaluated them. */
  alerterMissed: number;
  /** Times the stream turned out to be another one. */
  streamReplaced: number;
}

const START_OVER_PAUSE_MS = 250;
const CLOSING_IDLE_MS = 10_000;
/** What comes later than this after its minute makes rows of its own. */
const CLOSING_GRACE_MS = 2000;
/** The lanes of a generation close one after the other, within this share of a span. */
const CLOSING_SPREAD = 0.5;

/**
 * Carries one lane into ClickHouse, each frame once, under one epoch: claims the lane's position, writes its
 * stream from there, and starts over when the stream was made anew.
 */
export class LaneWriter {
  readonly counters: LaneCounters = {
    messages: 0,
    bytes: 0,
    frames: 0,
    samples: 0,
    duplicates: 0,
    inserts: 0,
    insertSeconds: 0,
    retries: 0,
    pending: 0,
    bufferBytes: 0,
    openBytes: 0,
    closings: 0,
    newestMs: 0,
    memoryRuns: 0,
    memoryLookups: 0,
    memoryLookupRuns: 0,
    memoryLookupSeconds: 0,
    alerterMissed: 0,
    streamReplaced: 0,
  };
  readonly #bus: Bus;
  readonly #store: Store;
  readonly #options: LaneWriterOptions;
  readonly #log: Logger;
  readonly #parts: Parts;
  readonly #intake: LaneIntake;
  readonly #memory: FrameMemory;
  readonly #trim: LaneTrim;
  readonly #signal: AbortSignal;

  constructor(parts: Parts, options: LaneWriterOptions, signal: AbortSignal) {
    this.#bus = parts.bus;
    this.#store = parts.store;
    this.#options = options;
    this.#log = parts.log.child({ lane: options.lane.id });
    this.#signal = signal;
    this.#memory = new FrameMemory(options.frameMemoryMs);
    this.#parts = parts;
    this.#intake = new LaneIntake({ ...parts, memory: this.#memory, lane: options.lane.id });
    this.#trim = new LaneTrim(parts.bus, options.lane, parts.log);
  }

  get laneId(): string {
    return this.#options.lane.id;
  }

  /**
   * Runs until aborted, and then resolves at once: an insert under way is left to itself, for its token makes
   * it harmless.
   *
   * @throws RollcallError `fenced` when another writer has taken the lane
   */
  async run(): Promise<void> {
    try {
      for (;;) {
        try {
          await this.#writeStream();
        } catch (error) {
          if (!isCode(error, 'stream_replaced')) throw error;
          this.counters.streamReplaced += 1;
          this.#log.error({ reason: reasonOf(error) }, 'starting over with the lane');
          await sleep(START_OVER_PAUSE_MS, undefined, { signal: this.#signal });
        }
      }
    } catch (error) {
      if (!this.#signal.aborted) throw error;
    }
  }

  async #writeStream(): Promise<void> {
    const { lane, laneIndex, laneCount, epoch, writer } = this.#options;
    const parts = { bus: this.#bus, store: this.#store, log: this.#log };
    const patience = {
      signal: this.#signal,
      log: this.#log,
      onRetry: () => (this.counters.retries += 1),
    };
    const claimant = { ...parts, lane: lane.id, stream: lane.stream, epoch, writer };
    const claimed = await claimStream(claimant, patience);
    const { createdMs } = claimed;
    const place = { index: laneIndex, count: laneCount, createdMs };
    const elders = await persist(
      'look for elder lanes',
      () => ElderLanes.find(this.#bus, this.#store, place),
      patience,
    );
    this.#memory.clear();
    const { ledger, streamId } = claimed;
    const { slots, catalogues } = this.#parts;
    const insert = new LaneInsert({
      ...parts,
      slots,
      catalogues,
      ledger,
      lane: lane.id,
      streamId,
      patience,
      onInsert: () => (this.counters.inserts += 1),
    });
    const streamWriter = new StreamWriter(
      { ...parts, intake: this.#intake, insert, memory: this.#memory, trim: this.#trim, elders },
      claimed,
      { ...this.#options, ...this.#closingTimes(), counters: this.counters },
      this.#signal,
    );
    await streamWriter.run();
  }

  #closingTimes() {
    const { laneIndex, laneCount } = this.#options;
    const { closingSpanMs, closingIdleMs = CLOSING_IDLE_MS } = this.#options;
    const spreadMs = (CLOSING_SPREAD * closingSpanMs * laneIndex) / laneCount;
    const closingGraceMs = Math.min(CLOSING_GRACE_MS, closingSpanMs) + spreadMs;
    return { closingSpanMs, closingGraceMs, closingIdleMs };
  }
}
