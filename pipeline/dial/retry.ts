import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from './backoff.ts';

export interface RetryOptions {
  /** Ends the tries: the call then rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** Ceiling of the first pause, ms; it doubles from try to try. */
  readonly pauseMsMin: number;
  /** Ceiling of every pause, ms. */
  readonly pauseMsMax: number;
  /** Whether trying again cannot help; such an error is thrown. Default: it always can. */
  readonly isFinal?: (error: unknown) => boolean;
  /** Called after each failure that is followed by another try: to count and to log. */
  readonly onRetry: (error: unknown) => void;
}

/** No two tries follow each other at once, whatever the jitter says. */
const PAUSE_MS_FLOOR = 10;

/** Tries until it works, with capped and jittered pauses. */
export async function retry<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal, isFinal = () => false } = options;
  const backoff = new Backoff(options.pauseMsMin, options.pauseMsMax);
  for (;;) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (isFinal(error)) throw error;
      options.onRetry(error);
      await sleep(PAUSE_MS_FLOOR + backoff.nextMs(), undefined, { signal });
    }
  }
}
