import type { BatchPublisher } from '../../pipeline/bus/batch-publisher.ts';
import { BATCH_HEADER_BYTES, writeBatchHeader } from '../../pipeline/wire/batch.ts';
import { stampTarget } from '../../pipeline/wire/frame.ts';
import { highOf, lowOf } from '../../pipeline/wire/id-map.ts';
import { padded } from '../../pipeline/wire/message.ts';

/** As a collector's. */
const BATCH_BYTES_MAX = 512 * 1024;

/** Messages on their way onto one lane: what is added is copied, and published when there is enough of it. */
export class LaneBatches {
  readonly #subject: string;
  readonly #publisher: BatchPublisher;
  readonly #collector: bigint;
  #batch = Buffer.alloc(BATCH_BYTES_MAX);
  #length = BATCH_HEADER_BYTES;
  #messages = 0;

  /** @param collector names, in batches, who has made them */
  constructor(subject: string, publisher: BatchPublisher, collector: bigint) {
    this.#subject = subject;
    this.#publisher = publisher;
    this.#collector = collector;
  }

  /** Adds a frame or a catalogue of at most half a batch, stamped with its target. */
  add(message: Buffer, length: number, target: bigint): void {
    if (this.#length + padded(length) > BATCH_BYTES_MAX) this.flush();
    message.copy(this.#batch, this.#length, 0, length);
    stampTarget(this.#batch, this.#length, lowOf(target), highOf(target));
    this.#length += padded(length);
    this.#messages += 1;
  }

  /** Publishes what there is. */
  flush(): void {
    if (this.#messages === 0) return;
    writeBatchHeader(this.#batch, this.#messages, this.#collector, Date.now());
    void this.#publisher.publish(this.#subject, this.#batch.subarray(0, this.#length));
    this.#batch = Buffer.alloc(BATCH_BYTES_MAX);
    this.#length = BATCH_HEADER_BYTES;
    this.#messages = 0;
  }
}
