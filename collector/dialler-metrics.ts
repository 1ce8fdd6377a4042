import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { BatchPublisher } from '../pipeline/bus/batch-publisher.ts';
import type { Bus } from '../pipeline/bus/bus.ts';
import { ReadMetrics } from '../pipeline/telemetry/read-metrics.ts';
import type { Dialler } from './dialler.ts';
import type { Quarantine } from './quarantine.ts';

/** The metrics of one worker; those of all workers are added up by the main thread. */
export function registerDiallerMetrics(
  registry: Registry,
  parts: { dialler: Dialler; publisher: BatchPublisher; quarantine: Quarantine; bus: Bus },
): void {
  const { dialler, publisher, quarantine, bus } = parts;
  const metrics = new ReadMetrics(registry);
  const { counters } = dialler;
  metrics.gauges('rollcall_collector_targets', 'Targets by state.', 'state', () =>
    dialler.linkStates(),
  );
  metrics.gauge(
    'rollcall_collector_targets_up',
    'Targets that are up.',
    () => dialler.upCount().up,
  );
  metrics.gauge(
    'rollcall_collector_targets_address_taken',
    'Targets refused because the agent at their address is watched as another target.',
    () => dialler.addressTakenCount,
  );
  metrics.counter('rollcall_collector_dials_total', 'Dials begun.', () => counters.dials);
  metrics.gauge('rollcall_collector_dials_waiting', 'Dials that wait for the rate cap.', () => {
    return dialler.gate.waiting;
  });
  metrics.counters(
    'rollcall_collector_connections_ended_total',
    'Connections ended, by reason.',
    'reason',
    () => counters.ends,
  );
  metrics.counter('rollcall_collector_frames_total', 'Frames received.', () => counters.frames);
  metrics.counter('rollcall_collector_frame_bytes_total', 'Bytes of frames received.', () => {
    return counters.frameBytes;
  });
  metrics.counter('rollcall_collector_samples_total', 'Slots of frames received.', () => {
    return counters.samples;
  });
  metrics.counter(
    'rollcall_collector_frames_quarantined_total',
    'Frames whose time cannot be true.',
    () => counters.quarantined,
  );
  metrics.counter(
    'rollcall_collector_quarantine_refused_total',
    'Batches the quarantine did not take; the agents keep what was in them.',
    () => quarantine.counters.refused,
  );
  metrics.gauge(
    'rollcall_collector_quarantine_in_flight_bytes',
    'Bytes on their way into quarantine.',
    () => quarantine.bytesInFlight,
  );
  metrics.counter(
    'rollcall_collector_throttled_total',
    'Times a connection was not read because too much was in flight.',
    () => counters.throttled,
  );
  metrics.counter(
    'rollcall_collector_stalls_total',
    'Times a worker was held up for 2 seconds or more, and so knew nothing of its targets.',
    () => counters.stalls,
  );
  metrics.gauge('rollcall_collector_connections_paused', 'Connections not read at present.', () => {
    return dialler.pausedSockets;
  });
  metrics.gauge('rollcall_collector_catalogues', 'Catalogues known.', () => {
    return dialler.catalogues.size;
  });
  metrics.gauge('rollcall_collector_batch_bytes', 'Bytes in batches being filled.', () => {
    return dialler.pendingBytes;
  });
  metrics.gauge(
    'rollcall_collector_publish_in_flight_bytes',
    'Bytes published but not acknowledged by JetStream.',
    () => dialler.bytesInFlight,
  );
  const bytesMax = dialler.options.publishBytesInFlightMax;
  metrics.gauge(
    'rollcall_collector_publish_in_flight_max_bytes',
    'Bytes in flight above which agents are not read.',
    () => bytesMax,
  );
  // Of several workers the fullest counts: its agents are those that wait.
  const fill: Gauge = new Gauge({
    name: 'rollcall_collector_publish_fill_ratio',
    help: 'Bytes in flight of those that may be, 0 to 1; above that it goes on rising.',
    registers: [registry],
    aggregator: 'max',
    collect: () => fill.set(dialler.bytesInFlight / bytesMax),
  });
  metrics.counter(
    'rollcall_collector_published_bytes_total',
    'Bytes JetStream acknowledged.',
    () => {
      return publisher.counters.publishedBytes;
    },
  );
  metrics.counter('rollcall_collector_published_batches_total', 'Batches acknowledged.', () => {
    return publisher.counters.published;
  });
  metrics.counters(
    'rollcall_collector_publish_retries_total',
    'Publishes made again, by reason.',
    'reason',
    () => publisher.counters.retries,
  );
  metrics.gauge('rollcall_collector_nats_connected', 'Workers connected to NATS.', () => {
    return bus.isConnected ? 1 : 0;
  });
}
