import { RollcallError } from '../pipeline/error.ts';

/** How many catalogues nobody has seen before one target may bring at once. */
const CATALOGUES_MAX = 32;
/** After this long it may bring one more. */
const REFILL_MS = 60_000;
const monotonicClock = (): number => performance.now();

/**
 * New catalogues cost memory for everybody. A host has a new one when a disk or an interface appears; one
 * that invents them without end is stopped before it matters to others.
 */
export class CatalogueBudget {
  readonly #monotonicMs: () => number;
  #left = CATALOGUES_MAX;
  #refilledMs: number;

  constructor(monotonicMs: () => number = monotonicClock) {
    this.#monotonicMs = monotonicMs;
    this.#refilledMs = monotonicMs();
  }

  /** @throws RollcallError `limit_exceeded` */
  spend(): void {
    const now = this.#monotonicMs();
    const earned = Math.floor((now - this.#refilledMs) / REFILL_MS);
    this.#refilledMs += earned * REFILL_MS;
    this.#left = Math.min(CATALOGUES_MAX, this.#left + earned);
    if (this.#left === 0) {
      throw new RollcallError(
        'limit_exceeded',
        `more than ${CATALOGUES_MAX} new catalogues: one a minute is allowed now`,
      );
    }
    this.#left -= 1;
  }
}
