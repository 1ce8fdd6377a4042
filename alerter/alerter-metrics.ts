import type { Registry } from 'prom-client';
import type { Bus } from '../pipeline/bus/bus.ts';
import { KeptTotals } from '../pipeline/telemetry/kept-totals.ts';
import { ReadMetrics } from '../pipeline/telemetry/read-metrics.ts';
import type { Delivery, DeliveryCounters } from './delivery.ts';
import type { SkipReason } from './evaluation/alert-book.ts';
import type { LaneEvaluatorCounters } from './evaluation/lane-counters.ts';
import type { LaneEvaluator } from './evaluation/lane-evaluator.ts';

export interface AlerterParts {
  readonly bus: Bus;
  /** Those of the lanes that are ours at present. */
  evaluators(): readonly LaneEvaluator[];
  deliveries(): readonly Delivery[];
  rules(): number;
}

export interface AlerterMetrics {
  /** A lane is given up: call it when `evaluators` has ceased to name it. Its totals stay in the sums. */
  keep(evaluator: LaneEvaluator): void;
}

type Row<Counters> = [keyof Counters, 'counters' | 'gauges', string, string];

const LANE_COUNTERS: readonly [keyof LaneEvaluatorCounters, string, string][] = [
  ['messages', 'messages_total', 'Batches evaluated.'],
  ['transitions', 'transitions_total', 'Changes of alerts recorded.'],
  ['unknownCatalogueFrames', 'frames_unknown_catalogue_total', 'Frames not understood.'],
  ['badBatches', 'bad_batches_total', 'Batches not understood.'],
  ['missedMessages', 'missed_messages_total', 'Batches trimmed before evaluation.'],
  ['retries', 'retries_total', 'Attempts on NATS that were made again.'],
];

const LANE_GAUGES: readonly [keyof LaneEvaluatorCounters, string, string][] = [
  ['pending', 'lag_messages', 'Batches of the lane that have not been evaluated.'],
  ['latencySeconds', 'latency_seconds', 'Age of the newest frame when evaluated.'],
];

const DELIVERY_METRICS: readonly Row<DeliveryCounters>[] = [
  ['delivered', 'counters', 'notifications_delivered_total', 'Notifications delivered.'],
  ['rejected', 'counters', 'notifications_rejected_total', 'Notifications a receiver refused.'],
  ['retries', 'counters', 'notification_retries_total', 'Deliveries made again.'],
  ['pending', 'gauges', 'delivery_lag_records', 'Records of the log not delivered.'],
  ['missed', 'counters', 'delivery_missed_records_total', 'Records trimmed before delivery.'],
];

const SKIP_REASONS = ['backlog', 'repeated', 'unknown_target'] as const satisfies SkipReason[];

/** What the books of all lanes count together. */
type BookTotals = Record<'frames' | 'comparisons' | (typeof SKIP_REASONS)[number], number>;

export function registerAlerterMetrics(registry: Registry, parts: AlerterParts): AlerterMetrics {
  const metrics = new ReadMetrics(registry);
  const lanes = new KeptTotals<LaneEvaluatorCounters>(LANE_COUNTERS.map(([field]) => field));
  const books = new KeptTotals<BookTotals>(['frames', 'comparisons', ...SKIP_REASONS]);
  registerLanes(metrics, parts, lanes);
  registerBooks(metrics, parts, books);
  for (const [field, kind, name, help] of DELIVERY_METRICS) {
    metrics[kind](`rollcall_alerter_${name}`, help, 'receiver', () =>
      parts
        .deliveries()
        .map(({ receiverName, counters }) => [receiverName, counters[field]] as const),
    );
  }
  metrics.gauge('rollcall_alerter_rules', 'Rules in force.', () => parts.rules());
  metrics.gauge('rollcall_alerter_nats_connected', '1 while connected to NATS.', () => {
    return parts.bus.isConnected ? 1 : 0;
  });
  return {
    keep: (evaluator) => {
      lanes.keep(evaluator.laneId, evaluator.counters);
      books.keep('', bookTotals(evaluator));
    },
  };
}

/** By lane, those that were given up included. */
function registerLanes(
  metrics: ReadMetrics,
  parts: AlerterParts,
  totals: KeptTotals<LaneEvaluatorCounters>,
): void {
  for (const [field, name, help] of LANE_COUNTERS) {
    metrics.counters(`rollcall_alerter_${name}`, help, 'lane', () =>
      totals.of(
        field,
        parts.evaluators().map(({ laneId, counters }) => [laneId, counters] as const),
      ),
    );
  }
  for (const [field, name, help] of LANE_GAUGES) {
    metrics.gauges(`rollcall_alerter_${name}`, help, 'lane', () =>
      parts.evaluators().map(({ laneId, counters }) => [laneId, counters[field]] as const),
    );
  }
}

function registerBooks(
  metrics: ReadMetrics,
  parts: AlerterParts,
  totals: KeptTotals<BookTotals>,
): void {
  const total = (field: keyof BookTotals): number => {
    const present = parts.evaluators().map((one) => ['', bookTotals(one)] as const);
    return totals.of(field, present).get('') ?? 0;
  };
  metrics.counter('rollcall_alerter_frames_total', 'Frames evaluated.', () => total('frames'));
  metrics.counter('rollcall_alerter_comparisons_total', 'Comparisons made.', () =>
    total('comparisons'),
  );
  for (const reason of SKIP_REASONS) {
    metrics.counter(
      `rollcall_alerter_frames_skipped_${reason}_total`,
      'Frames not evaluated.',
      () => total(reason),
    );
  }
  metrics.gauge('rollcall_alerter_alerts_active', 'Alerts pending or firing.', () =>
    parts.evaluators().reduce((sum, { book }) => sum + book.activeCount, 0),
  );
}

function bookTotals({ book }: LaneEvaluator): BookTotals {
  const { frames, comparisons, skipped } = book.counters;
  const bySkip = Object.fromEntries(
    SKIP_REASONS.map((reason) => [reason, skipped.get(reason) ?? 0]),
  ) as Record<(typeof SKIP_REASONS)[number], number>;
  return { frames, comparisons, ...bySkip };
}
