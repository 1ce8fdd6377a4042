import { BATCH_HEADER_BYTES, writeBatchHeader } from '../pipeline/wire/batch.ts';
import { stampTarget } from '../pipeline/wire/frame.ts';
import { failPoint } from '../pipeline/fault/fail-point.ts';
import { padded } from '../pipeline/wire/message.ts';
import type { BatchBuffers } from './batch-buffers.ts';
import type { RegisteredCatalogue } from './catalogue-registry.ts';
import type { FlushClock, Gatherer } from './flush-clock.ts';
import { reportedFrameBytes, writeReportedFrame } from './reported-frame.ts';
import type { Report } from './target-report.ts';

/** Learns whether JetStream has a frame. */
export interface FrameOrigin {
  onStored(seq: number, bytes: number): void;
  /** Its batch was given up: the agent has to keep it. */
  onRefused(): void;
}

/** An id as it is stamped: its halves of 32 bits, signed, for those V8 keeps without an object. */
export interface IdHalves {
  readonly low: number;
  readonly high: number;
}

/** An agent's frame, or a report, on its way onto a lane. */
export interface OutgoingFrame {
  readonly source: Buffer;
  readonly offset: number;
  readonly length: number;
  readonly target: IdHalves;
  readonly catalogue: RegisteredCatalogue;
  /** What is said of the target in the same frame, if the catalogue has room for that. */
  readonly report?: Report | undefined;
}

/** Where batches go. */
export interface BatchSink {
  /** Resolves to whether the stream has the batch; only then is the batch not looked at any more. */
  publish(subject: string, batch: Uint8Array): Promise<boolean>;
}

export interface LaneOutboxOptions {
  readonly subject: string;
  readonly batchBytesMax: number;
  readonly buffers: BatchBuffers;
  /** Says when a batch is old enough to go even if it is small. */
  readonly clock: FlushClock;
  /** Names this worker's run in the batches. */
  readonly collector: bigint;
  readonly publisher: BatchSink;
  /** After the frames of a published batch have been told. */
  onPublished(): void;
}

/** The frames of a batch, a column per property. */
class Contents {
  readonly origins: (FrameOrigin | undefined)[] = [];
  readonly seqs: number[] = [];
  readonly bytes: number[] = [];
  /** Registrations that must be over before the batch may go. */
  readonly waitFor = new Set<Promise<void>>();
  messages = 0;
}

/**
 * What goes onto one lane: frames and catalogues are copied, stamped, into the current batch, which is
 * published when it is full or old enough. The origins of its frames are told when JetStream has
 * acknowledged it.
 */
export class LaneOutbox implements Gatherer {
  readonly #options: LaneOutboxOptions;
  /** Grows with what is in it; there is none while nothing is. */
  #batch: Buffer | undefined;
  #length = BATCH_HEADER_BYTES;
  /** Of the last batch: the next begins with room for as much. */
  #lastLength = 0;
  #contents = new Contents();
  #waitingBytes = 0;
  /** The clock has been asked. */
  #isTimed = false;

  constructor(options: LaneOutboxOptions) {
    this.#options = options;
  }

  /** Bytes in the batch that is being filled. */
  get pendingBytes(): number {
    return this.#batch === undefined ? 0 : this.#length;
  }

  /** Bytes in closed batches that wait for the registration of a catalogue. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Adds a frame, preceded by its catalogue if that has not gone along any lane yet. */
  addFrame(frame: OutgoingFrame, seq: number, origin: FrameOrigin | undefined): void {
    const { length, target, catalogue } = frame;
    const { message } = catalogue;
    if (message !== undefined) {
      catalogue.message = undefined;
      const at = this.#append(message.length);
      message.copy(this.#batch!, at);
      stampTarget(this.#batch!, at, target.low, target.high);
    }
    this.#appendFrame(frame);
    const contents = this.#contents;
    // Batches overtake each other: each that needs the catalogue must be understood by itself.
    if (!catalogue.isRegistered) contents.waitFor.add(catalogue.registered);
    contents.origins.push(origin);
    contents.seqs.push(seq);
    contents.bytes.push(padded(length));
    if (this.#length >= this.#options.batchBytesMax) this.flush();
  }

  onDue(): void {
    this.#isTimed = false;
    this.flush();
  }

  /** Publishes what there is. */
  flush(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    const contents = this.#contents;
    writeBatchHeader(batch, contents.messages, this.#options.collector, Date.now());
    void this.#publish(batch, this.#length, contents);
    this.#batch = undefined;
    this.#lastLength = this.#length;
    this.#length = BATCH_HEADER_BYTES;
    this.#contents = new Contents();
  }

  #appendFrame({ source, offset, length, target, catalogue, report }: OutgoingFrame): void {
    const { hash, series, isReported } = catalogue;
    const at = this.#append(isReported ? reportedFrameBytes(series) : padded(length));
    const batch = this.#batch!;
    if (isReported) writeReportedFrame(batch, at, source, offset, series, hash, report);
    else source.copy(batch, at, offset, offset + padded(length));
    stampTarget(batch, at, target.low, target.high);
  }

  /** Makes room for a message at the end of the batch; returns where. */
  #append(bytes: number): number {
    this.#batch = this.#batchWithRoom(bytes);
    const at = this.#length;
    this.#length += bytes;
    this.#contents.messages += 1;
    if (!this.#isTimed) {
      this.#isTimed = true;
      this.#options.clock.ask(this);
    }
    return at;
  }

  /** One message may be larger than a batch; it then travels alone. */
  #batchWithRoom(bytes: number): Buffer {
    const { batchBytesMax, buffers } = this.#options;
    if (this.#length + bytes > batchBytesMax) this.flush();
    const batch = this.#batch;
    const need = this.#length + bytes;
    if (batch === undefined) {
      const usual = Math.min(this.#lastLength, batchBytesMax);
      return (this.#batch = buffers.take(Math.max(need, usual)));
    }
    if (need <= batch.length) return batch;
    const grown = buffers.take(Math.max(need, Math.min(2 * batch.length, batchBytesMax)));
    batch.copy(grown, 0, 0, this.#length);
    buffers.give(batch);
    return (this.#batch = grown);
  }

  async #publish(buffer: Buffer, length: number, contents: Contents): Promise<void> {
    const { origins, seqs, bytes, waitFor } = contents;
    if (waitFor.size > 0) {
      this.#waitingBytes += length;
      await Promise.all(waitFor);
      this.#waitingBytes -= length;
    }
    failPoint('collector.batch_closed');
    const { publisher, subject, buffers } = this.#options;
    if (!(await publisher.publish(subject, buffer.subarray(0, length)))) {
      for (const origin of origins) origin?.onRefused();
      return;
    }
    buffers.give(buffer);
    failPoint('collector.batch_published');
    for (let i = 0; i < origins.length; i += 1) origins[i]?.onStored(seqs[i]!, bytes[i]!);
    this.#options.onPublished();
  }
}
