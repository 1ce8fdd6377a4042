import type { ServiceStatus } from './service.ts';

/**
 * Everything the screen shows, at one moment. What is not known is undefined and shown as –. Texts may
 * come from anywhere: the screen makes them harmless.
 */
export interface Snapshot {
  /** Unix time in milliseconds; durations on the screen count from here. */
  readonly nowMs: number;
  /** Beside the program's name, such as the fleet. */
  readonly title?: string | undefined;
  readonly services: readonly ServiceStatus[];
  readonly targetsUp: number | undefined;
  readonly targetsDown: number | undefined;
  readonly samplesInPerSecond: number | undefined;
  readonly samplesStoredPerSecond: number | undefined;
  /** The age of the newest sample that a query can see. */
  readonly freshnessSeconds: number | undefined;
  readonly queues: readonly QueueDepth[];
  readonly alerts: readonly AlertLine[];
  readonly notifications: readonly NotificationLine[];
  /** What the person may do next; at the bottom, the most important one first. */
  readonly hints: readonly string[];
}

export interface QueueDepth {
  readonly name: string;
  readonly unit: 'bytes' | 'count';
  readonly value: number | undefined;
  readonly max: number | undefined;
}

export interface AlertLine {
  readonly name: string;
  readonly instance: string | undefined;
  /** `firing` and `pending` have a colour and come first. */
  readonly state: string;
  /** Unix time in milliseconds at which it came into its state. */
  readonly sinceMs: number | undefined;
}

export interface NotificationLine {
  readonly timeMs: number;
  readonly receiver: string;
  /** What it said: `firing` or `resolved`. */
  readonly status: string;
  readonly alert: string;
  /** What became of it; `delivered` is good, anything that begins with `failed` bad. */
  readonly outcome: string;
}
