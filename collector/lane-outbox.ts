import { BATCH_HEADER_BYTES, writeBatchHeader } from '../pipeline/wire/batch.ts';
import { stampTarget } from '../pipeline/wire/frame.ts';
import { failPoint } from '../pipeline/fault/fail-point.ts';
import { padded } from '../pipeline/wire/message.ts';
import type { RegisteredCatalogue } from './catalogue-registry.ts';

/** Learns whether JetStream has a frame. */
export interface FrameOrigin {
  onStored(seq: number, bytes: number): void;
  /** Its batch was given up: the agent has to keep it. */
  onRefused(): void;
}

/** Where batches go. */
export interface BatchSink {
  /** Resolves to whether the stream has the batch. */
  publish(subject: string, batch: Uint8Array): Promise<boolean>;
}

export interface LaneOutboxOptions {
  readonly subject: string;
  readonly batchBytesMax: number;
  readonly batchDelayMsMax: number;
  /** Names this worker's run in the batches. */
  readonly collector: bigint;
  readonly publisher: BatchSink;
  /** After the frames of a published batch have been told. */
  onPublished(): void;
}

/**
 * What goes onto one lane: frames and catalogues are copied, stamped, into the current batch, which is
 * published when it is full or old enough. The origins of its frames are told when JetStream has
 * acknowledged it.
 */
export class LaneOutbox {
  readonly #options: LaneOutboxOptions;
  /** Catalogues that are in this lane since this worker began. */
  readonly #announced = new Set<bigint>();
  #batch: Buffer;
  #length = BATCH_HEADER_BYTES;
  #messages = 0;
  #origins: (FrameOrigin | undefined)[] = [];
  #seqs: number[] = [];
  #bytes: number[] = [];
  /** Registrations that must be over before the batch may go. */
  #waitFor = new Set<Promise<void>>();
  #waitingBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LaneOutboxOptions) {
    this.#options = options;
    this.#batch = Buffer.allocUnsafeSlow(options.batchBytesMax);
  }

  /** Bytes in the batch that is being filled. */
  get pendingBytes(): number {
    return this.#messages === 0 ? 0 : this.#length;
  }

  /** Bytes in closed batches that wait for the registration of a catalogue. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Adds a frame, preceded by its catalogue if the lane has not had that yet. */
  addFrame(
    source: Buffer,
    offset: number,
    length: number,
    target: Uint8Array,
    catalogue: RegisteredCatalogue,
    seq: number,
    origin: FrameOrigin | undefined,
  ): void {
    if (!this.#announced.has(catalogue.hash)) {
      this.#announced.add(catalogue.hash);
      const { message } = catalogue;
      this.#append(message, 0, message.length, target);
    }
    this.#append(source, offset, padded(length), target);
    // Batches overtake each other: each that needs the catalogue must be understood by itself.
    if (!catalogue.isRegistered) this.#waitFor.add(catalogue.registered);
    this.#origins.push(origin);
    this.#seqs.push(seq);
    this.#bytes.push(padded(length));
    if (this.#length >= this.#options.batchBytesMax) this.flush();
  }

  /** Publishes what there is. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#messages === 0) return;
    const batch = this.#takeBatch();
    writeBatchHeader(batch, this.#messages, this.#options.collector, Date.now());
    void this.#publish(batch, this.#waitFor, this.#origins, this.#seqs, this.#bytes);
    this.#length = BATCH_HEADER_BYTES;
    this.#messages = 0;
    this.#origins = [];
    this.#seqs = [];
    this.#bytes = [];
    this.#waitFor = new Set();
  }

  /** The filled bytes: a full buffer is given away, from a nearly empty one they are copied. */
  #takeBatch(): Buffer {
    const filled = this.#batch.subarray(0, this.#length);
    if (2 * this.#length < this.#batch.length) return Buffer.from(filled);
    this.#batch = Buffer.allocUnsafeSlow(this.#options.batchBytesMax);
    return filled;
  }

  #append(source: Buffer, offset: number, bytes: number, target: Uint8Array): void {
    if (this.#length + bytes > this.#batch.length) {
      if (this.#messages > 0) this.flush();
      // One message may be larger than a batch; it then travels alone.
      if (BATCH_HEADER_BYTES + bytes > this.#batch.length) {
        this.#batch = Buffer.allocUnsafeSlow(BATCH_HEADER_BYTES + bytes);
      }
    }
    source.copy(this.#batch, this.#length, offset, offset + bytes);
    stampTarget(this.#batch, this.#length, target);
    this.#length += bytes;
    this.#messages += 1;
    this.#timer ??= setTimeout(() => this.flush(), this.#options.batchDelayMsMax);
  }

  async #publish(
    batch: Buffer,
    waitFor: ReadonlySet<Promise<void>>,
    origins: readonly (FrameOrigin | undefined)[],
    seqs: readonly number[],
    bytes: readonly number[],
  ): Promise<void> {
    if (waitFor.size > 0) {
      this.#waitingBytes += batch.length;
      await Promise.all(waitFor);
      this.#waitingBytes -= batch.length;
    }
    failPoint('collector.batch_closed');
    if (!(await this.#options.publisher.publish(this.#options.subject, batch))) {
      for (const origin of origins) origin?.onRefused();
      return;
    }
    failPoint('collector.batch_published');
    for (let i = 0; i < origins.length; i += 1) origins[i]?.onStored(seqs[i]!, bytes[i]!);
    this.#options.onPublished();
  }
}
