import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Bus } from '../pipeline/bus/bus.ts';
import { FETCH_EXPIRES_MS_MIN, StreamReader } from '../pipeline/bus/stream-reader.ts';
import { retry } from '../pipeline/dial/retry.ts';
import { reasonOf, RollcallError } from '../pipeline/error.ts';
import { failPoint } from '../pipeline/fault/fail-point.ts';
import { decodeTransitions, encodeRecord } from '../pipeline/log/record-codec.ts';
import { DeliveryPosition } from './delivery-position.ts';
import type { Progress } from './delivery-position.ts';
import { groupNotifications } from './notify/notification.ts';
import type { Notification } from './notify/notification.ts';
import type { Receiver } from './notify/receiver.ts';
import { deliverUntilDone } from './notify/retrying.ts';
import type { FinalDelivery } from './notify/retrying.ts';
import { TroubleLog } from './trouble-log.ts';

export interface DeliveryOptions {
  readonly retryBackoffMsMin: number;
  readonly retryBackoffMsMax: number;
}

export class DeliveryCounters {
  delivered = 0;
  rejected = 0;
  retries = 0;
  pending = 0;
  /** Records that were trimmed from the log before this receiver had got them. */
  missed = 0;
}

interface Parts {
  readonly bus: Bus;
  readonly receiver: Receiver;
  readonly log: Logger;
}

/** What is on its way when the receiver moves to another member has this long to arrive. */
const FAREWELL_MS = 2000;

/**
 * Brings the log's transitions to one receiver, in their order and at least once, under the epoch of its
 * owner. The position is durable. It is written before each attempt, which fails once somebody else owns the
 * receiver, and after the last one, so that only a death in between repeats a page, with the same key. Each
 * receiver has its own delivery: a hanging one delays nobody else.
 */
export class Delivery {
  readonly counters = new DeliveryCounters();
  readonly #parts: Parts;
  readonly #options: DeliveryOptions;
  readonly #log: Logger;
  readonly #trouble: TroubleLog;
  readonly #signal: AbortSignal;
  readonly #position: DeliveryPosition;
  /** Aborts a while after `signal`. */
  readonly #farewell = new AbortController();

  constructor(parts: Parts, options: DeliveryOptions & { epoch: number }, signal: AbortSignal) {
    this.#parts = parts;
    this.#options = options;
    this.#log = parts.log.child({ receiver: parts.receiver.name });
    this.#trouble = new TroubleLog(this.#log);
    this.#signal = signal;
    this.#position = new DeliveryPosition(parts.bus, parts.receiver.name, options.epoch);
  }

  get receiverName(): string {
    return this.#parts.receiver.name;
  }

  /**
   * Runs until aborted.
   *
   * @throws RollcallError `stale` when another member has taken the receiver over
   */
  async run(): Promise<void> {
    const end = (): void => void setTimeout(() => this.#farewell.abort(), FAREWELL_MS).unref();
    this.#signal.addEventListener('abort', end, { once: true });
    try {
      let progress = await this.#recover();
      while (!this.#signal.aborted) progress = await this.#follow(progress);
    } catch (error) {
      if (!this.#signal.aborted) throw error;
    } finally {
      this.#signal.removeEventListener('abort', end);
    }
  }

  async #recover(): Promise<Progress> {
    const progress = await this.#persist(() => this.#position.take());
    const { logStream } = this.#parts.bus.topology;
    const { state } = await this.#persist(() => this.#parts.bus.streamInfo(logStream));
    return this.#checked(progress, state.first_seq, state.last_seq);
  }

  /** Delivers what the log has until it is aborted, or the log was made anew. */
  async #follow(from: Progress): Promise<Progress> {
    const { topology } = this.#parts.bus;
    const reader = new StreamReader(this.#parts.bus, {
      stream: topology.logStream,
      subject: topology.transitionsSubject('>'),
      from: from.seq + 1,
      fetchExpiresMs: FETCH_EXPIRES_MS_MIN,
    });
    const stop = (): void => reader.stop();
    this.#signal.addEventListener('abort', stop, { once: true });
    let progress = from;
    try {
      for await (const { seq, data, pending } of reader) {
        this.counters.pending = pending + 1;
        await this.#countTrimmed(progress.seq, seq);
        if (!(await this.#deliverRecord(seq, data, progress))) return progress;
        progress = { seq, done: 0 };
        this.counters.pending = pending;
      }
      return progress;
    } catch (error) {
      if (!(error instanceof RollcallError && error.code === 'stream_replaced')) throw error;
      return { seq: 0, done: 0 };
    } finally {
      reader.stop();
      this.#signal.removeEventListener('abort', stop);
    }
  }

  /** False if it was aborted before all of the record was delivered. */
  async #deliverRecord(seq: number, data: Uint8Array, { seq: before, done }: Progress) {
    const notifications = groupNotifications(this.#transitions(seq, data));
    for (let index = done; index < notifications.length; index += 1) {
      if (this.#signal.aborted) return false;
      const progress = { seq: before, done: index };
      if (!(await this.#deliver(notifications[index]!, progress))) return false;
      await this.#write({ seq: before, done: index + 1 });
      failPoint('delivery.recorded');
    }
    await this.#write({ seq, done: 0 });
    return true;
  }

  /** A log that was made anew is delivered from its beginning; what was trimmed is lost, and counted. */
  #checked(progress: Progress, firstSeq: number, lastSeq: number): Progress {
    if (progress.seq > lastSeq) return { seq: 0, done: 0 };
    const missed = firstSeq - progress.seq - 1;
    if (missed <= 0) return progress;
    this.#countMissed(missed);
    return { seq: firstSeq - 1, done: 0 };
  }

  /** Between two transitions the log holds other records too, or what lay there was trimmed away. */
  async #countTrimmed(before: number, seq: number): Promise<void> {
    if (seq === before + 1) return;
    const { bus } = this.#parts;
    const { state } = await this.#persist(() => bus.streamInfo(bus.topology.logStream));
    const missed = Math.min(state.first_seq, seq) - before - 1;
    if (missed > 0) this.#countMissed(missed);
  }

  #countMissed(missed: number): void {
    this.counters.missed += missed;
    this.#log.error({ missed }, 'the log was trimmed before it was delivered');
  }

  #transitions(seq: number, data: Uint8Array): ReturnType<typeof decodeTransitions>['transitions'] {
    try {
      return decodeTransitions(data).transitions;
    } catch (error) {
      this.#log.error({ seq, reason: reasonOf(error) }, 'record of the log skipped');
      return [];
    }
  }

  /** False if it was aborted before the receiver had it. */
  async #deliver(notification: Notification, progress: Progress): Promise<boolean> {
    const { receiver } = this.#parts;
    const patient = {
      name: receiver.name,
      deliver: async (one: Notification) => {
        // Fails, and so nothing is sent, when somebody else owns the receiver: perhaps since the last attempt.
        await this.#write(progress);
        failPoint('delivery.attempt_recorded');
        // What is on its way may still arrive: a successor would have to send it again.
        return receiver.deliver(one, this.#farewell.signal);
      },
    };
    const result = await deliverUntilDone(patient, notification, {
      backoffMinMs: this.#options.retryBackoffMsMin,
      backoffMaxMs: this.#options.retryBackoffMsMax,
      signal: this.#signal,
      onRetry: ({ attempts: tries, detail, pauseMs }) => {
        this.counters.retries += 1;
        this.#log.warn({ tries, detail, pauseMs }, 'notification failed; trying again');
      },
    });
    if (result.outcome.kind === 'retry') return false;
    failPoint('delivery.sent');
    this.counters[result.outcome.kind] += 1;
    if (result.outcome.kind === 'rejected') {
      const { alertname } = notification;
      const { detail } = result.outcome;
      this.#log.error({ alertname, detail }, 'receiver rejected a notification');
    }
    await this.#record(notification, result);
    return true;
  }

  async #record(notification: Notification, { outcome, attempts }: FinalDelivery): Promise<void> {
    if (outcome.kind === 'retry') return;
    const { key, groupKey, status, alertname, alerts } = notification;
    const { bus, receiver } = this.#parts;
    const record = encodeRecord({
      receiver: receiver.name,
      key,
      groupKey,
      status,
      alertname,
      alerts: alerts.length,
      attempts,
      outcome: outcome.kind,
      detail: outcome.detail,
      timeMs: Date.now(),
    });
    const subject = bus.topology.notificationsSubject(receiver.name);
    // By its id a repeat after a lost acknowledgement is recognised.
    const id = randomUUID();
    await this.#persist(() => bus.publish(subject, record, { id }));
  }

  async #write(progress: Progress): Promise<void> {
    let isFirst = true;
    await this.#persist(async () => {
      // The attempt before may have arrived, and only its answer was lost.
      if (!isFirst) await this.#position.reread();
      isFirst = false;
      await this.#position.write(progress);
    });
  }

  #persist<T>(attempt: () => Promise<T>): Promise<T> {
    return retry(attempt, {
      signal: this.#farewell.signal,
      pauseMsMin: 50,
      pauseMsMax: 2000,
      isFinal: (error) => error instanceof RollcallError && error.code === 'stale',
      onRetry: (error) => {
        this.#trouble.tell(error, 'cannot record a delivery; trying again', 'debug');
      },
    });
  }
}
