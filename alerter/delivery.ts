import type { Logger } from 'pino';
import type { Bus } from '../pipeline/bus/bus.ts';
import { encodeNumbered, numberOf } from '../pipeline/bus/numbered-value.ts';
import { StreamReader } from '../pipeline/bus/stream-reader.ts';
import { retry } from '../pipeline/dial/retry.ts';
import { reasonOf } from '../pipeline/error.ts';
import { notifiedSubject } from '../pipeline/log/positions.ts';
import { decodeTransitions, encodeRecord } from '../pipeline/log/record-codec.ts';
import { groupNotifications } from './notify/notification.ts';
import type { Notification } from './notify/notification.ts';
import type { Receiver } from './notify/receiver.ts';
import { deliverUntilDone } from './notify/retrying.ts';

export interface DeliveryOptions {
  readonly retryBackoffMsMin: number;
  readonly retryBackoffMsMax: number;
}

export interface DeliveryCounters {
  delivered: number;
  rejected: number;
  retries: number;
  pending: number;
  /** Records that were trimmed from the log before this receiver had got them. */
  missed: number;
}

/**
 * Brings the log's transitions to one receiver, in their order and at least once. The receiver's
 * position is durable and is advanced only after delivery, so a page survives the death of the
 * alerter; a repeat after such a death has the same key. Each receiver has its own delivery: a hanging
 * one delays nobody else.
 */
export class Delivery {
  readonly counters: DeliveryCounters = {
    delivered: 0,
    rejected: 0,
    retries: 0,
    pending: 0,
    missed: 0,
  };
  readonly #bus: Bus;
  readonly #receiver: Receiver;
  readonly #options: DeliveryOptions;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  #position = 0;

  constructor(
    parts: { bus: Bus; receiver: Receiver; log: Logger },
    options: DeliveryOptions,
    signal: AbortSignal,
  ) {
    this.#bus = parts.bus;
    this.#receiver = parts.receiver;
    this.#log = parts.log.child({ receiver: parts.receiver.name });
    this.#options = options;
    this.#signal = signal;
  }

  get receiverName(): string {
    return this.#receiver.name;
  }

  /** Finds the position; a receiver that is new begins with what comes from now on. */
  async recover(): Promise<void> {
    const { stateStream, logStream } = this.#bus.topology;
    this.#position = await this.#persist(async () => {
      const known = await this.#bus.last(stateStream, this.#subject);
      const { first_seq: firstSeq, last_seq: lastSeq } = (await this.#bus.streamInfo(logStream))
        .state;
      if (known !== undefined) return this.#checked(numberOf(known.data), firstSeq, lastSeq);
      await this.#bus.publish(this.#subject, encodeNumbered(lastSeq));
      return lastSeq;
    });
  }

  async run(): Promise<void> {
    const { topology } = this.#bus;
    const reader = new StreamReader(this.#bus, {
      stream: topology.logStream,
      subject: topology.transitionsSubject('>'),
      from: this.#position + 1,
    });
    this.#signal.addEventListener('abort', () => reader.stop());
    for await (const { seq, data, pending } of reader) {
      this.counters.pending = pending + 1;
      for (const notification of groupNotifications(this.#transitions(seq, data))) {
        await this.#deliver(notification);
        if (this.#signal.aborted) return;
      }
      await this.#persist(() => this.#bus.publish(this.#subject, encodeNumbered(seq)));
      this.counters.pending = pending;
    }
  }

  /** A log that was made anew is delivered from its beginning; what was trimmed is lost, and counted. */
  #checked(position: number, firstSeq: number, lastSeq: number): number {
    if (position > lastSeq) return 0;
    const missed = Math.max(0, firstSeq - position - 1);
    this.counters.missed += missed;
    if (missed > 0) this.#log.error({ missed }, 'the log was trimmed before it was delivered');
    return position;
  }

  #transitions(seq: number, data: Uint8Array): ReturnType<typeof decodeTransitions>['transitions'] {
    try {
      return decodeTransitions(data).transitions;
    } catch (error) {
      this.#log.error({ seq, reason: reasonOf(error) }, 'record of the log skipped');
      return [];
    }
  }

  async #deliver(notification: Notification): Promise<void> {
    const { outcome, attempts } = await deliverUntilDone(this.#receiver, notification, {
      backoffMinMs: this.#options.retryBackoffMsMin,
      backoffMaxMs: this.#options.retryBackoffMsMax,
      signal: this.#signal,
      onRetry: ({ attempts: tries, detail, pauseMs }) => {
        this.counters.retries += 1;
        this.#log.warn({ tries, detail, pauseMs }, 'notification failed; trying again');
      },
    });
    if (outcome.kind === 'retry') return; // stopped: the position stays where it is
    this.counters[outcome.kind] += 1;
    const { key, groupKey, status, alertname, alerts } = notification;
    if (outcome.kind === 'rejected') {
      this.#log.error({ alertname, detail: outcome.detail }, 'receiver rejected a notification');
    }
    const record = encodeRecord({
      receiver: this.#receiver.name,
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
    const subject = this.#bus.topology.notificationsSubject(this.#receiver.name);
    await this.#persist(() => this.#bus.publish(subject, record));
  }

  get #subject(): string {
    return notifiedSubject(this.#bus, this.#receiver.name);
  }

  #persist<T>(attempt: () => Promise<T>): Promise<T> {
    return retry(attempt, {
      signal: this.#signal,
      pauseMsMin: 50,
      pauseMsMax: 2000,
      onRetry: (error) => {
        this.#log.debug({ reason: reasonOf(error) }, 'cannot record a delivery; trying again');
      },
    });
  }
}
