import type { Logger } from 'pino';
import type { Bus } from '../bus/bus.ts';
import { StreamReader } from '../bus/stream-reader.ts';
import type { Lane } from '../bus/topology.ts';
import { failPoint } from '../fault/fail-point.ts';
import type { Store } from '../store/store.ts';
import { untilAborted } from '../dial/until-aborted.ts';
import { isCode } from '../error.ts';
import { FailureStreak } from '../telemetry/failure-streak.ts';
import { alignedCopy } from '../wire/batch.ts';
import type { ClaimedStream } from './claimed-stream.ts';
import type { ElderLanes } from './elder-lanes.ts';
import type { FrameMemory } from './frame-memory.ts';
import type { Intent } from './intent-ledger.ts';
import type { InsertSlots } from './insert-slots.ts';
import { digestOf } from './message-digest.ts';
import type { LaneInsert, PreparedInsert } from './lane-insert.ts';
import type { LaneTrim } from './lane-trim.ts';
import type { LaneCounters } from './lane-writer.ts';
import { MessageBuffer } from './message-buffer.ts';
import { persist } from './persist.ts';
import type { LaneMessage } from './stored-frame.ts';

interface Parts {
  readonly bus: Bus;
  readonly store: Store;
  readonly insert: LaneInsert;
  readonly slots: InsertSlots;
  readonly memory: FrameMemory;
  readonly trim: LaneTrim;
  readonly elders: ElderLanes;
  readonly log: Logger;
}

export interface StreamWriterOptions {
  readonly lane: Lane;
  readonly flushIntervalMs: number;
  readonly flushBytesMax: number;
  readonly bufferBytesMax: number;
  readonly counters: LaneCounters;
}

const POLL_MS = 1000;
const TRIM_EVERY_MS = 5000;
const FORGET_EVERY_MS = 60_000;

/**
 * Writes one stream of a lane. Messages are gathered for an interval (or up to a size), then: what is to be
 * stored is worked out, intent, samples, frames. While one insert runs the next is gathered.
 */
export class StreamWriter {
  readonly #parts: Parts;
  readonly #claimed: ClaimedStream;
  readonly #options: StreamWriterOptions;
  readonly #outer: AbortSignal;
  /** Ends everything that this run began. */
  readonly #stop = new AbortController();
  readonly #buffer = new MessageBuffer<LaneMessage>();
  readonly #trimming: FailureStreak;
  /** Everything below has been inserted. */
  #safeSeq: number;
  /** The end of the last insert that was carried out, and when JetStream took that message. */
  #doneSeq = 0;
  #doneStoredMs: number | undefined;
  #trimmedMs = 0;
  #forgotMs = 0;

  constructor(
    parts: Parts,
    claimed: ClaimedStream,
    options: StreamWriterOptions,
    signal: AbortSignal,
  ) {
    this.#parts = parts;
    this.#claimed = claimed;
    this.#options = options;
    this.#outer = signal;
    this.#safeSeq = claimed.open.fromSeq;
    const log = parts.log.child({ stream: options.lane.stream });
    this.#trimming = new FailureStreak(log, 'trim the lane', 'allow STREAM.PURGE, or it fills up');
  }

  /** @throws RollcallError `fenced`, `stream_replaced`; the signal's reason */
  async run(): Promise<void> {
    const { bus, log } = this.#parts;
    const { fromSeq, toSeq } = this.#claimed.open;
    log.info({ fromSeq, replayTo: toSeq }, 'writing lane');
    this.#outer.throwIfAborted();
    const onAbort = (): void => this.#stop.abort(this.#outer.reason);
    this.#outer.addEventListener('abort', onAbort, { once: true });
    const { stream } = this.#options.lane;
    const { createdMs } = this.#claimed;
    const reader = new StreamReader(bus, { stream, from: fromSeq, createdMs });
    const gathering = this.#gather(reader);
    const writing = this.#write();
    try {
      await Promise.race([gathering, writing]);
    } catch (error) {
      // What the stream has lost we may still have.
      this.#buffer.end();
      if (isCode(error, 'stream_replaced')) await writing;
      throw error;
    } finally {
      this.#outer.removeEventListener('abort', onAbort);
      this.#stop.abort();
      reader.stop();
      await writing.catch(() => undefined);
      this.#options.counters.bufferBytes = 0;
    }
  }

  /** Gathers in the background, up to the buffer's cap. Ends only with an error or when stopped. */
  async #gather(reader: StreamReader): Promise<void> {
    const { counters } = this.#options;
    const { signal } = this.#stop;
    for await (const message of reader) {
      if (signal.aborted) return;
      const batch = alignedCopy(message.data);
      this.#buffer.add({ seq: message.seq, storedMs: message.storedMs, batch });
      counters.bufferBytes = this.#buffer.bytes;
      counters.pending = message.pending;
      counters.messages += 1;
      counters.bytes += batch.length;
      while (this.#isFull(message.seq)) await this.#buffer.change(POLL_MS, signal);
    }
  }

  /** An open intent must be gathered whole, even if its writer was allowed a larger buffer. */
  #isFull(seq: number): boolean {
    const { bufferBytesMax } = this.#options;
    return seq >= this.#claimed.open.toSeq && this.#buffer.bytes > bufferBytesMax;
  }

  async #write(): Promise<void> {
    const { flushIntervalMs, flushBytesMax } = this.#options;
    const { open } = this.#claimed;
    const { signal } = this.#stop;
    const isEnough = (): boolean => this.#buffer.waitingBytes >= flushBytesMax;
    let isOpen = open.toSeq >= open.fromSeq;
    if (isOpen) await this.#replay(open);
    for (;;) {
      await this.#buffer.gather(flushIntervalMs, isEnough, signal);
      const messages = this.#buffer.take(flushBytesMax);
      if (messages.length > 0) {
        await this.#insert(messages);
        isOpen = true;
      } else if (this.#buffer.isEnded) {
        return;
      } else if (isOpen) {
        isOpen = false;
        await this.#close();
      }
      await this.#housekeeping();
    }
  }

  /** Carries out again what the predecessor may or may not have done. */
  async #replay(open: Intent): Promise<void> {
    while (this.#buffer.lastSeq < open.toSeq) {
      // Only a part of it is left: nobody knows what it would be without the rest.
      if (this.#buffer.isEnded) return void this.#buffer.take();
      await this.#buffer.change(POLL_MS, this.#stop.signal);
    }
    const messages = this.#buffer.takeTo(open.toSeq);
    const prepared = await this.#prepare(messages, open);
    await this.#carryOut(open, prepared, messages);
  }

  async #insert(messages: readonly LaneMessage[]): Promise<void> {
    const { seq: toSeq, storedMs: toStoredMs } = messages.at(-1)!;
    const range = { fromSeq: messages[0]!.seq, toSeq, toStoredMs };
    const prepared = await this.#prepare(messages, range);
    const intent = { ...range, unknownCatalogues: prepared.unknownCatalogues };
    await this.#persist('write the intent', async () => {
      await this.#claimed.ledger.write(intent);
      failPoint('writer.intent_written');
    });
    this.#safeSeq = intent.fromSeq;
    await this.#carryOut(intent, prepared, messages);
  }

  async #prepare(messages: readonly LaneMessage[], intent: Intent): Promise<PreparedInsert> {
    const { elders, memory, insert } = this.#parts;
    const { streamId } = this.#claimed;
    if (elders.count > 0) {
      const marks = await this.#persist('look at elder lanes', () => elders.marks());
      const haveStored = await this.#persist('go on', () => elders.settle(marks));
      if (haveStored) memory.clear();
    }
    return this.#persist('prepare an insert', () =>
      insert.prepare(messages, { ...intent, streamId }),
    );
  }

  async #carryOut(
    intent: Intent,
    prepared: PreparedInsert,
    messages: readonly LaneMessage[],
  ): Promise<void> {
    const { insert } = this.#parts;
    const startMs = performance.now();
    const digest = digestOf(messages);
    for (const block of prepared.blocks) {
      const token = this.#claimed.ledger.token(intent, block.partition, digest);
      await this.#insertBlock('samples', block.samples, token);
      await this.#insertBlock('frames', block.frames, token);
    }
    insert.stored(prepared);
    this.#doneSeq = intent.toSeq;
    this.#doneStoredMs = messages.at(-1)?.storedMs;
    this.#buffer.giveBack(messages);
    this.#count(prepared, performance.now() - startMs);
  }

  /** Each attempt asks first whether the lane is still ours: it may come long after the one before. */
  #insertBlock(table: 'samples' | 'frames', chunks: readonly Uint8Array[], token: string) {
    const { store, slots } = this.#parts;
    const insert = async (): Promise<void> => {
      await this.#claimed.ledger.confirm();
      await store.insertBlock(table, chunks, token);
      failPoint(`writer.${table}_inserted`);
    };
    return this.#persist(`insert ${table}`, () => slots.run(insert, this.#stop.signal));
  }

  #count(prepared: PreparedInsert, insertMs: number): void {
    const { counters } = this.#options;
    const { memory } = this.#parts;
    counters.inserts += prepared.blocks.length;
    counters.insertSeconds += insertMs / 1000;
    counters.frames += prepared.fresh.length;
    counters.samples += prepared.samples;
    counters.duplicates += prepared.duplicates;
    counters.newestMs = Math.max(counters.newestMs, prepared.newestMs);
    counters.bufferBytes = this.#buffer.bytes;
    counters.memoryRuns = memory.runs;
    counters.memoryLookups = memory.lookups;
    counters.memoryLookupRuns = memory.lookedUpRuns;
    counters.memoryLookupSeconds = memory.lookupSeconds;
  }

  /** Nothing follows for now: closes the last intent, so that it is not replayed for ever. */
  async #close(): Promise<void> {
    const next = Math.max(this.#safeSeq, this.#doneSeq + 1);
    const isOfDone = next === this.#doneSeq + 1 && this.#doneStoredMs !== undefined;
    const stored = isOfDone ? { toStoredMs: this.#doneStoredMs } : {};
    await this.#persist('close the intent', async () => {
      await this.#claimed.ledger.write({ fromSeq: next, toSeq: next - 1, ...stored });
      failPoint('writer.position_closed');
    });
    this.#safeSeq = next;
  }

  async #housekeeping(): Promise<void> {
    const { memory, trim } = this.#parts;
    const { counters } = this.#options;
    const now = performance.now();
    if (now - this.#forgotMs > FORGET_EVERY_MS) {
      this.#forgotMs = now;
      memory.forget(now);
      counters.memoryRuns = memory.runs;
    }
    if (now - this.#trimmedMs < TRIM_EVERY_MS || this.#buffer.isEnded) return;
    this.#trimmedMs = now;
    try {
      const trimming = trim.trim(this.#safeSeq, this.#claimed.createdMs);
      await untilAborted(trimming, this.#stop.signal);
      this.#trimming.worked();
      counters.alerterMissed = trim.missedTotal;
    } catch (error) {
      if (this.#stop.signal.aborted || isCode(error, 'stream_replaced')) throw error;
      this.#trimming.failed(error);
    }
  }

  #persist<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    const { counters } = this.#options;
    return persist(what, attempt, {
      signal: this.#stop.signal,
      log: this.#parts.log,
      onRetry: () => (counters.retries += 1),
    });
  }
}
