import { SeededRandom } from '../../fleet/random.ts';
import type { LoadReport, TimelineRow } from '../../load/load-report.ts';

const AGENTS = 10_000;
const METRICS = 200;
const INTERVAL_MS = 5000;
const SECONDS = 120;
const WARM_UP_SECONDS = 30;
const DRAIN_SECONDS = 14;
const RATE = (AGENTS * METRICS * 1000) / INTERVAL_MS;
const MIB = 1024 ** 2;

/** A report that nobody measured, of a run in which all went well. */
export function madeUpReport(changes: Partial<LoadReport> = {}): LoadReport {
  const versions = { node: '24.21.0', nats: '2.9.10', clickhouse: '26.7.1.1', rollcall: '0.1.0' };
  return {
    machine: {
      cores: 2,
      cpu: 'A processor',
      memory_bytes: 24 * 1024 ** 3,
      kernel: '6.1.0',
      versions,
      commit: '0123abc',
    },
    started_at: '2026-01-02T03:04:05.678Z',
    command: 'rollcall bench load --agents 10000',
    seed: 1,
    agents: AGENTS,
    metrics: METRICS,
    interval_ms: INTERVAL_MS,
    seconds: SECONDS,
    warm_up_seconds: WARM_UP_SECONDS,
    drain_seconds: DRAIN_SECONDS,
    tls: false,
    catalogues: 'own',
    processes: { collector: 1, writer: 1, alerter: 1 },
    rules: 30,
    samples_per_second: RATE,
    samples_sent: RATE * SECONDS,
    samples_stored: RATE * SECONDS,
    samples_dropped: 0,
    samples_lost: 0,
    samples_duplicated: 0,
    samples_changed: 0,
    ticks_skipped: 0,
    cpu_us_per_sample: {
      collector: 0.081,
      nats: 0.043,
      writer: 0.102,
      clickhouse: 0.127,
      clickhouse_drain: 0.031,
      alerter: 0.058,
      total: 0.442,
      simulator: 0.316,
      machine: 0.507,
    },
    rss_peak_bytes: {
      collector: 212 * MIB,
      nats: 96 * MIB,
      writer: 340 * MIB,
      clickhouse: 910 * MIB,
      alerter: 188 * MIB,
      total: 1746 * MIB,
      simulator: 640 * MIB,
    },
    collector_bytes_per_connection: 9216,
    trend: {
      from_seconds: SECONDS / 2,
      rss_bytes_per_minute: {
        collector: 0.11 * MIB,
        nats: 0,
        writer: -1.4 * MIB,
        clickhouse: 12.5 * MIB,
        alerter: 0.3 * MIB,
      },
      freshness_ms_per_minute: -1.2,
      parts_per_minute: 0.25,
    },
    machine_busy_share: 0.31,
    busiest_thread_share: { collector: 0.07, writer: 0.05, alerter: 0.03 },
    descriptors: {
      collector: { open: 10_120, limit: 20_000 },
      writer: { open: 40, limit: 20_000 },
      alerter: { open: 41, limit: 20_000 },
    },
    wire_bytes_per_sample: 7.21,
    disk_bytes_per_sample: 1.38,
    parts: 14,
    freshness_ms: { count: 4800, p50: 812, p99: 1640, max: 2210 },
    alert_latency_ms: { count: 600, p50: 92, p99: 231, max: 388 },
    pages: { paged: 600, missed: 0, repeated: 0, false: 0, slowest: [] },
    timeline: timeline(),
    ...changes,
  };
}

function timeline(): TimelineRow[] {
  const random = new SeededRandom(5);
  const length = WARM_UP_SECONDS + SECONDS + DRAIN_SECONDS;
  return Array.from({ length }, (_, i) => timelineRow(i - WARM_UP_SECONDS, random));
}

function timelineRow(seconds: number, random: SeededRandom): TimelineRow {
  const about = (value: number, spread = 0.1) =>
    value * (1 - spread / 2 + (spread * random.below(1000)) / 1000);
  const isDrain = seconds >= SECONDS;
  const share = isDrain ? 0.02 : Math.min(1, (seconds + WARM_UP_SECONDS) / 5);
  const stall = seconds >= 60 && seconds < 66 ? 1 : 0;
  return {
    seconds,
    samples_sent_per_second: isDrain ? 0 : about(RATE * share, 0.04),
    samples_stored_per_second: isDrain || stall === 1 ? 0 : about(RATE * share, 0.5),
    freshness_ms: stall === 1 && seconds < 63 ? undefined : about(850 + stall * 2400, 0.6),
    cpu_cores: {
      collector: about(0.033 * share),
      nats: about(0.017 * share),
      writer: about(0.041 * share, 0.4),
      clickhouse: about(isDrain ? 0.9 : 0.051 * share + (seconds % 9 === 0 ? 0.4 : 0), 0.5),
      alerter: about(0.023 * share),
      simulator: about(0.126 * share),
      machine: about(isDrain ? 1 : 0.42 * share + (seconds % 9 === 0 ? 0.4 : 0), 0.1),
    },
    rss_bytes: {
      collector: about(205 * MIB, 0.02),
      nats: about(90 * MIB, 0.03),
      writer: about(300 * MIB, 0.15),
      clickhouse: about((700 + seconds) * MIB, 0.1),
      alerter: about(180 * MIB, 0.02),
      simulator: about(620 * MIB, 0.01),
    },
    queue_bytes: {
      rings: stall * 40_000 + Math.round(about(9000 * share)),
      collector: Math.round(about(300_000 * share, 0.8)),
      streams: Math.round(about((3 + stall * (seconds - 59) * 3) * MIB, 0.9)),
      writer: Math.round(about(1.5 * MIB * share, 1.2)),
    },
    alerter_lag_messages: random.below(4),
    parts: 8 + random.below(14),
  };
}
