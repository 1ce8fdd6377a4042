import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Bus } from '../bus/bus.ts';
import { StreamReader } from '../bus/stream-reader.ts';
import type { Lane } from '../bus/topology.ts';
import { retry } from '../dial/retry.ts';
import { reasonOf, RollcallError } from '../error.ts';
import type { Store } from '../store/store.ts';
import { alignedCopy } from '../wire/batch.ts';
import type { CatalogueBook } from './catalogue-book.ts';
import { FrameMemory } from './frame-memory.ts';
import { IntentLedger } from './intent-ledger.ts';
import type { Intent } from './intent-ledger.ts';
import { LaneInsert } from './lane-insert.ts';
import { trimLane } from './lane-trim.ts';
import type { Parking } from './parking.ts';
import type { LaneMessage } from './stored-frame.ts';

export interface LaneWriterOptions {
  readonly lane: Lane;
  /** The lane's place among the lanes of its generation. */
  readonly laneIndex: number;
  readonly laneCount: number;
  readonly epoch: number;
  readonly writer: string;
  readonly flushIntervalMs: number;
  readonly flushBytesMax: number;
  /** What may wait in memory; nothing more is fetched above it. */
  readonly bufferBytesMax: number;
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
}

const REPLAY_POLL_MS = 1000;
const TRIM_EVERY_MS = 5000;
const FORGET_EVERY_MS = 60_000;

/**
 * Carries one lane into ClickHouse, each frame once. Messages are gathered for an interval (or up to a
 * size), then: intent, samples, frames. While one insert runs the next is gathered.
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
  };
  readonly #bus: Bus;
  readonly #store: Store;
  readonly #options: LaneWriterOptions;
  readonly #log: Logger;
  readonly #insert: LaneInsert;
  readonly #memory: FrameMemory;
  readonly #signal: AbortSignal;
  #gathered: LaneMessage[] = [];
  #gatheredBytes = 0;
  /** Ends the wait for messages. */
  #wake: () => void = () => undefined;
  /** Everything below has been inserted. */
  #safeSeq = 1;
  /** The end of the intent that the predecessor left open. */
  #replayTo = 0;
  /** The end of the last insert that was carried out. */
  #doneSeq = 0;
  #trimmedMs = 0;
  #forgotMs = 0;

  constructor(
    parts: { bus: Bus; store: Store; catalogues: CatalogueBook; parking: Parking; log: Logger },
    options: LaneWriterOptions,
    signal: AbortSignal,
  ) {
    this.#bus = parts.bus;
    this.#store = parts.store;
    this.#options = options;
    this.#log = parts.log.child({ lane: options.lane.id });
    this.#signal = signal;
    this.#memory = new FrameMemory(options.frameMemoryMs);
    this.#insert = new LaneInsert({ ...parts, memory: this.#memory, lane: options.lane.id });
  }

  get laneId(): string {
    return this.#options.lane.id;
  }

  /** Runs until aborted. Throws `fenced` when another writer has taken the lane. */
  async run(): Promise<void> {
    const { streamId, firstSeq } = await this.#persist('read the stream', () => this.#streamInfo());
    const { lane, epoch, writer } = this.#options;
    const identity = { lane: lane.id, streamId };
    const ledger = new IntentLedger(this.#store, identity, epoch, writer);
    const claim = await this.#persist('claim the lane', () => ledger.claim(firstSeq));
    const { fromSeq } = claim;
    await this.#rebuildMemory(streamId, fromSeq);
    this.#safeSeq = fromSeq;
    this.#replayTo = claim.toSeq;
    this.#log.info({ fromSeq, replayTo: claim.toSeq }, 'writing lane');
    const reader = new StreamReader(this.#bus, {
      stream: this.#options.lane.stream,
      from: fromSeq,
    });
    this.#signal.addEventListener('abort', () => this.#wake());
    try {
      await Promise.race([
        this.#gather(reader),
        this.#replay(ledger, claim, streamId).then(() => this.#flushForEver(ledger, streamId)),
      ]);
    } finally {
      reader.stop();
    }
  }

  async #streamInfo(): Promise<{ streamId: number; firstSeq: number }> {
    const info = await this.#bus.streamInfo(this.#options.lane.stream);
    return { streamId: Date.parse(info.created), firstSeq: Math.max(1, info.state.first_seq) };
  }

  async #rebuildMemory(streamId: number, fromSeq: number): Promise<void> {
    const { lane, laneIndex, laneCount, frameMemoryMs } = this.#options;
    const first = await this.#persist('read the first message', () => this.#timeOf(fromSeq));
    const sinceMs = Math.min(Date.now(), first) - frameMemoryMs;
    const identity = { index: laneIndex, lanes: laneCount, id: lane.id, streamId };
    await this.#persist('rebuild the frame memory', () =>
      this.#memory.rebuild(this.#store, identity, fromSeq, sinceMs),
    );
  }

  /** When the message was published; now, if there is none yet. */
  async #timeOf(seq: number): Promise<number> {
    const published = await this.#bus.publishedAtMs(this.#options.lane.stream, seq);
    return published ?? Date.now();
  }

  /** Gathers in the background, up to the buffer's cap. Ends only with an error or when aborted. */
  async #gather(reader: StreamReader): Promise<void> {
    for await (const message of reader) {
      const batch = alignedCopy(message.data);
      this.#gathered.push({ seq: message.seq, batch });
      this.#gatheredBytes += batch.length;
      this.counters.bufferBytes += batch.length;
      this.counters.pending = message.pending;
      this.counters.messages += 1;
      this.counters.bytes += batch.length;
      this.#wake();
      while (this.#isFull(message.seq) && !this.#signal.aborted) await sleep(20);
      if (this.#signal.aborted) return reader.stop();
    }
  }

  /** An open intent must be gathered whole, even if its writer was allowed a larger buffer. */
  #isFull(seq: number): boolean {
    return seq >= this.#replayTo && this.counters.bufferBytes > this.#options.bufferBytesMax;
  }

  /** Carries out again what the predecessor may or may not have done. */
  async #replay(ledger: IntentLedger, open: Intent, streamId: number): Promise<void> {
    if (open.toSeq < open.fromSeq) return;
    const lastSeq = (): number => this.#gathered.at(-1)?.seq ?? 0;
    while (lastSeq() < open.toSeq) await this.#wait(REPLAY_POLL_MS);
    const count = this.#gathered.findIndex(({ seq }) => seq > open.toSeq);
    const messages = this.#take(count < 0 ? this.#gathered.length : count);
    await this.#carryOut(ledger, open, messages, streamId);
  }

  async #flushForEver(ledger: IntentLedger, streamId: number): Promise<void> {
    const { flushIntervalMs, flushBytesMax } = this.#options;
    let isOpen = true;
    for (;;) {
      await this.#waitForMessages(flushIntervalMs, flushBytesMax);
      const messages = this.#take(this.#gathered.length);
      if (messages.length > 0) {
        const intent = { fromSeq: messages[0]!.seq, toSeq: messages.at(-1)!.seq };
        await this.#persist('write the intent', () => ledger.write(intent));
        this.#safeSeq = intent.fromSeq;
        await this.#carryOut(ledger, intent, messages, streamId);
        isOpen = true;
      } else if (isOpen) {
        // Nothing follows for now: close the last intent, so that it is not replayed for ever.
        isOpen = false;
        const next = Math.max(this.#safeSeq, this.#doneSeq + 1);
        await this.#persist('close the intent', () =>
          ledger.write({ fromSeq: next, toSeq: next - 1 }),
        );
        this.#safeSeq = next;
      }
      await this.#housekeeping();
    }
  }

  async #carryOut(
    ledger: IntentLedger,
    intent: Intent,
    messages: readonly LaneMessage[],
    streamId: number,
  ): Promise<void> {
    const startMs = performance.now();
    const prepared = await this.#persist('look up catalogues', () =>
      this.#insert.prepare(messages, streamId),
    );
    for (const block of prepared.blocks) {
      const token = ledger.token(intent, block.partition);
      await this.#persist('insert samples', () =>
        this.#store.insertBlock('samples', block.samples, token),
      );
      await this.#persist('insert frames', () =>
        this.#store.insertBlock('frames', block.frames, token),
      );
    }
    this.#doneSeq = intent.toSeq;
    const { counters } = this;
    counters.inserts += prepared.blocks.length;
    counters.insertSeconds += (performance.now() - startMs) / 1000;
    counters.frames += prepared.frames;
    counters.samples += prepared.samples;
    counters.duplicates += prepared.duplicates;
    counters.newestMs = Math.max(counters.newestMs, prepared.newestMs);
    const bytes = messages.reduce((sum, { batch }) => sum + batch.length, 0);
    counters.bufferBytes -= bytes;
  }

  #take(count: number): LaneMessage[] {
    const taken = this.#gathered.splice(0, count);
    for (const { batch } of taken) this.#gatheredBytes -= batch.length;
    return taken;
  }

  /** For an interval, or until there is as much as one insert takes. */
  async #waitForMessages(intervalMs: number, bytesMax: number): Promise<void> {
    const endMs = performance.now() + intervalMs;
    while (this.#gatheredBytes < bytesMax) {
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) return;
      await this.#wait(leftMs);
    }
  }

  /** Until a message comes, at most for the given time. */
  async #wait(timeoutMs: number): Promise<void> {
    this.#signal.throwIfAborted();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
    this.#signal.throwIfAborted();
  }

  async #housekeeping(): Promise<void> {
    const now = performance.now();
    if (now - this.#forgotMs > FORGET_EVERY_MS) {
      this.#forgotMs = now;
      this.#memory.forget(Date.now());
    }
    if (now - this.#trimmedMs < TRIM_EVERY_MS) return;
    this.#trimmedMs = now;
    try {
      await trimLane(this.#bus, this.#options.lane, this.#safeSeq);
    } catch (error) {
      this.#log.debug({ reason: reasonOf(error) }, 'trimming failed; trying again later');
    }
  }

  /** Tries until it works: what is in the stream must get into the database. */
  #persist<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    return retry(attempt, {
      signal: this.#signal,
      pauseMsMin: 100,
      pauseMsMax: 5000,
      isFinal: (error) => error instanceof RollcallError && error.code === 'fenced',
      onRetry: (error) => {
        this.counters.retries += 1;
        this.#log.warn({ reason: reasonOf(error) }, `cannot ${what}; trying again`);
      },
    });
  }
}
