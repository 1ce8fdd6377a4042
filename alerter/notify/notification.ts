import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Transition, TransitionReason } from '../../pipeline/log/transition.ts';

export type NotificationStatus = 'firing' | 'resolved';

/** One alert as people are told of it. */
export interface NotifiedAlert {
  readonly status: NotificationStatus;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Since when it has been firing, RFC 3339. */
  readonly startsAt: string;
  /** When it was resolved, RFC 3339; `ZERO_TIME` while it fires. */
  readonly endsAt: string;
  readonly fingerprint: string;
  /** The time of the sample that caused the transition, ms. */
  readonly timeMs: number;
  readonly value: number;
  readonly reason: TransitionReason;
}

/** Alerts of one name and one status, told together. */
export interface Notification {
  /** 64 hex digits, the same for the same alerts: a receiver recognises a repeat by it. */
  readonly key: string;
  /** Alertmanager's form, `{}:{alertname="…"}`: the same for firing and resolved. */
  readonly groupKey: string;
  readonly alertname: string;
  readonly status: NotificationStatus;
  readonly alerts: readonly NotifiedAlert[];
}

export interface GroupOptions {
  /** The most alerts in one notification; further ones go into the next. Default 500. */
  readonly alertsMax?: number;
}

export const NOTIFICATION_ALERTS_MAX = 500;

/** Go's zero `time.Time`, by which Alertmanager says that an alert has no end. */
export const ZERO_TIME = '0001-01-01T00:00:00Z';

/** A notification that further transitions may still join. */
interface OpenGroup {
  readonly index: number;
  readonly alertname: string;
  readonly status: NotificationStatus;
  readonly members: Transition[];
}

/**
 * The notifications that people must get for `transitions`: an alert began to fire, or a firing one
 * ended. An alert that was only ever pending is not mentioned.
 *
 * Notifications and the alerts in them keep the order of the log. An alert that changed more than
 * once is told in that order too: its later status is never in a notification before the earlier
 * one, or a receiver would be left with the wrong end.
 */
export function groupNotifications(
  transitions: readonly Transition[],
  options: GroupOptions = {},
): Notification[] {
  const alertsMax = options.alertsMax ?? NOTIFICATION_ALERTS_MAX;
  assert.ok(Number.isInteger(alertsMax) && alertsMax >= 1, 'alertsMax must be a positive integer');
  const groups: OpenGroup[] = [];
  const openGroups = new Map<string, OpenGroup>();
  const lastGroupOf = new Map<string, number>();
  for (const transition of transitions) {
    const status = notifiedStatus(transition);
    if (status === undefined) continue;
    const { alert, fingerprint } = transition;
    const openKey = `${status}:${alert}`;
    let group = openGroups.get(openKey);
    const full = group !== undefined && group.members.length >= alertsMax;
    const toldLater = group !== undefined && (lastGroupOf.get(fingerprint) ?? -1) > group.index;
    if (group === undefined || full || toldLater) {
      group = { index: groups.length, alertname: alert, status, members: [] };
      groups.push(group);
      openGroups.set(openKey, group);
    }
    group.members.push(transition);
    lastGroupOf.set(fingerprint, group.index);
  }
  return groups.map(notificationOf);
}

/** What people are told of a transition; undefined if nothing. */
function notifiedStatus(transition: Transition): NotificationStatus | undefined {
  if (transition.state === 'firing') return 'firing';
  if (transition.state === 'inactive' && transition.previous === 'firing') return 'resolved';
  return undefined;
}

function notificationOf({ alertname, status, members }: OpenGroup): Notification {
  return {
    key: idempotencyKey(members, status),
    groupKey: `{}:{alertname=${JSON.stringify(alertname)}}`,
    alertname,
    status,
    alerts: members.map((transition) => notifiedAlert(transition, status)),
  };
}

function notifiedAlert(transition: Transition, status: NotificationStatus): NotifiedAlert {
  return {
    status,
    labels: transition.labels,
    annotations: transition.annotations,
    startsAt: rfc3339(transition.firedAtMs),
    endsAt: status === 'resolved' ? rfc3339(transition.timeMs) : ZERO_TIME,
    fingerprint: transition.fingerprint,
    timeMs: transition.timeMs,
    value: transition.value,
    reason: transition.reason,
  };
}

/** An alert fires once at a time, so fingerprint, start and status name what is said of it. */
function idempotencyKey(members: readonly Transition[], status: NotificationStatus): string {
  const said = members.map(({ fingerprint, firedAtMs }) => [fingerprint, firedAtMs, status]);
  return createHash('sha256').update(JSON.stringify(said)).digest('hex');
}

/** The last millisecond that RFC 3339 can write: its years have four digits. */
const TIME_MS_MAX = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** RFC 3339 with milliseconds; `ZERO_TIME` for what is no time between 1970 and 9999. */
function rfc3339(timeMs: number): string {
  return timeMs >= 0 && timeMs <= TIME_MS_MAX ? new Date(timeMs).toISOString() : ZERO_TIME;
}
