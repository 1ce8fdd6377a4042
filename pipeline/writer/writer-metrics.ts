import type { Registry } from 'prom-client';
import type { Bus } from '../bus/bus.ts';
import type { Projector } from '../projection/projector.ts';
import { ReadMetrics } from '../telemetry/read-metrics.ts';
import type { CatalogueBook } from './catalogue-book.ts';
import type { LaneCounters } from './lane-writer.ts';
import { openBytesMax } from './open-closings.ts';
import type { Parking } from './parking.ts';
import type { ProjectedLog } from './projected-log.ts';
import type { RollupCounters } from './rollup.ts';
import type { Unparking } from './unparking.ts';
import type { WrittenLanes } from './written-lanes.ts';

export interface WriterParts {
  readonly bus: Bus;
  readonly lanes: WrittenLanes;
  readonly bufferBytesMax: number;
  readonly closingBytesMax: number;
  readonly parking: Parking;
  readonly catalogues: CatalogueBook;
  readonly unparking: Unparking;
  readonly projector: Projector;
  readonly projectedLog: ProjectedLog;
  readonly rolledUp: RollupCounters;
}

/** [field, name, help] of what each lane counts. */
const LANE_COUNTERS: readonly [keyof LaneCounters, string, string][] = [
  ['messages', 'messages_total', 'Batches read from the lane.'],
  ['bytes', 'read_bytes_total', 'Bytes read from the lane.'],
  ['frames', 'frames_total', 'Frames stored.'],
  ['samples', 'samples_total', 'Samples stored.'],
  ['duplicates', 'duplicate_frames_total', 'Frames that had been stored before.'],
  ['inserts', 'inserts_total', 'Blocks of samples inserted.'],
  ['closings', 'closings_total', 'Minutes stored for good.'],
  ['insertSeconds', 'insert_seconds_total', 'Time spent on inserts.'],
  ['retries', 'retries_total', 'Attempts that failed and were made again.'],
  ['memoryLookups', 'memory_lookups_total', 'Queries for runs not in memory.'],
  ['memoryLookupRuns', 'memory_lookup_runs_total', 'Runs that were looked up.'],
  ['memoryLookupSeconds', 'memory_lookup_seconds_total', 'Time spent on looking runs up.'],
  [
    'alerterMissed',
    'alerter_missed_messages_total',
    'Batches trimmed before the alerter had evaluated them.',
  ],
  ['streamReplaced', 'streams_replaced_total', 'Times a lane was another stream.'],
];

const LANE_GAUGES: readonly [keyof LaneCounters, string, string][] = [
  ['pending', 'lag_messages', 'Batches of the lane that have not been read.'],
  ['bufferBytes', 'buffer_bytes', 'Bytes read but not stored.'],
  ['openBytes', 'open_bytes', 'Bytes of frames whose minute is not stored for good.'],
  ['memoryRuns', 'memory_runs', 'Runs of agents whose stored frames are in memory.'],
];

export const LANE_TOTALS = LANE_COUNTERS.map(([field]) => field);

export function registerWriterMetrics(registry: Registry, parts: WriterParts): void {
  const metrics = new ReadMetrics(registry);
  registerLanes(metrics, parts);
  registerParking(metrics, parts);
  registerNames(metrics, parts);
  registerLog(metrics, parts);
  registerRollups(metrics, parts);
  metrics.gauge('rollcall_writer_nats_connected', '1 while connected to NATS.', () => {
    return parts.bus.isConnected ? 1 : 0;
  });
}

function registerLanes(metrics: ReadMetrics, parts: WriterParts): void {
  const { bufferBytesMax, closingBytesMax, lanes } = parts;
  const byLane = (read: (counters: LaneCounters) => number) => () =>
    lanes.current().map(([laneId, counters]) => [laneId, read(counters)] as const);
  for (const [field, name, help] of LANE_COUNTERS) {
    metrics.counters(`rollcall_writer_${name}`, help, 'lane', () => lanes.totals(field));
  }
  for (const [field, name, help] of LANE_GAUGES) {
    metrics.gauges(
      `rollcall_writer_${name}`,
      help,
      'lane',
      byLane((counters) => counters[field]),
    );
  }
  metrics.gauges(
    'rollcall_writer_buffer_max_bytes',
    'Bytes read but not stored above which nothing more is read.',
    'lane',
    byLane(() => bufferBytesMax),
  );
  metrics.gauges(
    'rollcall_writer_buffer_fill_ratio',
    'Bytes read but not stored of those that may be, 0 to 1.',
    'lane',
    byLane(({ bufferBytes }) => bufferBytes / bufferBytesMax),
  );
  metrics.gauges(
    'rollcall_writer_open_fill_ratio',
    'Bytes of frames whose minute is not stored for good of those that may be, 0 to 1.',
    'lane',
    byLane(({ openBytes }) => openBytes / openBytesMax(closingBytesMax)),
  );
  metrics.gauge(
    'rollcall_writer_freshness_seconds',
    'Age of the newest stored sample.',
    () => freshnessSeconds(lanes) ?? NaN,
  );
}

function registerParking(metrics: ReadMetrics, parts: WriterParts): void {
  metrics.counters('rollcall_writer_parked_total', 'Messages parked, by reason.', 'reason', () => {
    return parts.parking.parkedTotal;
  });
  metrics.counter(
    'rollcall_writer_parking_dropped_total',
    'Messages lost because they could not even be parked.',
    () => parts.parking.refusedTotal,
  );
  metrics.counter(
    'rollcall_writer_unparked_total',
    'Parked frames put back onto their lane when their catalogue turned up.',
    () => parts.unparking.unparkedTotal,
  );
  metrics.gauge(
    'rollcall_writer_unparking_catalogues',
    'Catalogues that parked frames wait for.',
    () => parts.unparking.waitingCatalogues,
  );
}

function registerNames(metrics: ReadMetrics, parts: WriterParts): void {
  metrics.gauge('rollcall_writer_catalogues', 'Catalogues known.', () => parts.catalogues.size);
  metrics.gauge('rollcall_writer_catalogue_slots', 'Slots of the catalogues known.', () => {
    return parts.catalogues.slots;
  });
  metrics.gauge('rollcall_writer_projection_age_seconds', 'Age of the projected state.', () => {
    return parts.projector.ageSeconds ?? NaN;
  });
}

function registerLog(metrics: ReadMetrics, { projectedLog }: WriterParts): void {
  metrics.counter('rollcall_writer_log_records_total', 'Records of the log projected.', () => {
    return projectedLog.total('projected');
  });
  metrics.gauge('rollcall_writer_log_lag_messages', 'Records of the log not projected.', () => {
    return projectedLog.current?.pending ?? 0;
  });
  metrics.counter('rollcall_writer_log_batches_total', 'Inserts of records of the log.', () => {
    return projectedLog.total('batches');
  });
  metrics.gauge('rollcall_writer_log_buffer_bytes', 'Bytes of the log read but not stored.', () => {
    return projectedLog.current?.bufferBytes ?? 0;
  });
  metrics.counter('rollcall_writer_log_malformed_total', 'Records of the log skipped.', () => {
    return projectedLog.total('malformed');
  });
}

function registerRollups(metrics: ReadMetrics, { rolledUp }: WriterParts): void {
  const totals: readonly [keyof RollupCounters, string, string][] = [
    ['closings', 'closings_total', 'Closings that were rolled up.'],
    ['rows', 'rows_total', 'Rows of a series and hour that were rolled up.'],
    ['samples', 'samples_total', 'Samples that were rolled up.'],
    ['failures', 'failures_total', 'Roll-ups that failed and are made again.'],
    ['seconds', 'seconds_total', 'Time spent on roll-ups.'],
  ];
  for (const [field, name, help] of totals) {
    metrics.counter(`rollcall_writer_rollup_${name}`, help, () => rolledUp[field]);
  }
  metrics.gauge(
    'rollcall_writer_rollup_waiting_closings',
    'Closings that are committed and not rolled up; of who owns the part projection.',
    () => rolledUp.waiting,
  );
  metrics.gauge(
    'rollcall_writer_rollup_age_seconds',
    'Time since the last hour that is rolled up ended; of who owns the part projection.',
    () => (rolledUp.openFromMs > 0 ? (Date.now() - rolledUp.openFromMs) / 1000 : NaN),
  );
}

function freshnessSeconds(lanes: WrittenLanes): number | undefined {
  let newestMs = 0;
  for (const [, counters] of lanes.current()) newestMs = Math.max(newestMs, counters.newestMs);
  return newestMs > 0 ? (Date.now() - newestMs) / 1000 : undefined;
}
