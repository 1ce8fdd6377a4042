import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Bus } from '../bus/bus.ts';
import { StreamReader } from '../bus/stream-reader.ts';
import { reasonOf } from '../error.ts';
import { LogTrim } from '../log/log-trim.ts';
import { decodeNotification, decodeTransitions } from '../log/record-codec.ts';
import type { Store } from '../store/store.ts';
import { parseHexId } from '../wire/shard.ts';
import { claimStream } from './claimed-stream.ts';
import type { ClaimedStream } from './claimed-stream.ts';
import { MessageBuffer } from './message-buffer.ts';
import type { BufferedMessage } from './message-buffer.ts';
import { isCode, persist, untilAborted } from './persist.ts';

const RECORDS_MAX = 500;
const BYTES_MAX = 4 * 1024 * 1024;
const GATHER_MS = 100;
const POLL_MS = 1000;
const START_OVER_PAUSE_MS = 250;
const TRIM_EVERY_MS = 10_000;
/** The end of the year 2105. */
const TIME_MS_MAX = Date.UTC(2106, 0) - 1;

/** A record of the log, copied out of what it was received in. */
interface LogMessage extends BufferedMessage {
  readonly subject: string;
}

/** What a batch of records puts into each table. */
interface LogRows {
  readonly transitions: object[];
  readonly notifications: object[];
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
  readonly #trim: LogTrim;
  #buffer = new MessageBuffer<LogMessage>();
  #projected = 0;
  #batches = 0;
  /** Records of the log that come after the last one fetched. */
  #behind = 0;
  #malformed = 0;
  #trimmedMs = 0;

  constructor(
    parts: { bus: Bus; store: Store; log: Logger },
    identity: { epoch: number; writer: string },
  ) {
    this.#bus = parts.bus;
    this.#store = parts.store;
    this.#log = parts.log;
    this.#epoch = identity.epoch;
    this.#writer = identity.writer;
    this.#trim = new LogTrim(parts.bus);
  }

  get projectedTotal(): number {
    return this.#projected;
  }

  /** Inserts that this took. */
  get batchesTotal(): number {
    return this.#batches;
  }

  /** Records that are not in ClickHouse. */
  get pending(): number {
    return this.#behind + this.#buffer.count;
  }

  /** Bytes of those that are in memory. */
  get bufferBytes(): number {
    return this.#buffer.bytes;
  }

  get malformedTotal(): number {
    return this.#malformed;
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
      from: claimed.open.fromSeq,
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
    for await (const { seq, subject, data, pending } of reader) {
      if (signal.aborted) return;
      buffer.add({ seq, subject, batch: Buffer.from(data) });
      this.#behind = pending;
      while (buffer.count >= RECORDS_MAX || buffer.bytes >= BYTES_MAX) {
        await buffer.change(POLL_MS, signal);
      }
    }
  }

  async #project({ ledger, streamId, createdMs }: ClaimedStream, signal: AbortSignal) {
    const buffer = this.#buffer;
    for (;;) {
      while (buffer.waiting === 0) await buffer.change(POLL_MS, signal);
      // A storm goes in few inserts; a lone record is there soon enough.
      const isEnough = (): boolean =>
        buffer.waiting >= RECORDS_MAX || buffer.waitingBytes >= BYTES_MAX;
      await buffer.gather(GATHER_MS, isEnough, signal);
      const messages = buffer.take();
      const rows = this.#rowsOf(messages, streamId);
      const { seq } = messages.at(-1)!;
      await this.#persist(signal, async () => {
        await this.#insert(rows);
        await ledger.write({ fromSeq: seq + 1, toSeq: seq });
      });
      buffer.giveBack(messages);
      this.#projected += messages.length;
      this.#batches += 1;
      await this.#shorten(seq + 1, createdMs, signal);
    }
  }

  async #insert({ transitions, notifications }: LogRows): Promise<void> {
    if (transitions.length > 0) await this.#store.insertRows('alert_transitions', transitions);
    if (notifications.length > 0) await this.#store.insertRows('notifications', notifications);
  }

  #rowsOf(messages: readonly LogMessage[], streamId: number): LogRows {
    const rows: LogRows = { transitions: [], notifications: [] };
    const prefix = `${this.#bus.topology.fleet}.log.`;
    for (const { seq, subject, batch } of messages) {
      const kind = subject.slice(prefix.length).split('.')[0];
      const place = { stream_id: streamId, log_seq: seq };
      try {
        if (kind === 'transitions') rows.transitions.push(...transitionRows(place, batch));
        else if (kind === 'notifications') rows.notifications.push(notificationRow(place, batch));
      } catch (error) {
        if (!isCode(error, 'bad_record')) throw error;
        this.#malformed += 1;
        this.#log.error({ seq, subject, reason: reasonOf(error) }, 'record of the log skipped');
      }
    }
    return rows;
  }

  async #shorten(projectedSeq: number, createdMs: number, signal: AbortSignal): Promise<void> {
    if (performance.now() - this.#trimmedMs < TRIM_EVERY_MS) return;
    this.#trimmedMs = performance.now();
    try {
      await untilAborted(this.#trim.trim(projectedSeq, createdMs), signal);
    } catch (error) {
      if (isCode(error, 'stream_replaced')) throw error;
      this.#log.debug({ reason: reasonOf(error) }, 'trimming the log failed');
    }
  }

  #persist<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
    return persist('project the log', attempt, { signal, log: this.#log });
  }
}

interface Place {
  readonly stream_id: number;
  readonly log_seq: number;
}

function transitionRows(place: Place, data: Uint8Array): object[] {
  const { lane, transitions } = decodeTransitions(data);
  return transitions.map((transition, position) => ({
    ...place,
    position,
    lane,
    time: clickhouseTime(transition.timeMs),
    alert: transition.alert,
    state: transition.state,
    reason: transition.reason,
    fingerprint: parseHexId(transition.fingerprint).toString(),
    target_id: parseHexId(transition.targetId).toString(),
    labels: transition.labels,
    annotations: transition.annotations,
    value: String(transition.value),
    active_at: clickhouseTime(transition.activeAtMs),
  }));
}

function notificationRow(place: Place, data: Uint8Array): object {
  const record = decodeNotification(data);
  return {
    ...place,
    time: clickhouseTime(record.timeMs),
    receiver: record.receiver,
    status: record.status,
    alert: record.alertname,
    group_key: record.groupKey,
    alerts: record.alerts,
    attempts: record.attempts,
    outcome: record.outcome,
    detail: record.detail,
  };
}

/** A time that its column cannot hold becomes the nearest one that it can. */
function clickhouseTime(ms: number): string {
  return new Date(Math.min(Math.max(ms, 0), TIME_MS_MAX)).toISOString();
}
