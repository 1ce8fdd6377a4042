import { RollcallError } from '../../pipeline/error.ts';
import type { Notification } from './notification.ts';

/**
 * What became of one attempt. `detail` is one line for a person, without control characters and
 * without secrets.
 *
 * - `delivered`: the receiver has it.
 * - `retry`: it may succeed later; not before `retryAfterMs` if the receiver asked for a pause.
 * - `rejected`: the receiver will never take it; the caller counts it, records it and goes on.
 */
export type DeliveryOutcome =
  | { readonly kind: 'delivered'; readonly detail: string }
  | { readonly kind: 'retry'; readonly detail: string; readonly retryAfterMs?: number }
  | { readonly kind: 'rejected'; readonly detail: string };

/** Where notifications go. */
export interface Receiver {
  /** Unique among the receivers, `[a-zA-Z0-9_-]+`: it is a token of a NATS subject. */
  readonly name: string;
  /**
   * One attempt. What the other side does or fails to do is an outcome, never a throw. An aborted
   * `signal` ends the attempt soon with `retry`.
   */
  deliver(notification: Notification, signal: AbortSignal): Promise<DeliveryOutcome>;
  /** Gives back what the receiver holds (connections). It is not used afterwards. */
  close?(): Promise<void>;
}

/** The longest pause that a receiver may ask for, ms. */
export const RETRY_AFTER_MS_MAX = 5 * 60_000;

/** Returns `name`, or throws `receiver_name_invalid` if it could not be a NATS subject token. */
export function checkedReceiverName(name: string): string {
  if (/^[a-zA-Z0-9_-]{1,128}$/.test(name)) return name;
  throw new RollcallError(
    'receiver_name_invalid',
    'the name of a receiver must be 1 to 128 letters, digits, "_" or "-"',
  );
}
