import type { Bus } from '../pipeline/bus/bus.ts';
import { reasonOf } from '../pipeline/error.ts';

export interface QuarantineCounters {
  batches: number;
  /** Batches that the stream did not take; the agents keep what was in them. */
  refused: number;
}

const BYTES_IN_FLIGHT_MAX = 8 * 1024 * 1024;

/**
 * Publishes batches of frames whose time cannot be true to where a person can look at them. It tries once: a
 * full quarantine must not stop the flow of everybody else. What it refuses stays with the agents.
 */
export class Quarantine {
  readonly counters: QuarantineCounters = { batches: 0, refused: 0 };
  readonly subject: string;
  readonly #bus: Bus;
  #bytesInFlight = 0;

  constructor(bus: Bus) {
    this.#bus = bus;
    this.subject = bus.topology.parkedSubject('bad_timestamp');
  }

  get bytesInFlight(): number {
    return this.#bytesInFlight;
  }

  /** Resolves to whether the stream has the batch. */
  async publish(subject: string, batch: Uint8Array): Promise<boolean> {
    if (this.#bytesInFlight + batch.length > BYTES_IN_FLIGHT_MAX) return this.#refuse('in flight');
    this.#bytesInFlight += batch.length;
    try {
      await this.#bus.publish(subject, batch);
      this.counters.batches += 1;
      return true;
    } catch (error) {
      return this.#refuse(reasonOf(error));
    } finally {
      this.#bytesInFlight -= batch.length;
    }
  }

  #refuse(reason: string): false {
    this.counters.refused += 1;
    this.#bus.log.error({ reason }, 'frames could not be quarantined; their agents keep them');
    return false;
  }
}
