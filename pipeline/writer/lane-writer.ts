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
  readonly #insert: LaneInsert;
  readonly #slots: InsertSlots;
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
    this.#insert = new LaneInsert({ ...parts, memory: this.#memory, lane: options.lane.id });
    this.#slots = parts.slots;
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
    const streamWriter = new StreamWriter(
      {
        ...parts,
        insert: this.#insert,
        slots: this.#slots,
        memory: this.#memory,
        trim: this.#trim,
        elders,
      },
      claimed,
      { ...this.#options, counters: this.counters },
      this.#signal,
    );
    await streamWriter.run();
  }
}
