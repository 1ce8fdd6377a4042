import type { Logger } from 'pino';
import { reasonOf } from '../pipeline/error.ts';
import { needsPerson } from './unreadable.ts';

const REPEAT_MS_MIN = 60_000;

/**
 * Tells of attempts that failed and are made again. Where a person has to do something it is an error, once a
 * minute as long as it is the same.
 */
export class TroubleLog {
  readonly #log: Logger;
  #toldMs = -Infinity;
  #told = '';

  constructor(log: Logger) {
    this.#log = log;
  }

  tell(error: unknown, what: string, level: 'debug' | 'warn'): void {
    const reason = reasonOf(error);
    if (!needsPerson(error)) {
      this.#log[level]({ reason }, what);
      return;
    }
    const now = performance.now();
    if (reason === this.#told && now - this.#toldMs < REPEAT_MS_MIN) return;
    this.#told = reason;
    this.#toldMs = now;
    this.#log.error({ reason }, what);
  }
}
