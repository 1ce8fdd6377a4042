import type { Registry } from 'prom-client';
import type { Bus } from '../pipeline/bus/bus.ts';
import { ReadMetrics } from '../pipeline/telemetry/read-metrics.ts';
import type { Delivery, DeliveryCounters } from './delivery.ts';
import type { LaneEvaluator, LaneEvaluatorCounters } from './evaluation/lane-evaluator.ts';

export interface AlerterParts {
  readonly bus: Bus;
  readonly deliveries: readonly Delivery[];
  evaluators(): readonly LaneEvaluator[];
  rules(): number;
}

type Row<Counters> = [keyof Counters, 'counters' | 'gauges', string, string];

const LANE_METRICS: readonly Row<LaneEvaluatorCounters>[] = [
  ['messages', 'counters', 'messages_total', 'Batches evaluated.'],
  ['transitions', 'counters', 'transitions_total', 'Changes of alerts recorded.'],
  ['pending', 'gauges', 'lag_messages', 'Batches of the lane that have not been evaluated.'],
  [
    'unknownCatalogueFrames',
    'counters',
    'frames_unknown_catalogue_total',
    'Frames not understood.',
  ],
  ['badBatches', 'counters', 'bad_batches_total', 'Batches not understood.'],
  ['missedMessages', 'counters', 'missed_messages_total', 'Batches trimmed before evaluation.'],
  ['latencySeconds', 'gauges', 'latency_seconds', 'Age of the newest frame when evaluated.'],
  ['retries', 'counters', 'retries_total', 'Attempts on NATS that were made again.'],
];

const DELIVERY_METRICS: readonly Row<DeliveryCounters>[] = [
  ['delivered', 'counters', 'notifications_delivered_total', 'Notifications delivered.'],
  ['rejected', 'counters', 'notifications_rejected_total', 'Notifications a receiver refused.'],
  ['retries', 'counters', 'notification_retries_total', 'Deliveries made again.'],
  ['pending', 'gauges', 'delivery_lag_records', 'Records of the log not delivered.'],
  ['missed', 'counters', 'delivery_missed_records_total', 'Records trimmed before delivery.'],
];

export function registerAlerterMetrics(registry: Registry, parts: AlerterParts): void {
  const metrics = new ReadMetrics(registry);
  for (const [field, kind, name, help] of LANE_METRICS) {
    metrics[kind](`rollcall_alerter_${name}`, help, 'lane', () =>
      parts.evaluators().map(({ laneId, counters }) => [laneId, counters[field]] as const),
    );
  }
  for (const [field, kind, name, help] of DELIVERY_METRICS) {
    metrics[kind](`rollcall_alerter_${name}`, help, 'receiver', () =>
      parts.deliveries.map(
        ({ receiverName, counters }) => [receiverName, counters[field]] as const,
      ),
    );
  }
  const sum = (read: (evaluator: LaneEvaluator) => number): number =>
    parts.evaluators().reduce((total, evaluator) => total + read(evaluator), 0);
  metrics.counter('rollcall_alerter_frames_total', 'Frames evaluated.', () =>
    sum(({ book }) => book.counters.frames),
  );
  metrics.counter('rollcall_alerter_comparisons_total', 'Comparisons made.', () =>
    sum(({ book }) => book.counters.comparisons),
  );
  for (const reason of ['backlog', 'repeated', 'unknown_target'] as const) {
    metrics.counter(
      `rollcall_alerter_frames_skipped_${reason}_total`,
      'Frames not evaluated.',
      () => sum(({ book }) => book.counters.skipped.get(reason) ?? 0),
    );
  }
  metrics.gauge('rollcall_alerter_alerts_active', 'Alerts pending or firing.', () =>
    sum(({ book }) => book.activeCount),
  );
  metrics.gauge('rollcall_alerter_rules', 'Rules in force.', () => parts.rules());
  metrics.gauge('rollcall_alerter_nats_connected', '1 while connected to NATS.', () => {
    return parts.bus.isConnected ? 1 : 0;
  });
}
