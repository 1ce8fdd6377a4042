import { z } from 'zod';
import type { Bus } from '../../pipeline/bus/bus.ts';
import { encodeNumbered, numberOf, payloadOf } from '../../pipeline/bus/numbered-value.ts';
import { unreadable } from '../unreadable.ts';
import { isStale, mustNotBeLater } from './owner.ts';
import type { LaneOwner } from './owner.ts';

export interface Numbered {
  /** Its sequence in the stream of states. */
  readonly seq: number;
  readonly number: number;
  /** JSON; an empty object in values of earlier versions. */
  readonly payload: unknown;
}

const signed = z.object({ epoch: z.number().optional() });
const position = z.number().int().min(0);

/**
 * A numbered value of a compacted subject that only the latest owner of a lane may write: by
 * compare-and-set, signed with the owner's epoch.
 */
export class FencedValue {
  readonly #bus: Bus;
  readonly #subject: string;
  readonly #owner: LaneOwner;
  #seq = 0;

  constructor(bus: Bus, subject: string, owner: LaneOwner) {
    this.#bus = bus;
    this.#subject = subject;
    this.#owner = owner;
  }

  /** @throws RollcallError `stale` when a later owner has written it; `state_unreadable` */
  async read(): Promise<Numbered | undefined> {
    const value = await this.#bus.last(this.#bus.topology.stateStream, this.#subject);
    this.#seq = value?.seq ?? 0;
    if (value === undefined) return undefined;
    const { number, payload, epoch } = this.#decode(value.data);
    mustNotBeLater(epoch, this.#owner, this.#subject);
    return { seq: value.seq, number, payload };
  }

  #decode(data: Uint8Array): { number: number; payload: unknown; epoch: number | undefined } {
    try {
      const text = Buffer.from(payloadOf(data)).toString();
      const payload: unknown = text === '' ? {} : JSON.parse(text);
      const number = position.parse(numberOf(data));
      return { number, payload, epoch: signed.parse(payload).epoch };
    } catch (error) {
      throw unreadable(this.#bus, this.#subject, error);
    }
  }

  /**
   * Writes it, if nobody has since it was last read or written here.
   *
   * @returns its sequence in the stream of states
   * @throws RollcallError `stale` when somebody has
   */
  async replace(number: number, payload: object): Promise<number> {
    const { epoch, member } = this.#owner;
    const text = Buffer.from(JSON.stringify({ ...payload, epoch, member }));
    const data = encodeNumbered(number, text);
    this.#seq = await this.#bus.publish(this.#subject, data, { lastSeq: this.#seq });
    return this.#seq;
  }

  /**
   * Writes it, whatever a predecessor wrote meanwhile.
   *
   * @throws RollcallError `stale` when a later owner has written it
   */
  async write(number: number, payload: object): Promise<number> {
    try {
      return await this.replace(number, payload);
    } catch (error) {
      if (!isStale(error)) throw error;
      // Also when our own writing of before went well and its acknowledgement was lost.
      await this.read();
      return this.replace(number, payload);
    }
  }
}
