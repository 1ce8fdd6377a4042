import { decodeNotification, decodeTransitions } from '../log/record-codec.ts';
import { clickhouseTime } from '../store/clickhouse-time.ts';
import { parseHexId } from '../wire/shard.ts';

/** What records of the log put into each table. */
export interface LogRows {
  readonly transitions: readonly object[];
  readonly notifications: readonly object[];
}

/** Where a record lies: the name of its rows. */
export interface LogPlace {
  readonly stream_id: number;
  readonly log_seq: number;
}

/**
 * The rows of one record.
 *
 * @param kind `transitions` or `notifications`; any other has no rows
 * @throws RollcallError `bad_record`
 */
export function logRows(kind: string | undefined, place: LogPlace, data: Uint8Array): LogRows {
  return {
    transitions: kind === 'transitions' ? transitionRows(place, data) : [],
    notifications: kind === 'notifications' ? [notificationRow(place, data)] : [],
  };
}

function transitionRows(place: LogPlace, data: Uint8Array): object[] {
  const { lane, transitions } = decodeTransitions(data);
  return transitions.map((transition, position) => ({
    ...place,
    position,
    lane,
    time: clickhouseTime(transition.timeMs),
    alert: transition.alert,
    state: transition.state,
    reason: transition.reason,
    fingerprint: parseHexId(transition.fingerprint).toString(),
    target_id: parseHexId(transition.targetId).toString(),
    labels: transition.labels,
    annotations: transition.annotations,
    value: String(transition.value),
    active_at: clickhouseTime(transition.activeAtMs),
  }));
}

function notificationRow(place: LogPlace, data: Uint8Array): object {
  const record = decodeNotification(data);
  return {
    ...place,
    time: clickhouseTime(record.timeMs),
    receiver: record.receiver,
    status: record.status,
    alert: record.alertname,
    group_key: record.groupKey,
    alerts: record.alerts,
    attempts: record.attempts,
    outcome: record.outcome,
    detail: record.detail,
  };
}
