import type { LoadAudit } from './load-audit.ts';
import { delayMsOf } from '../audit/page-comparison.ts';
import type { Page } from '../audit/page-catcher.ts';
import type { Descriptors, LoadReport, MemberRole, SlowPage } from './load-report.ts';
import type { LoadStage } from './load-stage.ts';
import { perComponent } from './load-watch.ts';
import type { CpuNs, LoadWatch } from './load-watch.ts';
import { describeMachine } from './machine.ts';
import { quantilesOf } from './quantiles.ts';
import { trendOf } from './trend.ts';

/** What was read at the ends of the measurement. */
export interface Measured {
  readonly seconds: number;
  readonly frames: number;
  /** By agents, without what connecting costs. */
  readonly bytesSent: number;
  readonly cpuNs: CpuNs;
  readonly agesMs: readonly number[];
  readonly busiestShare: Readonly<Record<MemberRole, number>>;
  readonly descriptors: Readonly<Record<MemberRole, Descriptors>>;
}

export interface Drained {
  readonly seconds: number;
  readonly clickhouseNs: number;
}

export interface LoadParts {
  readonly startedAt: Date;
  readonly measured: Measured;
  readonly drained: Drained;
  readonly audit: LoadAudit;
  /** What a frame of the fleet alone costs the machine; NaN if that was not measured. */
  readonly fleetNs: number;
}

/** Everything that a run has found out. */
export async function reportOf(
  stage: LoadStage,
  watch: LoadWatch,
  parts: LoadParts,
): Promise<LoadReport> {
  const { options, fleet, system } = stage;
  const { measured, drained, audit } = parts;
  const { frames, pages } = audit;
  const { metrics } = options;
  const machine = await describeMachine(system.store, options.natsProgram);
  const samples = measured.frames * metrics;
  const status = await fleet.status();
  const disk = await diskUse(stage);
  const cpu = perComponent((component) => measured.cpuNs[component] / 1000 / samples);
  // What is merged in the end was stored since the beginning, not only while it was measured.
  const drainCpu = drained.clickhouseNs / 1000 / (frames.sent * metrics);
  const machineNs = measured.cpuNs.machine - parts.fleetNs * measured.frames;
  const growth = watch.rssPeakBytes.collector - stage.collectorIdleBytes;
  return {
    machine,
    started_at: parts.startedAt.toISOString(),
    command: options.command,
    seed: options.seed,
    agents: options.agents,
    metrics,
    interval_ms: options.intervalMs,
    seconds: measured.seconds,
    warm_up_seconds: options.warmUpSeconds,
    drain_seconds: drained.seconds,
    tls: options.isTls,
    catalogues: options.catalogues,
    processes: options.processes,
    rules: stage.rules,
    samples_per_second: samples / measured.seconds,
    samples_sent: frames.sent * metrics,
    samples_stored: frames.stored * metrics,
    samples_dropped: frames.dropped * metrics,
    samples_lost: frames.lost * metrics,
    samples_duplicated: frames.duplicated * metrics,
    samples_changed: (frames.changed + frames.invented) * metrics,
    ticks_skipped: status.skipped,
    cpu_us_per_sample: {
      ...cpu,
      clickhouse_drain: drainCpu,
      total: Object.values(cpu).reduce((sum, each) => sum + each, drainCpu),
      simulator: measured.cpuNs.simulator / 1000 / samples,
      machine: machineNs / 1000 / samples,
    },
    rss_peak_bytes: watch.rssPeakBytes,
    collector_bytes_per_connection: Math.max(0, growth) / options.agents,
    trend: trendOf(watch.rows, measured.seconds),
    machine_busy_share: measured.cpuNs.machine / 1e9 / measured.seconds / machine.cores,
    busiest_thread_share: measured.busiestShare,
    descriptors: measured.descriptors,
    wire_bytes_per_sample: measured.bytesSent / samples,
    disk_bytes_per_sample: disk.bytes / disk.samples,
    parts: disk.parts,
    freshness_ms: quantilesOf(measured.agesMs),
    alert_latency_ms: quantilesOf(pages.delaysMs),
    pages: {
      paged: pages.paged,
      missed: pages.missed,
      repeated: pages.repeated,
      false: pages.false,
      slowest: pages.slowest.map(slowPage),
    },
    timeline: watch.rows,
  };
}

function slowPage(page: Page): SlowPage {
  const { alertname, instance } = page;
  return {
    alertname,
    instance,
    starts_at: new Date(page.startsAtMs).toISOString(),
    received_at: new Date(page.receivedMs).toISOString(),
    delay_ms: delayMsOf(page),
  };
}

/** Active parts of all tables that measurements lie in, after the merges. */
async function diskUse(
  stage: LoadStage,
): Promise<{ bytes: number; samples: number; parts: number }> {
  const [row] = await stage.system.store.rows<{ bytes: string; samples: string; parts: string }>(
    `SELECT
        sum(bytes_on_disk) AS bytes,
        (SELECT sum(length(offsets_ms)) FROM series_minutes) AS samples,
        countIf(table = 'series_minutes') AS parts
    FROM system.parts
    WHERE active AND database = '{database}' AND table IN ('series_minutes', 'frames')`,
  );
  return {
    bytes: Number(row?.bytes ?? 0),
    samples: Number(row?.samples ?? 0),
    parts: Number(row?.parts ?? 0),
  };
}
