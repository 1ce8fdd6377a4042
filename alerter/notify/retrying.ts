import { setTimeout as timeout } from 'node:timers/promises';
import { Backoff } from '../../pipeline/dial/backoff.ts';
import type { Notification } from './notification.ts';
import { RETRY_AFTER_MS_MAX, type DeliveryOutcome, type Receiver } from './receiver.ts';

/** A failed attempt that will be repeated. */
export interface DeliveryRetry {
  /** Attempts made so far, from 1. */
  readonly attempts: number;
  readonly detail: string;
  /** The pause before the next attempt, ms. */
  readonly pauseMs: number;
}

export interface RetryOptions {
  /** The ceiling of the first pause, ms. */
  readonly backoffMinMs: number;
  /** The ceiling of every pause that the receiver did not ask for, ms. */
  readonly backoffMaxMs: number;
  /** Ends the tries, and the attempt under way. */
  readonly signal: AbortSignal;
  /** Called before each pause: to count and to log. */
  readonly onRetry?: (retry: DeliveryRetry) => void;
  /** Between 0 and 1. Default Math.random. */
  readonly random?: () => number;
  /** Ends after `pauseMs` or, at the latest, when `signal` aborts. Default a timer. */
  readonly sleep?: (pauseMs: number, signal: AbortSignal) => Promise<void>;
}

/** How it ended. */
export interface FinalDelivery {
  /** `retry` only if the signal ended the tries: the notification is not delivered. */
  readonly outcome: DeliveryOutcome;
  /** 0 if the signal had aborted already. */
  readonly attempts: number;
}

/**
 * Delivers until it is delivered or rejected, or until the signal aborts. The pause is a capped
 * exponential back-off with full jitter, and at least what the receiver asked for.
 */
export async function deliverUntilDone(
  receiver: Receiver,
  notification: Notification,
  options: RetryOptions,
): Promise<FinalDelivery> {
  const { signal, random, sleep = sleepUntil } = options;
  const backoff = new Backoff(options.backoffMinMs, options.backoffMaxMs, random);
  let outcome: DeliveryOutcome = { kind: 'retry', detail: 'stopped before the first attempt' };
  let attempts = 0;
  while (!signal.aborted) {
    outcome = await receiver.deliver(notification, signal);
    attempts += 1;
    if (outcome.kind !== 'retry' || signal.aborted) break;
    const askedMs = Math.min(outcome.retryAfterMs ?? 0, RETRY_AFTER_MS_MAX);
    const pauseMs = Math.max(askedMs, backoff.nextMs());
    options.onRetry?.({ attempts, detail: outcome.detail, pauseMs });
    await sleep(pauseMs, signal);
  }
  return { outcome, attempts };
}

async function sleepUntil(pauseMs: number, signal: AbortSignal): Promise<void> {
  try {
    await timeout(pauseMs, undefined, { signal });
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  }
}
