import type { Logger } from 'pino';
import { randomUUID } from 'node:crypto';
import type { Bus, Value } from '../../pipeline/bus/bus.ts';
import { StreamReader } from '../../pipeline/bus/stream-reader.ts';
import { reasonOf, RollcallError } from '../../pipeline/error.ts';
import { decodeTransitions, encodeRecord } from '../../pipeline/log/record-codec.ts';
import type { TransitionRecord } from '../../pipeline/log/transition.ts';
import { tooLarge } from '../unreadable.ts';
import { isStale, laneBusy, mustNotBeLater } from './owner.ts';
import type { LaneOwner } from './owner.ts';

/** NATS counts headers too; ours are an id and what the compare-and-set expects. */
const HEADER_BYTES_MAX = 1024;

export type UnsignedRecord = Omit<TransitionRecord, 'lane' | 'epoch' | 'member'>;

/**
 * The transitions of one lane in the log. Its owner first closes it to its predecessors with an empty record:
 * from then on their compare-and-set is lost, whenever they wake.
 */
export class LaneLog {
  readonly #bus: Bus;
  readonly #lane: string;
  readonly #owner: LaneOwner;
  readonly #log: Logger;
  readonly #confirm: () => Promise<unknown>;
  #lastSeq = 0;

  /** `confirm` throws `stale` if another place than the log says that we were replaced. */
  constructor(
    parts: { bus: Bus; log: Logger; confirm: () => Promise<unknown> },
    lane: string,
    owner: LaneOwner,
  ) {
    this.#bus = parts.bus;
    this.#log = parts.log;
    this.#confirm = parts.confirm;
    this.#lane = lane;
    this.#owner = owner;
  }

  /** The sequence in the log of our last record. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /**
   * Closes the log to predecessors.
   *
   * @throws RollcallError `lane_busy` when a predecessor was still recording: to be called again;
   *   `stale` when a later owner has written
   */
  async take(): Promise<void> {
    const data = this.#encode({ laneSeq: 0, transitions: [] });
    const newest = await this.#newest();
    try {
      this.#lastSeq = await this.#publish(data, newest?.seq ?? 0, randomUUID());
    } catch (error) {
      if (isStale(error)) throw laneBusy(error);
      throw error;
    }
  }

  /**
   * Appends a record; may be called again with the same `id` when it failed.
   *
   * @throws RollcallError `stale` when somebody else has written since; `record_too_large`
   */
  async append(record: UnsignedRecord, id: string): Promise<void> {
    const data = this.#encode(record);
    const { payloadBytesMax } = this.#bus;
    if (data.length + HEADER_BYTES_MAX > payloadBytesMax) {
      throw tooLarge(this.#subject, data.length, payloadBytesMax);
    }
    try {
      // The id makes a repeat after a lost acknowledgement succeed instead of losing the race.
      this.#lastSeq = await this.#publish(data, this.#lastSeq, id);
    } catch (error) {
      if (!isStale(error)) throw error;
      const newest = await this.#newest();
      if (newest === undefined) {
        // All of it was trimmed, or the stream was made anew: the position still knows who owns the lane.
        await this.#confirm();
        this.#lastSeq = await this.#publish(data, 0, `${id}-first`);
      } else if (Buffer.compare(newest.data, data) === 0) {
        this.#lastSeq = newest.seq;
      } else {
        throw error;
      }
    }
  }

  /** The records after `seq` up to our own first one. Throws the signal's reason when aborted. */
  async records(seq: number, signal: AbortSignal): Promise<TransitionRecord[]> {
    const until = this.#lastSeq;
    const records: TransitionRecord[] = [];
    if (until <= seq) return records;
    const reader = new StreamReader(this.#bus, {
      stream: this.#bus.topology.logStream,
      subject: this.#subject,
      from: seq + 1,
    });
    const stop = (): void => reader.stop();
    signal.addEventListener('abort', stop);
    try {
      signal.throwIfAborted();
      for await (const message of reader) {
        const record = this.#decode(message);
        if (record !== undefined) records.push(record);
        if (message.seq >= until) break;
      }
      signal.throwIfAborted();
      return records;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** @throws RollcallError `stale` when it is of a later owner */
  async #newest(): Promise<Value | undefined> {
    const newest = await this.#bus.last(this.#bus.topology.logStream, this.#subject);
    if (newest !== undefined) {
      mustNotBeLater(this.#decode(newest)?.epoch, this.#owner, this.#subject);
    }
    return newest;
  }

  #publish(data: Uint8Array, lastSeq: number, id: string): Promise<number> {
    return this.#bus.publish(this.#subject, data, { lastSeq, id });
  }

  #encode(record: UnsignedRecord): Uint8Array {
    return encodeRecord({ ...this.#owner, ...record, lane: this.#lane });
  }

  #decode({ seq, data }: Value): TransitionRecord | undefined {
    try {
      return decodeTransitions(data);
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error;
      this.#log.error({ seq, reason: reasonOf(error) }, 'record of the log skipped');
      return undefined;
    }
  }

  get #subject(): string {
    return this.#bus.topology.transitionsSubject(this.#lane);
  }
}
