/** What became of one notification at one receiver; a message of the log. */
export interface NotificationRecord {
  readonly receiver: string;
  /** The idempotency key the receiver got. */
  readonly key: string;
  readonly groupKey: string;
  readonly status: 'firing' | 'resolved';
  readonly alertname: string;
  readonly alerts: number;
  readonly attempts: number;
  readonly outcome: 'delivered' | 'rejected';
  readonly detail: string;
  readonly timeMs: number;
}
