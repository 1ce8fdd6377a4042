import type { Registry } from 'prom-client';
import type { Bus } from '../bus/bus.ts';
import type { Projector } from '../projection/projector.ts';
import { ReadMetrics } from '../telemetry/read-metrics.ts';
import type { CatalogueBook } from './catalogue-book.ts';
import type { LaneCounters } from './lane-writer.ts';
import type { LogProjection } from './log-projection.ts';
import type { Parking } from './parking.ts';
import type { Unparking } from './unparking.ts';
import type { WrittenLanes } from './written-lanes.ts';

export interface WriterParts {
  readonly bus: Bus;
  readonly lanes: WrittenLanes;
  readonly bufferBytesMax: number;
  readonly parking: Parking;
  readonly catalogues: CatalogueBook;
  readonly unparking: Unparking;
  readonly projector: Projector;
  readonly logProjection: { readonly current: LogProjection | undefined };
}

/** [field, kind, name, help] of what each lane counts. */
const LANE_METRICS: readonly [keyof LaneCounters, 'counters' | 'gauges', string, string][] = [
  ['messages', 'counters', 'messages_total', 'Batches read from the lane.'],
  ['bytes', 'counters', 'read_bytes_total', 'Bytes read from the lane.'],
  ['frames', 'counters', 'frames_total', 'Frames stored.'],
  ['samples', 'counters', 'samples_total', 'Samples stored.'],
  ['duplicates', 'counters', 'duplicate_frames_total', 'Frames that had been stored before.'],
  ['inserts', 'counters', 'inserts_total', 'Blocks of samples inserted.'],
  ['insertSeconds', 'counters', 'insert_seconds_total', 'Time spent on inserts.'],
  ['retries', 'counters', 'retries_total', 'Attempts that failed and were made again.'],
  ['pending', 'gauges', 'lag_messages', 'Batches of the lane that have not been read.'],
  ['bufferBytes', 'gauges', 'buffer_bytes', 'Bytes read but not stored.'],
  ['memoryRuns', 'gauges', 'memory_runs', 'Runs of agents whose stored frames are in memory.'],
  ['memoryLookups', 'counters', 'memory_lookups_total', 'Queries for runs not in memory.'],
  ['memoryLookupRuns', 'counters', 'memory_lookup_runs_total', 'Runs that were looked up.'],
  [
    'memoryLookupSeconds',
    'counters',
    'memory_lookup_seconds_total',
    'Time spent on looking runs up.',
  ],
  [
    'alerterMissed',
    'counters',
    'alerter_missed_messages_total',
    'Batches trimmed before the alerter had evaluated them.',
  ],
  ['streamReplaced', 'counters', 'streams_replaced_total', 'Times a lane was another stream.'],
];

export function registerWriterMetrics(registry: Registry, parts: WriterParts): void {
  const metrics = new ReadMetrics(registry);
  for (const [field, kind, name, help] of LANE_METRICS) {
    metrics[kind](`rollcall_writer_${name}`, help, 'lane', () =>
      parts.lanes.counters().map(([laneId, counters]) => [laneId, counters[field]] as const),
    );
  }
  const { bufferBytesMax } = parts;
  const byLane = (read: (counters: LaneCounters) => number) => () =>
    parts.lanes.current().map(([laneId, counters]) => [laneId, read(counters)] as const);
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
  metrics.gauge(
    'rollcall_writer_freshness_seconds',
    'Age of the newest stored sample.',
    () => freshnessSeconds(parts.lanes) ?? NaN,
  );
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
  metrics.gauge('rollcall_writer_catalogues', 'Catalogues known.', () => parts.catalogues.size);
  metrics.gauge('rollcall_writer_catalogue_slots', 'Slots of the catalogues known.', () => {
    return parts.catalogues.slots;
  });
  metrics.gauge('rollcall_writer_projection_age_seconds', 'Age of the projected state.', () => {
    return parts.projector.ageSeconds ?? NaN;
  });
  metrics.counter('rollcall_writer_log_records_total', 'Records of the log projected.', () => {
    return parts.logProjection.current?.projectedTotal ?? 0;
  });
  metrics.gauge('rollcall_writer_log_lag_messages', 'Records of the log not projected.', () => {
    return parts.logProjection.current?.pending ?? 0;
  });
  metrics.counter('rollcall_writer_log_batches_total', 'Inserts of records of the log.', () => {
    return parts.logProjection.current?.batchesTotal ?? 0;
  });
  metrics.gauge('rollcall_writer_log_buffer_bytes', 'Bytes of the log read but not stored.', () => {
    return parts.logProjection.current?.bufferBytes ?? 0;
  });
  metrics.counter('rollcall_writer_log_malformed_total', 'Records of the log skipped.', () => {
    return parts.logProjection.current?.malformedTotal ?? 0;
  });
  metrics.gauge('rollcall_writer_nats_connected', '1 while connected to NATS.', () => {
    return parts.bus.isConnected ? 1 : 0;
  });
}

function freshnessSeconds(lanes: WrittenLanes): number | undefined {
  let newestMs = 0;
  for (const [, counters] of lanes.counters()) newestMs = Math.max(newestMs, counters.newestMs);
  return newestMs > 0 ? (Date.now() - newestMs) / 1000 : undefined;
}
