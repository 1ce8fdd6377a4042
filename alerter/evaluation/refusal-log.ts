import type { Logger } from 'pino';
import type { AlertBook } from './alert-book.ts';

const EVERY_MS = 60_000;
const RULES_NAMED = 10;

/** Names the rules that had more alerts than there may be, once a minute. */
export class RefusalLog {
  readonly #log: Logger;
  readonly #book: AlertBook;
  #toldMs = -Infinity;

  constructor(log: Logger, book: AlertBook) {
    this.#log = log;
    this.#book = book;
  }

  tell(): void {
    if (performance.now() - this.#toldMs < EVERY_MS) return;
    const refused = [...this.#book.takeRefused()];
    if (refused.length === 0) return;
    this.#toldMs = performance.now();
    this.#log.error(
      { rules: Object.fromEntries(refused.slice(0, RULES_NAMED)), count: refused.length },
      'rules have more alerts than there may be, and nobody is told of the rest: narrow their selectors, or ' +
        'raise alerter.alerts_per_rule_max or alerter.alerts_max',
    );
  }
}
