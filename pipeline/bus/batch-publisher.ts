import { reasonOf } from '../error.ts';
import type { Bus } from './bus.ts';
import { RetryLine } from './retry-line.ts';

export interface PublisherCounters {
  published: number;
  publishedBytes: number;
  /** Attempts that failed and were made again, by the error's code. */
  readonly retries: Map<string, number>;
}

/**
 * Publishes batches until JetStream has acknowledged them, however long that takes. Those of a subject that were
 * refused go in order: alerts follow what is newest. Otherwise batches are independent of each other: frames carry
 * their own numbers, so a batch that is repeated or overtaken does no harm. The caller bounds the bytes in flight by
 * looking at `bytesInFlight` before it reads more.
 */
export class BatchPublisher {
  readonly counters: PublisherCounters = { published: 0, publishedBytes: 0, retries: new Map() };
  readonly #bus: Bus;
  readonly #idPrefix: string;
  readonly #stop = new AbortController();
  /** By subject. */
  readonly #lines = new Map<string, RetryLine>();
  #nextId = 1;
  #bytesInFlight = 0;
  #batchesInFlight = 0;

  constructor(bus: Bus, idPrefix: string) {
    this.#bus = bus;
    this.#idPrefix = idPrefix;
  }

  get bytesInFlight(): number {
    return this.#bytesInFlight;
  }

  get batchesInFlight(): number {
    return this.#batchesInFlight;
  }

  /** Resolves to true when the stream has the batch; to false when the publisher was stopped. */
  async publish(subject: string, batch: Uint8Array): Promise<boolean> {
    const number = this.#nextId;
    this.#nextId += 1;
    this.#bytesInFlight += batch.length;
    this.#batchesInFlight += 1;
    try {
      return await this.#publishUntilAcknowledged(subject, batch, number);
    } finally {
      this.#bytesInFlight -= batch.length;
      this.#batchesInFlight -= 1;
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  async #publishUntilAcknowledged(
    subject: string,
    batch: Uint8Array,
    number: number,
  ): Promise<boolean> {
    const line = this.#lines.get(subject) ?? new RetryLine(this.#stop.signal);
    this.#lines.set(subject, line);
    const id = `${this.#idPrefix}-${number}`;
    if (line.isClosed) await line.turn(number);
    while (!this.#stop.signal.aborted) {
      try {
        await this.#bus.publish(subject, batch, { id });
        line.passed();
        this.counters.published += 1;
        this.counters.publishedBytes += batch.length;
        return true;
      } catch (error) {
        this.#countRetry(error);
        await line.refused(number);
      }
    }
    return false;
  }

  #countRetry(error: unknown): void {
    const reason = reasonOf(error);
    const code = /maximum bytes/.test(reason)
      ? 'stream_full'
      : /timeout/i.test(reason)
        ? 'timeout'
        : /no responders|no connection|disconnected/i.test(reason)
          ? 'unavailable'
          : 'other';
    this.counters.retries.set(code, (this.counters.retries.get(code) ?? 0) + 1);
    if (code === 'other') this.#bus.log.warn({ reason }, 'publishing failed; trying again');
  }
}
