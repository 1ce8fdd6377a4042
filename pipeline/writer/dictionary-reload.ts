import { setTimeout as sleep } from 'node:timers/promises';

/** A reload takes as long as there are rows, and between two of them that many times as long passes. */
const REST = 4;
const REST_MS_MAX = 5000;

/**
 * Has ClickHouse read a dictionary again for whoever has added rows to its table. One reload serves all who asked before it
 * began: ten thousand new hosts would otherwise have all that is known read anew for each few of them.
 */
export class DictionaryReload {
  readonly #reload: () => Promise<void>;
  /** Has not begun: whoever asks now is served by it. */
  #next: Promise<void> | undefined;
  /** Settled when no reload runs, and the rest after the last one is over. */
  #idle: Promise<void> = Promise.resolve();

  constructor(reload: () => Promise<void>) {
    this.#reload = reload;
  }

  /**
   * Resolves when the dictionary has been read since the call.
   *
   * @throws what the reload does, to each who waited for it: to be tried again
   */
  request(): Promise<void> {
    this.#next ??= this.#afterRest();
    return this.#next;
  }

  async #afterRest(): Promise<void> {
    await this.#idle;
    this.#next = undefined;
    const startMs = performance.now();
    const reloading = this.#reload();
    this.#idle = reloading
      .catch(() => undefined)
      .then(() =>
        sleep(Math.min(REST * (performance.now() - startMs), REST_MS_MAX), undefined, {
          ref: false,
        }),
      );
    await reloading;
  }
}
