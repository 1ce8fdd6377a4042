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
  /** Targets and rule files on the bus that could not be read. */
  refusedStates(): number;
}

export interface AlerterMetrics {
  /** A lane is given up: call it when `evaluators` has ceased to name it. Its totals stay in the sums. */
  keep(evaluator: LaneEvaluator): void;
  /** The same for a receiver and `deliveries`. */
  keepDelivery(delivery: Delivery): void;
}

const LANE_COUNTERS: readonly [keyof LaneEvaluatorCounters, string, string][] = [
  ['messages', 'messages_total', 'Batches evaluated.'],
  ['transitions', 'transitions_total', 'Changes of alerts recorded.'],
  ['lostTransitions', 'transitions_lost_total', 'Changes of alerts too large to be recorded.'],
  ['unknownCatalogueFrames', 'frames_unknown_catalogue_total', 'Frames not understood.'],
  ['badBatches', 'bad_batches_total', 'Batches not understood.'],
  ['missedMessages', 'missed_messages_total', 'Batches trimmed before evaluation.'],
  ['retries', 'retries_total', 'Attempts on NATS that were made again.'],
];

const LANE_GAUGES: readonly [keyof LaneEvaluatorCounters, string, string][] = [
  ['pending', 'lag_messages', 'Batches of the lane that have not been evaluated.'],
  ['latencySeconds', 'latency_seconds', 'Age of the newest frame when evaluated.'],
];

const DELIVERY_COUNTERS: readonly [keyof DeliveryCounters, string, string][] = [
  ['delivered', 'notifications_delivered_total', 'Notifications delivered.'],
  ['rejected', 'notifications_rejected_total', 'Notifications a receiver refused.'],
  ['retries', 'notification_retries_total', 'Deliveries made again.'],
  ['missed', 'delivery_missed_records_total', 'Records trimmed before delivery.'],
];

const SKIP_REASONS = ['backlog', 'repeated', 'unknown_target'] as const satisfies SkipReason[];

/** What the books of all lanes count together. */
type BookField = 'frames' | 'comparisons' | 'refused' | 'shortened' | (typeof SKIP_REASONS)[number];
type BookTotals = Record<BookField, number>;

export function registerAlerterMetrics(registry: Registry, parts: AlerterParts): AlerterMetrics {
  const metrics = new ReadMetrics(registry);
  const lanes = new KeptTotals<LaneEvaluatorCounters>(LANE_COUNTERS.map(([field]) => field));
  const books = new KeptTotals<BookTotals>([
    'frames',
    'comparisons',
    'refused',
    'shortened',
    ...SKIP_REASONS,
  ]);
  registerLanes(metrics, parts, lanes);
  registerBooks(metrics, parts, books);
  const deliveries = new KeptTotals<DeliveryCounters>(DELIVERY_COUNTERS.map(([field]) => field));
  registerDeliveries(metrics, parts, deliveries);
  metrics.gauge('rollcall_alerter_rules', 'Rules in force.', () => parts.rules());
  metrics.counter(
    'rollcall_alerter_states_refused_total',
    'Lists of targets and rule files on the bus that could not be read; the previous ones stay.',
    () => parts.refusedStates(),
  );
  metrics.gauge('rollcall_alerter_nats_connected', '1 while connected to NATS.', () => {
    return parts.bus.isConnected ? 1 : 0;
  });
  return {
    keep: (evaluator) => {
      lanes.keep(evaluator.laneId, evaluator.counters);
      books.keep('', bookTotals(evaluator));
    },
    keepDelivery: ({ receiverName, counters }) => deliveries.keep(receiverName, counters),
  };
}

/** By receiver, those that moved to another member included. */
function registerDeliveries(
  metrics: ReadMetrics,
  parts: AlerterParts,
  totals: KeptTotals<DeliveryCounters>,
): void {
  const present = (): (readonly [string, DeliveryCounters])[] =>
    parts.deliveries().map(({ receiverName, counters }) => [receiverName, counters] as const);
  for (const [field, name, help] of DELIVERY_COUNTERS) {
    metrics.counters(`rollcall_alerter_${name}`, help, 'receiver', () =>
      totals.of(field, present()),
    );
  }
  metrics.gauges(
    'rollcall_alerter_delivery_lag_records',
    'Records of the log not delivered.',
    'receiver',
    () => present().map(([name, { pending }]) => [name, pending] as const),
  );
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
  metrics.counter(
    'rollcall_alerter_alerts_refused_total',
    'Times a condition held and there was no room for another alert.',
    () => total('refused'),
  );
  metrics.counter(
    'rollcall_alerter_transitions_shortened_total',
    'Changes of alerts that were too large and lost annotations or labels.',
    () => total('shortened'),
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
  const { frames, comparisons, refused, shortened, skipped } = book.counters;
  const bySkip = Object.fromEntries(
    SKIP_REASONS.map((reason) => [reason, skipped.get(reason) ?? 0]),
  ) as Record<(typeof SKIP_REASONS)[number], number>;
  return { frames, comparisons, refused, shortened, ...bySkip };
}
