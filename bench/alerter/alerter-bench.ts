import { setTimeout as sleep } from 'node:timers/promises';
import { quantilesOf } from '../load/quantiles.ts';
import type { Quantiles } from '../load/load-report.ts';
import { processUsage } from '../process/process-usage.ts';
import { AlerterStage } from './alerter-stage.ts';
import type { AlerterStageOptions } from './alerter-stage.ts';

export interface AlerterBenchOptions extends AlerterStageOptions {
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly say: (what: string) => void;
}

/** All figures are of the measured seconds only; CPU is that of all threads. */
export interface AlerterReport {
  readonly agents: number;
  readonly own_catalogues: boolean;
  readonly rules: number;
  readonly frames_per_second: number;
  readonly batches_per_second: number;
  readonly comparisons_per_frame: number;
  readonly cpu_us_per_frame: { readonly alerter: number; readonly nats: number };
  readonly cpu_us_per_sample: { readonly alerter: number };
  readonly cpu_us_per_batch: { readonly alerter: number };
  readonly alerter_cores: number;
  readonly rss_bytes: number;
  /** Resident memory above that of an alerter which has evaluated nothing yet, for each agent. */
  readonly rss_bytes_per_agent: number;
  /** Since the start: anything but 0 makes the run worthless. */
  readonly not_evaluated: {
    readonly unknown_catalogue_frames: number;
    readonly bad_batches: number;
    readonly missed_batches: number;
    readonly failed_publishes: number;
  };
  /** From the timestamp of the breaching frame to the receipt of the page. */
  readonly alert_latency_ms: Quantiles;
}

/**
 * Measures one alerter process whose lanes are filled with recorded frames.
 *
 * @throws RollcallError `not_started`, `server_failed`
 */
export async function benchAlerter(options: AlerterBenchOptions): Promise<AlerterReport> {
  const { say } = options;
  say('starting');
  const stage = await AlerterStage.set(options);
  try {
    const emptyBytes = processUsage(stage.alerterPid).rssBytes;
    say('warming up');
    await sleep(options.warmUpSeconds * 1000);
    say('measuring');
    const fromMs = Date.now();
    const before = await reading(stage);
    await sleep(options.seconds * 1000);
    const after = await reading(stage);
    const usage = processUsage(stage.alerterPid);
    return report(options, stage, { before, after, fromMs, rss: usage.rssBytes, emptyBytes });
  } finally {
    await stage.clear();
  }
}

/** Totals since the beginning, at one instant. */
interface Reading {
  readonly atMs: number;
  readonly alerterNs: number;
  readonly natsNs: number;
  readonly frames: number;
  readonly comparisons: number;
  readonly batches: number;
  readonly unknown: number;
  readonly bad: number;
  readonly missed: number;
  readonly rules: number;
}

async function reading(stage: AlerterStage): Promise<Reading> {
  const metrics = await stage.metrics();
  return {
    atMs: performance.now(),
    alerterNs: processUsage(stage.alerterPid).cpuNs,
    natsNs: processUsage(stage.natsPid).cpuNs,
    frames: metrics.sum('rollcall_alerter_frames_total'),
    comparisons: metrics.sum('rollcall_alerter_comparisons_total'),
    batches: metrics.sum('rollcall_alerter_messages_total'),
    unknown: metrics.sum('rollcall_alerter_frames_unknown_catalogue_total'),
    bad: metrics.sum('rollcall_alerter_bad_batches_total'),
    missed: metrics.sum('rollcall_alerter_missed_messages_total'),
    rules: metrics.sum('rollcall_alerter_rules'),
  };
}

interface Measured {
  readonly before: Reading;
  readonly after: Reading;
  /** By the wall clock. */
  readonly fromMs: number;
  readonly rss: number;
  readonly emptyBytes: number;
}

function report(
  { agents, series, haveOwnCatalogues }: AlerterBenchOptions,
  stage: AlerterStage,
  { before, after, fromMs, rss, emptyBytes }: Measured,
): AlerterReport {
  const seconds = (after.atMs - before.atMs) / 1000;
  const gained = (of: (each: Reading) => number): number => of(after) - of(before);
  const frames = gained((each) => each.frames);
  const batches = gained((each) => each.batches);
  const alerterUs = gained((each) => each.alerterNs) / 1000;
  const pages = stage.catcher.pages.filter(
    ({ status, startsAtMs }) => status === 'firing' && startsAtMs >= fromMs,
  );
  return {
    agents,
    own_catalogues: haveOwnCatalogues,
    rules: after.rules,
    frames_per_second: frames / seconds,
    batches_per_second: batches / seconds,
    comparisons_per_frame: gained((each) => each.comparisons) / frames,
    cpu_us_per_frame: {
      alerter: alerterUs / frames,
      nats: gained((each) => each.natsNs) / 1000 / frames,
    },
    cpu_us_per_sample: { alerter: alerterUs / frames / series },
    cpu_us_per_batch: { alerter: alerterUs / batches },
    alerter_cores: alerterUs / 1e6 / seconds,
    rss_bytes: rss,
    rss_bytes_per_agent: (rss - emptyBytes) / agents,
    not_evaluated: {
      unknown_catalogue_frames: after.unknown,
      bad_batches: after.bad,
      missed_batches: after.missed,
      failed_publishes: stage.feeder.failures,
    },
    alert_latency_ms: quantilesOf(pages.map((page) => page.receivedMs - page.startsAtMs)),
  };
}
