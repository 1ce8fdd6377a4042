import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Bus } from '../bus/bus.ts';
import { StreamReader } from '../bus/stream-reader.ts';
import { untilAborted } from '../dial/until-aborted.ts';
import { isCode, reasonOf } from '../error.ts';
import { LogTrim } from '../log/log-trim.ts';
import { recentOffers } from '../membership/recent-offers.ts';
import { refusesData } from '../store/store.ts';
import type { Store } from '../store/store.ts';
import { FailureStreak } from '../telemetry/failure-streak.ts';
import { claimStream } from './claimed-stream.ts';
import type { ClaimedStream } from './claimed-stream.ts';
import { logRows } from './log-rows.ts';
import type { LogRows } from './log-rows.ts';
import { MessageBuffer } from './message-buffer.ts';
import type { BufferedMessage } from './message-buffer.ts';
import { persist } from './persist.ts';

const RECORDS_MAX = 500;
const BYTES_MAX = 4 * 1024 * 1024;
/** How long a lone record waits for others. */
const GATHER_MS = 100;
/** In a storm there is an insert as often as that. */
const INSERT_EVERY_MS = 5000;
const POLL_MS = 1000;
const START_OVER_PAUSE_MS = 250;
const TRIM_EVERY_MS = 10_000;
/** A receiver that nobody offers for so long is not waited for. */
const RECEIVER_GONE_MS = 86_400_000;

/** A record of the log, copied out of what it was received in. */
interface LogMessage extends BufferedMessage {
  readonly subject: string;
  /** When JetStream took it, ms. */
  readonly storedMs: number;
}

interface RecordRows extends LogRows {
  readonly seq: number;
  readonly subject: string;
}

export interface LogCounters {
  /** Records that were dealt with, those included that were skipped. */
  projected: number;
  /** Inserts that this took. */
  batches: number;
  /** Records that were skipped: they do not decode, or ClickHouse refuses what is in them. */
  malformed: number;
}

/**
 * Carries the log (alert transitions, notifications) into ClickHouse, what has gathered at once. Rows are named
 * by their place in the log, so carrying one over again changes nothing. The log itself is kept for as
 * long as there is room, because alerters recover from it.
 */
export class LogProjection {
  readonly #bus: Bus;
  readonly #store: Store;
  readonly #log: Logger;
  readonly #epoch: number;
  readonly #writer: string;
  readonly counters: LogCounters = { projected: 0, batches: 0, malformed: 0 };
  readonly #trim: LogTrim;
  readonly #trimming: FailureStreak;
  #buffer = new MessageBuffer<LogMessage>();
  /** Records of the log that come after the last one fetched. */
  #behind = 0;
  #trimmedMs = -Infinity;

  constructor(
    parts: { bus: Bus; store: Store; log: Logger },
    identity: { epoch: number; writer: string },
  ) {
    this.#bus = parts.bus;
    this.#store = parts.store;
    this.#log = parts.log;
    this.#epoch = identity.epoch;
    this.#writer = identity.writer;
    const { bus, store } = parts;
    this.#trim = new LogTrim(bus, () => recentOffers(store, 'notifier', RECEIVER_GONE_MS));
    this.#trimming = new FailureStreak(
      parts.log.child({ stream: bus.topology.logStream }),
      'trim the log',
      'allow STREAM.PURGE, or it fills up',
    );
  }

  /** Records that are not in ClickHouse. */
  get pending(): number {
    return this.#behind + this.#buffer.count;
  }

  /** Bytes of those that are in memory. */
  get bufferBytes(): number {
    return this.#buffer.bytes;
  }

  /**
   * Runs until aborted, and then resolves at once. Starts over when the log was made anew.
   *
   * @throws RollcallError `fenced` when another writer has taken the log
   */
  async run(signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        try {
          await this.#projectStream(signal);
        } catch (error) {
          if (!isCode(error, 'stream_replaced')) throw error;
          this.#log.error({ reason: reasonOf(error) }, 'starting over with the log');
          await sleep(START_OVER_PAUSE_MS, undefined, { signal });
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#buffer = new MessageBuffer();
      this.#behind = 0;
    }
  }

  async #projectStream(outer: AbortSignal): Promise<void> {
    const claimed = await this.#claim(outer);
    outer.throwIfAborted();
    const stop = new AbortController();
    const onAbort = (): void => stop.abort(outer.reason);
    outer.addEventListener('abort', onAbort, { once: true });
    this.#buffer = new MessageBuffer();
    const reader = new StreamReader(this.#bus, {
      stream: this.#bus.topology.logStream,
      from: claimed.position.fromSeq,
      createdMs: claimed.createdMs,
    });
    const projecting = this.#project(claimed, stop.signal);
    try {
      await Promise.race([this.#gather(reader, stop.signal), projecting]);
    } finally {
      outer.removeEventListener('abort', onAbort);
      stop.abort();
      reader.stop();
      await projecting.catch(() => undefined);
    }
  }

  #claim(signal: AbortSignal): Promise<ClaimedStream> {
    const claimant = {
      bus: this.#bus,
      store: this.#store,
      log: this.#log,
      lane: 'log',
      stream: this.#bus.topology.logStream,
      epoch: this.#epoch,
      writer: this.#writer,
    };
    return claimStream(claimant, { signal, log: this.#log });
  }

  async #gather(reader: StreamReader, signal: AbortSignal): Promise<void> {
    const buffer = this.#buffer;
    for await (const { seq, subject, data, storedMs, pending } of reader) {
      if (signal.aborted) return;
      buffer.add({ seq, storedMs, subject, batch: Buffer.from(data) });
      this.#behind = pending;
      while (buffer.count >= RECORDS_MAX || buffer.bytes >= BYTES_MAX) {
        await buffer.change(POLL_MS, signal);
      }
    }
  }

  async #project({ ledger, position, streamId, createdMs }: ClaimedStream, signal: AbortSignal) {
    const buffer = this.#buffer;
    let nextSeq = position.fromSeq;
    let insertedMs = -Infinity;
    for (;;) {
      while (buffer.waiting === 0) {
        // A full log gets nothing new until there is room in it.
        await this.#shorten(nextSeq, createdMs, signal);
        await buffer.change(POLL_MS, signal);
      }
      // A storm goes in few inserts; a lone record is there soon enough.
      const isEnough = (): boolean =>
        buffer.waiting >= RECORDS_MAX || buffer.waitingBytes >= BYTES_MAX;
      const leftMs = insertedMs + INSERT_EVERY_MS - performance.now();
      await buffer.gather(Math.max(GATHER_MS, leftMs), isEnough, signal);
      const messages = buffer.take();
      const records = this.#rowsOf(messages, streamId);
      const { seq, storedMs: toStoredMs } = messages.at(-1)!;
      const refused = new Map<number, string>();
      await this.#persist(signal, async () => {
        await this.#insertAll(records, refused);
        await ledger.commit({ fromSeq: seq + 1, toSeq: seq, toStoredMs });
      });
      for (const record of records) this.#tellRefused(record, refused.get(record.seq));
      nextSeq = seq + 1;
      insertedMs = performance.now();
      buffer.giveBack(messages);
      this.counters.projected += messages.length;
      this.counters.batches += 1;
      await this.#shorten(nextSeq, createdMs, signal);
    }
  }

  /** What ClickHouse refuses must hold up nothing else: then each record goes alone. */
  async #insertAll(records: readonly RecordRows[], refused: Map<number, string>): Promise<void> {
    try {
      await this.#insert({
        transitions: records.flatMap(({ transitions }) => transitions),
        notifications: records.flatMap(({ notifications }) => notifications),
      });
    } catch (error) {
      if (!refusesData(error)) throw error;
      if (records.length === 1) refused.set(records[0]!.seq, reasonOf(error));
      else for (const record of records) await this.#insertAll([record], refused);
    }
  }

  #tellRefused({ seq, subject }: RecordRows, reason: string | undefined): void {
    if (reason === undefined) return;
    this.counters.malformed += 1;
    this.#log.error({ seq, subject, reason }, 'ClickHouse refuses a record of the log: skipped');
  }

  async #insert({ transitions, notifications }: LogRows): Promise<void> {
    if (transitions.length > 0) await this.#store.insertRows('alert_transitions', transitions);
    if (notifications.length > 0) await this.#store.insertRows('notifications', notifications);
  }

  #rowsOf(messages: readonly LogMessage[], streamId: number): RecordRows[] {
    const records: RecordRows[] = [];
    const prefix = `${this.#bus.topology.fleet}.log.`;
    for (const { seq, subject, batch } of messages) {
      const kind = subject.slice(prefix.length).split('.')[0];
      const place = { stream_id: streamId, log_seq: seq };
      try {
        records.push({ seq, subject, ...logRows(kind, place, batch) });
      } catch (error) {
        if (!isCode(error, 'bad_record')) throw error;
        this.counters.malformed += 1;
        this.#log.error({ seq, subject, reason: reasonOf(error) }, 'record of the log skipped');
      }
    }
    return records;
  }

  async #shorten(projectedSeq: number, createdMs: number, signal: AbortSignal): Promise<void> {
    if (performance.now() - this.#trimmedMs < TRIM_EVERY_MS) return;
    this.#trimmedMs = performance.now();
    try {
      await untilAborted(this.#trim.trim(projectedSeq, createdMs), signal);
      this.#trimming.worked();
    } catch (error) {
      if (signal.aborted || isCode(error, 'stream_replaced')) throw error;
      this.#trimming.failed(error);
    }
  }

  #persist<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
    return persist('project the log', attempt, { signal, log: this.#log });
  }
}
