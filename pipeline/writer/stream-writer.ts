import type { Logger } from 'pino';
import type { Bus } from '../bus/bus.ts';
import { StreamReader } from '../bus/stream-reader.ts';
import type { Lane } from '../bus/topology.ts';
import { untilAborted } from '../dial/until-aborted.ts';
import { isCode } from '../error.ts';
import { failPoint } from '../fault/fail-point.ts';
import { FailureStreak } from '../telemetry/failure-streak.ts';
import type { ClaimedStream } from './claimed-stream.ts';
import { ClosingInsert } from './closing-insert.ts';
import type { ElderLanes } from './elder-lanes.ts';
import { FlushPace } from './flush-pace.ts';
import type { FrameMemory } from './frame-memory.ts';
import type { LaneInsert } from './lane-insert.ts';
import type { LaneIntake, Taken } from './lane-intake.ts';
import type { LaneTrim } from './lane-trim.ts';
import type { LaneCounters } from './lane-writer.ts';
import { MessageBuffer } from './message-buffer.ts';
import { MessageSlab } from './message-slab.ts';
import { OpenClosings, openBytesMax } from './open-closings.ts';
import { persist } from './persist.ts';
import type { LaneMessage } from './stored-frame.ts';

interface Parts {
  readonly bus: Bus;
  readonly intake: LaneIntake;
  readonly insert: LaneInsert;
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
  readonly closingBytesMax: number;
  readonly closingSpanMs: number;
  readonly closingGraceMs: number;
  readonly closingIdleMs: number;
  readonly counters: LaneCounters;
}

const POLL_MS = 1000;
const TRIM_EVERY_MS = 5000;
/** A minute of which so much of its lane is full is not waited for: collectors need the room. */
const HELD_SHARE_MAX = 0.5;
const FORGET_EVERY_MS = 60_000;

/**
 * Writes one stream of a lane. Messages are gathered for an interval (or up to a size), and what is new in them
 * inserted: so it is to be seen. It stays in memory until its minute is over, and is then inserted once
 * more, by the minute, a slice after each flush; committing that moves the position on.
 */
export class StreamWriter {
  readonly #parts: Parts;
  readonly #claimed: ClaimedStream;
  readonly #options: StreamWriterOptions;
  readonly #outer: AbortSignal;
  /** Ends everything that this run began. */
  readonly #stop = new AbortController();
  readonly #buffer = new MessageBuffer<LaneMessage>();
  readonly #slab = new MessageSlab();
  readonly #trimming: FailureStreak;
  readonly #open: OpenClosings;
  #closing: ClosingInsert | undefined;
  /** Everything below is stored for good. */
  #safeSeq: number;
  /** Of the lane's room, what was read and is not stored for good. */
  #heldShare = 0;
  #isCaughtUp = false;
  #heardMs = performance.now();
  readonly #pace: FlushPace;
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
    this.#pace = new FlushPace(options.flushIntervalMs, performance.now());
    const { ledger, position } = claimed;
    this.#safeSeq = position.fromSeq;
    const times = { spanMs: options.closingSpanMs, graceMs: options.closingGraceMs };
    this.#open = new OpenClosings(ledger.closing, position, times, Date.now());
    const log = parts.log.child({ stream: options.lane.stream });
    this.#trimming = new FailureStreak(log, 'trim the lane', 'allow STREAM.PURGE, or it fills up');
  }

  /** @throws RollcallError `fenced`, `stream_replaced`; the signal's reason */
  async run(): Promise<void> {
    const { bus, log } = this.#parts;
    const { createdMs, position } = this.#claimed;
    const { fromSeq, toSeq } = position;
    log.info({ fromSeq, readBefore: toSeq }, 'writing lane');
    this.#outer.throwIfAborted();
    const onAbort = (): void => this.#stop.abort(this.#outer.reason);
    this.#outer.addEventListener('abort', onAbort, { once: true });
    const { stream } = this.#options.lane;
    const reader = new StreamReader(bus, { stream, from: fromSeq, createdMs });
    void reader.caughtUp.then(() => (this.#isCaughtUp = true));
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
      Object.assign(this.#options.counters, { bufferBytes: 0, openBytes: 0 });
    }
  }

  /** Gathers in the background, up to the buffer's cap. Ends only with an error or when stopped. */
  async #gather(reader: StreamReader): Promise<void> {
    const { counters, bufferBytesMax } = this.#options;
    const { signal } = this.#stop;
    for await (const message of reader) {
      if (signal.aborted) return;
      const batch = this.#slab.copy(message.data, message.seq);
      this.#buffer.add({ seq: message.seq, storedMs: message.storedMs, batch });
      counters.bufferBytes = this.#buffer.bytes;
      counters.pending = message.pending;
      counters.messages += 1;
      counters.bytes += batch.length;
      while (this.#buffer.bytes > bufferBytesMax) await this.#buffer.change(POLL_MS, signal);
    }
  }

  async #write(): Promise<void> {
    const { flushBytesMax, closingBytesMax } = this.#options;
    const { signal } = this.#stop;
    const isEnough = (): boolean => this.#buffer.waitingBytes >= flushBytesMax;
    for (;;) {
      // A closing that is under way is carried on until the next flush is due.
      const leftMs = this.#pace.leftMs(performance.now());
      await this.#buffer.gather(this.#closing ? 0 : leftMs, isEnough, signal);
      if (this.#closing === undefined || leftMs <= 0 || isEnough()) {
        const beganMs = performance.now();
        const isFull = this.#open.bytes >= openBytesMax(closingBytesMax);
        const messages = isFull ? [] : this.#buffer.take(flushBytesMax);
        if (messages.length > 0) await this.#flush(messages);
        this.#pace.flushed(beganMs, performance.now());
      }
      if (this.#isDone && !this.#open.isOpen) return;
      await this.#beginRun();
      await this.#close();
      await this.#housekeeping();
    }
  }

  async #flush(messages: readonly LaneMessage[]): Promise<void> {
    const { insert, memory } = this.#parts;
    const { counters } = this.#options;
    this.#heardMs = performance.now();
    const taken = await this.#take(messages);
    const { seq, storedMs } = messages.at(-1)!;
    const startMs = performance.now();
    for (const [closing, frames] of this.#open.add(taken.fresh, seq, storedMs)) {
      const samples = await insert.recent(frames, closing, this.#stop.signal);
      counters.samples += samples;
      counters.frames += frames.length;
    }
    this.#buffer.giveBack(messages);
    counters.insertSeconds += (performance.now() - startMs) / 1000;
    counters.duplicates += taken.duplicates;
    counters.newestMs = taken.fresh.reduce(
      (newest, { timestampMs }) => Math.max(newest, timestampMs),
      counters.newestMs,
    );
    counters.bufferBytes = this.#buffer.bytes;
    counters.openBytes = this.#open.bytes;
    counters.memoryRuns = memory.runs;
    counters.memoryLookups = memory.lookups;
    counters.memoryLookupRuns = memory.lookedUpRuns;
    counters.memoryLookupSeconds = memory.lookupSeconds;
  }

  async #take(messages: readonly LaneMessage[]): Promise<Taken> {
    const { elders, memory, intake } = this.#parts;
    const { streamId, ledger } = this.#claimed;
    if (elders.count > 0) {
      const marks = await this.#persist('look at elder lanes', () => elders.marks());
      const haveStored = await this.#persist('go on', () => elders.settle(marks));
      if (haveStored) memory.clear();
    }
    return this.#persist('prepare an insert', () =>
      intake.take(messages, { streamId, hides: ledger.hides }),
    );
  }

  /** Until what our predecessor had read is inserted anew, queries are better off with its rows. */
  async #beginRun(): Promise<void> {
    const { ledger, position } = this.#claimed;
    const { closingBytesMax } = this.#options;
    if (ledger.isBegun) return;
    const hasAll = this.#isCaughtUp && this.#buffer.waiting === 0;
    // Our predecessor had no more than that.
    const isFull = this.#open.bytes >= openBytesMax(closingBytesMax);
    if (!hasAll && !isFull && !this.#isDone) return;
    await this.#persist('begin a run', () => ledger.begin(position));
    failPoint('writer.run_begun');
  }

  /** Carries a closing on by one slice, or begins one that is due. */
  async #close(): Promise<void> {
    const { counters } = this.#options;
    if (!this.#claimed.ledger.isBegun) return;
    if (this.#closing === undefined) {
      if (!this.#open.isOpen || !this.#isDue()) return;
      const frozen = this.#open.freeze();
      this.#closing = new ClosingInsert(frozen, this.#parts.insert, this.#stop.signal);
    }
    const { frozen } = this.#closing;
    if (await this.#closing.next()) return;
    await this.#persist('commit a closing', () => this.#claimed.ledger.commit(frozen.position));
    failPoint('writer.closing_committed');
    this.#open.advance(frozen, Date.now());
    this.#closing = undefined;
    this.#safeSeq = frozen.position.fromSeq;
    // What is open has only frames of messages from there on, and what waits comes after them.
    this.#slab.release(this.#safeSeq);
    if (this.#heldShare >= HELD_SHARE_MAX) this.#trimmedMs = 0;
    this.#heldShare = 0;
    counters.closings += 1;
    counters.openBytes = this.#open.bytes;
  }

  #isDue(): boolean {
    const { closingBytesMax, closingIdleMs } = this.#options;
    if (this.#open.bytes >= closingBytesMax || this.#isDone) return true;
    if (this.#heldShare >= HELD_SHARE_MAX) return true;
    const isIdle = performance.now() - this.#heardMs >= closingIdleMs;
    return isIdle || this.#open.isDue(Date.now());
  }

  /** Nothing more will come. */
  get #isDone(): boolean {
    return this.#buffer.isEnded && this.#buffer.waiting === 0;
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
      const { createdMs } = this.#claimed;
      const progress = { safeSeq: this.#safeSeq, readSeq: this.#open.readSeq, createdMs };
      this.#heldShare = await untilAborted(trim.trim(progress), this.#stop.signal);
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
