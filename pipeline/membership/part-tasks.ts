import { isCode } from '../error.ts';
import type { PartOwner } from './part-owner.ts';

interface Running {
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/**
 * A task for each part that is ours: it begins with the part and is aborted, and waited for, before the part
 * is given up.
 */
export class PartTasks implements PartOwner {
  readonly #start: (part: string, epoch: number, signal: AbortSignal) => Promise<void>;
  readonly #onFailed: (part: string, error: unknown) => void;
  readonly #running = new Map<string, Running>();

  /**
   * `onFailed` is told of tasks that end with an error before they were aborted. One that was fenced
   * (`fenced`, `stale`) gives its part up instead: somebody has a higher epoch, whatever the claim says,
   * and ours has to be higher than that.
   */
  constructor(
    start: (part: string, epoch: number, signal: AbortSignal) => Promise<void>,
    onFailed: (part: string, error: unknown) => void,
  ) {
    this.#start = start;
    this.#onFailed = onFailed;
  }

  take(part: string, epoch: number, giveUp: () => void): void {
    const stop = new AbortController();
    const done = this.#start(part, epoch, stop.signal).catch((error: unknown) => {
      if (stop.signal.aborted) return;
      if (isCode(error, 'fenced', 'stale')) giveUp();
      else this.#onFailed(part, error);
    });
    this.#running.set(part, { stop, done });
  }

  async drop(part: string): Promise<void> {
    const running = this.#running.get(part);
    if (running === undefined) return;
    running.stop.abort();
    await running.done;
    this.#running.delete(part);
  }
}
