import type { Transition } from '../../../pipeline/log/transition.ts';
import { groupNotifications, type Notification } from '../notification.ts';

export const FIRED_AT_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

/** A transition of HighLoad on web-1 from pending to firing, unless told otherwise. */
export function transition(changes: Partial<Transition> = {}): Transition {
  const alert = changes.alert ?? 'HighLoad';
  return {
    alert,
    state: 'firing',
    previous: 'pending',
    reason: 'condition',
    ruleKey: '00000000000000b1',
    seriesKey: 'node_load1',
    fingerprint: '00000000000000a1',
    targetId: '0000000000000001',
    timeMs: FIRED_AT_MS,
    activeAtMs: FIRED_AT_MS - 60_000,
    firedAtMs: FIRED_AT_MS,
    value: 12.3,
    labels: { alertname: alert, instance: 'web-1', severity: 'critical' },
    annotations: { summary: 'load is high' },
    ...changes,
  };
}

/** `transition`, ended after a minute. */
export function resolved(changes: Partial<Transition> = {}): Transition {
  return transition({
    state: 'inactive',
    previous: 'firing',
    timeMs: FIRED_AT_MS + 60_000,
    ...changes,
  });
}

/** The one notification of one transition. */
export function notificationOf(changes: Partial<Transition> = {}): Notification {
  const [notification] = groupNotifications([transition(changes)]);
  if (notification === undefined) throw new Error('the transition is not notified');
  return notification;
}
