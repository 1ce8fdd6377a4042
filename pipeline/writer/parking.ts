import type { Logger } from 'pino';
import type { Bus } from '../bus/bus.ts';
import { reasonOf } from '../error.ts';

/** Why something could not be stored; a subject token. */
export type ParkingReason = 'bad_batch' | 'bad_timestamp' | 'unknown_catalogue';

/**
 * Where messages go that nobody can make sense of: to a stream of their own with the reason in the
 * subject, so that the flow goes on and a person can look.
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

  /**
   * `id` names the message, so that parking it again changes nothing. Only a full parking stream loses a
   * message, and counts it: garbage must not stop the flow.
   *
   * @throws RollcallError when NATS does not answer; to be tried again
   */
  async park(reason: ParkingReason, bytes: Uint8Array, id: string): Promise<void> {
    try {
      await this.#bus.publish(this.#bus.topology.parkedSubject(reason), bytes, { id });
      this.parkedTotal.set(reason, (this.parkedTotal.get(reason) ?? 0) + 1);
      this.#log.error(
        { reason, id, bytes: bytes.length, stream: this.#bus.topology.parkedStream },
        'message parked: look at it with "nats stream view"',
      );
    } catch (error) {
      if (!/maximum bytes/.test(reasonOf(error))) throw error;
      this.#refused += 1;
      this.#log.error(
        { reason, id, stream: this.#bus.topology.parkedStream },
        'message lost: the parking stream is full; look at it and purge it',
      );
    }
  }
}
