import type { Logger } from 'pino';
import { retry } from '../dial/retry.ts';
import { untilAborted } from '../dial/until-aborted.ts';
import { isCode, reasonOf } from '../error.ts';

export interface PersistOptions {
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly onRetry?: () => void;
}

/**
 * Tries until it works: what is in a stream must get into the database. Ends at once when aborted, also while
 * an attempt hangs; that attempt goes on behind our back, so it must do no harm.
 *
 * @throws RollcallError `fenced`; the signal's reason
 */
export function persist<T>(
  what: string,
  attempt: () => Promise<T>,
  { signal, log, onRetry }: PersistOptions,
): Promise<T> {
  return retry(() => untilAborted(attempt(), signal), {
    signal,
    pauseMsMin: 100,
    pauseMsMax: 5000,
    isFinal: (error) => signal.aborted || isCode(error, 'fenced'),
    onRetry: (error) => {
      onRetry?.();
      log.warn({ reason: reasonOf(error) }, `cannot ${what}; trying again`);
    },
  });
}
