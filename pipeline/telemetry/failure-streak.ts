import type { Logger } from 'pino';
import { reasonOf } from '../error.ts';

/**
 * Says once that something fails, and once that it works again: what is tried every few seconds would
 * otherwise fill the log, or say nothing to those who do not read everything.
 */
export class FailureStreak {
  readonly #log: Logger;
  readonly #what: string;
  readonly #advice: string;
  readonly #patience: number;
  #failures = 0;

  /**
   * @param what what fails, after "cannot"
   * @param advice what the operator may do
   * @param patience failures in a row that are nothing to speak of
   */
  constructor(log: Logger, what: string, advice: string, patience = 0) {
    this.#log = log;
    this.#what = what;
    this.#advice = advice;
    this.#patience = patience;
  }

  failed(error: unknown): void {
    this.#failures += 1;
    const isNews = this.#failures === this.#patience + 1;
    const said = { reason: reasonOf(error) };
    if (isNews) {
      this.#log.warn(said, `cannot ${this.#what}; trying again. If it goes on: ${this.#advice}`);
    } else this.#log.debug(said, `cannot ${this.#what}`);
  }

  worked(): void {
    const wasSaid = this.#failures > this.#patience;
    this.#failures = 0;
    if (wasSaid) this.#log.info(`can ${this.#what} again`);
  }
}
