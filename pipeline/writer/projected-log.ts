import { KeptTotals } from '../telemetry/kept-totals.ts';
import type { LogCounters, LogProjection } from './log-projection.ts';

const NAME = 'log';

/** The log as this process projects it, and has projected it: the part may come and go. */
export class ProjectedLog {
  readonly #totals = new KeptTotals<LogCounters>(['projected', 'batches', 'malformed']);
  #current: LogProjection | undefined;

  /** Undefined while another member has the part. */
  get current(): LogProjection | undefined {
    return this.#current;
  }

  /** Counts a projection in until its work is done. */
  async follow(projection: LogProjection, work: Promise<void>): Promise<void> {
    this.#current = projection;
    try {
      await work;
    } finally {
      this.#current = undefined;
      this.#totals.keep(NAME, projection.counters);
    }
  }

  total(field: keyof LogCounters): number {
    const present = this.#current === undefined ? [] : [[NAME, this.#current.counters] as const];
    return this.#totals.of(field, present).get(NAME) ?? 0;
  }
}
