import { z } from 'zod';
import type { Bus } from '../pipeline/bus/bus.ts';
import { encodeNumbered, numberOf, payloadOf } from '../pipeline/bus/numbered-value.ts';
import { RollcallError } from '../pipeline/error.ts';
import { notifiedSubject } from '../pipeline/log/positions.ts';
import { unreadable } from './unreadable.ts';

/** How far the log has been brought to a receiver. */
export interface Progress {
  /** Every record of the log up to this one is delivered. */
  readonly seq: number;
  /** Notifications of the record after it that are delivered too. */
  readonly done: number;
}

const position = z.number().int().min(0);
const detail = z.object({ epoch: z.number(), done: z.number().int().min(0) });
const BEGINNING = { epoch: 0, seq: 0, done: 0 };

/**
 * A receiver's position in the log, kept on the bus. Every write is a compare-and-set on the write
 * before, made by ourselves: once another member has taken the receiver over, and begun by writing
 * its epoch, ours all fail. Who writes before each attempt to send sends at most what was on its way when
 * he was replaced.
 */
export class DeliveryPosition {
  readonly #bus: Bus;
  readonly #subject: string;
  readonly #epoch: number;
  #valueSeq = 0;

  constructor(bus: Bus, receiver: string, epoch: number) {
    this.#bus = bus;
    this.#subject = notifiedSubject(bus, receiver);
    this.#epoch = epoch;
  }

  /** A receiver that is new begins with what comes from now on. */
  static async begin(bus: Bus, receiver: string): Promise<void> {
    const { stateStream, logStream } = bus.topology;
    const subject = notifiedSubject(bus, receiver);
    if ((await bus.last(stateStream, subject)) !== undefined) return;
    const { last_seq: lastSeq } = (await bus.streamInfo(logStream)).state;
    try {
      await bus.publish(subject, encode({ seq: lastSeq, done: 0 }, 0), { lastSeq: 0 });
    } catch (error) {
      // Another member was quicker.
      if (!(error instanceof RollcallError && error.code === 'stale')) throw error;
    }
  }

  /**
   * Takes the receiver over: from here on no predecessor can write.
   *
   * @throws RollcallError `stale` when a member with a higher epoch has it; `state_unreadable`
   */
  async take(): Promise<Progress> {
    for (;;) {
      const found = await this.#bus.last(this.#bus.topology.stateStream, this.#subject);
      const { epoch, seq, done } = found === undefined ? BEGINNING : this.#decode(found.data);
      if (epoch > this.#epoch) {
        throw new RollcallError('stale', `${this.#subject} has a newer owner`);
      }
      this.#valueSeq = found?.seq ?? 0;
      try {
        await this.write({ seq, done });
        return { seq, done };
      } catch (error) {
        if (!(error instanceof RollcallError && error.code === 'stale')) throw error;
      }
    }
  }

  /** @throws RollcallError `stale` when another member has taken the receiver over */
  async write(progress: Progress): Promise<void> {
    const data = encode(progress, this.#epoch);
    this.#valueSeq = await this.#bus.publish(this.#subject, data, { lastSeq: this.#valueSeq });
  }

  /** A write of ours may have succeeded although we were told otherwise. */
  async reread(): Promise<void> {
    const found = await this.#bus.last(this.#bus.topology.stateStream, this.#subject);
    if (found === undefined) return;
    if (this.#decode(found.data).epoch === this.#epoch) this.#valueSeq = found.seq;
  }

  #decode(data: Uint8Array): Progress & { epoch: number } {
    try {
      return { seq: position.parse(numberOf(data)), ...detailOf(data) };
    } catch (error) {
      throw unreadable(this.#bus, this.#subject, error);
    }
  }
}

function encode({ seq, done }: Progress, epoch: number): Uint8Array {
  return encodeNumbered(seq, Buffer.from(JSON.stringify({ epoch, done })));
}

/** Older versions wrote the number alone. */
function detailOf(data: Uint8Array): z.infer<typeof detail> {
  const payload = payloadOf(data);
  if (payload.length === 0) return { epoch: 0, done: 0 };
  return detail.parse(JSON.parse(Buffer.from(payload).toString()));
}
