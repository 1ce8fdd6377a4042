import type { Logger } from 'pino';
import type { Bus } from '../bus/bus.ts';
import { reasonOf } from '../error.ts';
import { hexId } from '../wire/shard.ts';

/** Why something could not be stored; a subject token. */
export type ParkingReason = 'bad_batch' | 'bad_timestamp' | 'bad_frame' | 'unknown_catalogue';

export interface ParkedMessage {
  readonly reason: ParkingReason;
  readonly bytes: Uint8Array;
  /** Names the message, so that parking it again changes nothing. */
  readonly id: string;
  /** What a frame waits for; part of its subject. */
  readonly catalogue?: bigint;
}

const AT_ONCE = 100;
/** What NATS counts beside the bytes themselves. */
const HEADERS_BYTES_MAX = 1024;
/** Of a message that had to be cut off: how long it was. */
export const WHOLE_BYTES_HEADER = 'Rollcall-Whole-Bytes';

/**
 * Where messages go that nobody can make sense of: to a stream of their own with the reason in the
 * subject, so that the flow goes on and a person can look. What waits for a catalogue has a subject for each catalogue.
 */
export class Parking {
  readonly parkedTotal = new Map<ParkingReason, number>();
  readonly #bus: Bus;
  readonly #log: Logger;
  #refused = 0;

  constructor(bus: Bus, log: Logger) {
    this.#bus = bus;
    this.#log = log;
  }

  /** Messages that not even the parking took: lost, and counted. */
  get refusedTotal(): number {
    return this.#refused;
  }

  /** The subjects of frames that wait for a catalogue; without one: a pattern of all of them. */
  waitingSubject(catalogue?: bigint): string {
    const token = catalogue === undefined ? '*' : hexId(catalogue);
    return this.#bus.topology.parkedSubject(`unknown_catalogue.${token}`);
  }

  /**
   * Only a full parking stream loses a message, and counts it: garbage must not stop the flow. Messages
   * are counted when all of them are through. Of one that leaves no room for its headers only the beginning is
   * parked.
   *
   * @throws RollcallError when NATS does not answer; to be tried again
   */
  async park(messages: readonly ParkedMessage[]): Promise<void> {
    const refused = new Set<ParkedMessage>();
    for (let at = 0; at < messages.length; at += AT_ONCE) {
      const some = messages.slice(at, at + AT_ONCE);
      const taken = await Promise.all(some.map((message) => this.#publish(message)));
      some.forEach((message, i) => {
        if (!taken[i]!) refused.add(message);
      });
    }
    this.#refused += refused.size;
    for (const [reason, parked] of Map.groupBy(messages, (message) => message.reason)) {
      this.#count(reason, parked, refused);
    }
  }

  async #publish({ reason, bytes, id, catalogue }: ParkedMessage): Promise<boolean> {
    const subject =
      catalogue === undefined
        ? this.#bus.topology.parkedSubject(reason)
        : this.waitingSubject(catalogue);
    try {
      const room = this.#bus.payloadBytesMax - HEADERS_BYTES_MAX;
      if (bytes.length <= room) await this.#bus.publish(subject, bytes, { id });
      else {
        const headers = { [WHOLE_BYTES_HEADER]: String(bytes.length) };
        await this.#bus.publish(subject, bytes.subarray(0, room), { id, headers });
      }
      return true;
    } catch (error) {
      if (!/maximum bytes/.test(reasonOf(error))) throw error;
      return false;
    }
  }

  #count(
    reason: ParkingReason,
    messages: readonly ParkedMessage[],
    refused: ReadonlySet<ParkedMessage>,
  ): void {
    const lost = messages.filter((message) => refused.has(message)).length;
    const parked = messages.length - lost;
    const stream = this.#bus.topology.parkedStream;
    const said = { reason, stream, first: messages[0]!.id };
    if (parked > 0) {
      this.parkedTotal.set(reason, (this.parkedTotal.get(reason) ?? 0) + parked);
      this.#log.error({ ...said, parked }, 'messages parked: look at them with "nats stream view"');
    }
    if (lost > 0) {
      this.#log.error(
        { ...said, lost },
        'messages lost: the parking stream is full; look at it and purge it',
      );
    }
  }
}
