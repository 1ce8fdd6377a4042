import type { Logger } from 'pino';
import type { Clock } from './tick-clock.ts';

/** A source's complaints are logged once in so long; the metric counts every one of them. */
const QUIET_MS = 5 * 60_000;

/** Logs what sources could not understand, without a line for each tick of a lasting fault. */
export class MalformedLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #sources = new Map<string, { quietUntilMs: number; unlogged: number }>();

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  report(source: string, detail: string): void {
    const nowMs = this.#clock.monotonicMs();
    const before = this.#sources.get(source);
    if (before !== undefined && nowMs < before.quietUntilMs) {
      before.unlogged += 1;
      return;
    }
    const unlogged = before?.unlogged ?? 0;
    this.#sources.set(source, { quietUntilMs: nowMs + QUIET_MS, unlogged: 0 });
    this.#log.warn({ source, detail, unlogged }, 'a file of this source is malformed');
  }
}
