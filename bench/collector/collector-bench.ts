import { setTimeout as sleep } from 'node:timers/promises';
import { CollectorStage } from './collector-stage.ts';
import type { CollectorStageOptions } from './collector-stage.ts';
import { helperThreadsNs, threadSwitches, userAndSystemNs } from './process-books.ts';
import { processUsage } from '../process/process-usage.ts';

export interface CollectorBenchOptions extends CollectorStageOptions {
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly say: (what: string) => void;
}

/** All figures are of the measured seconds only, and of all threads of the processes named. */
export interface CollectorReport {
  readonly agents: number;
  readonly interval_ms: number;
  readonly frames_per_second: number;
  readonly cpu_us_per_frame: {
    readonly collector: number;
    readonly collector_user: number;
    readonly collector_system: number;
    /** Of the collector's: V8's threads for garbage and compilation. */
    readonly collector_v8: number;
    readonly nats: number;
    readonly simulator: number;
  };
  readonly context_switches_per_second: { readonly collector: number; readonly nats: number };
  readonly publishes_per_second: number;
  readonly bytes_per_publish: number;
  readonly collector_rss_bytes: number;
  /** Resident memory of all agents less that of the first few, for each that came after them. */
  readonly rss_bytes_per_connection: number;
}

/** Agents that are connected before the rest, so that code and first buffers are in memory. */
const FEW = 100;
const SETTLE_MS = 8000;

/**
 * Measures a collector process between a simulated fleet and a real nats-server whose lanes are read twice, as the
 * writer and the alerter do.
 *
 * @throws RollcallError `not_started`, `server_failed`, `fleet_failed`
 */
export async function benchCollector(options: CollectorBenchOptions): Promise<CollectorReport> {
  const { say, agents } = options;
  say('starting');
  const stage = await CollectorStage.set(options);
  try {
    const few = Math.min(FEW, agents);
    await stage.connect(few);
    await sleep(SETTLE_MS);
    const fewBytes = processUsage(stage.collectorPid).rssBytes;
    say('connecting');
    await stage.connect(agents);
    say('warming up');
    await sleep(options.warmUpSeconds * 1000);
    say('measuring');
    return await measured(stage, fewBytes, agents - few);
  } finally {
    await stage.clear();
  }

  async function measured(
    stage: CollectorStage,
    fewBytes: number,
    more: number,
  ): Promise<CollectorReport> {
    const before = await reading(stage);
    await sleep(options.seconds * 1000);
    const after = await reading(stage);
    const seconds = (after.atMs - before.atMs) / 1000;
    const gained = (of: (each: Reading) => number): number => of(after) - of(before);
    const frames = gained((each) => each.frames);
    const perFrame = (of: (each: Reading) => number): number => gained(of) / 1000 / frames;
    const publishes = gained((each) => each.publishes);
    return {
      agents,
      interval_ms: options.intervalMs,
      frames_per_second: frames / seconds,
      cpu_us_per_frame: {
        collector: perFrame((each) => each.collectorNs),
        collector_user: perFrame((each) => each.collectorUserNs),
        collector_system: perFrame((each) => each.collectorSystemNs),
        collector_v8: perFrame((each) => each.collectorV8Ns),
        nats: perFrame((each) => each.natsNs),
        simulator: perFrame((each) => each.simulatorNs),
      },
      context_switches_per_second: {
        collector: gained((each) => each.collectorSwitches) / seconds,
        nats: gained((each) => each.natsSwitches) / seconds,
      },
      publishes_per_second: publishes / seconds,
      bytes_per_publish: gained((each) => each.publishedBytes) / publishes,
      collector_rss_bytes: after.rssBytes,
      rss_bytes_per_connection: more === 0 ? 0 : (after.rssBytes - fewBytes) / more,
    };
  }
}

/** Totals since the beginning, at one instant. */
interface Reading {
  readonly atMs: number;
  readonly collectorNs: number;
  readonly collectorUserNs: number;
  readonly collectorSystemNs: number;
  readonly collectorV8Ns: number;
  readonly natsNs: number;
  readonly simulatorNs: number;
  readonly collectorSwitches: number;
  readonly natsSwitches: number;
  readonly rssBytes: number;
  readonly frames: number;
  readonly publishes: number;
  readonly publishedBytes: number;
}

async function reading(stage: CollectorStage): Promise<Reading> {
  const { collectorPid, natsPid } = stage;
  const metrics = await stage.metrics();
  const usage = processUsage(collectorPid);
  const { userNs, systemNs } = userAndSystemNs(collectorPid);
  return {
    atMs: performance.now(),
    collectorNs: usage.cpuNs,
    collectorUserNs: userNs,
    collectorSystemNs: systemNs,
    collectorV8Ns: helperThreadsNs(collectorPid),
    natsNs: processUsage(natsPid).cpuNs,
    simulatorNs: stage.fleet.pids.reduce((sum, pid) => sum + processUsage(pid).cpuNs, 0),
    collectorSwitches: threadSwitches(collectorPid),
    natsSwitches: threadSwitches(natsPid),
    rssBytes: usage.rssBytes,
    frames: metrics.sum('rollcall_collector_frames_total'),
    publishes: metrics.sum('rollcall_collector_published_batches_total'),
    publishedBytes: metrics.sum('rollcall_collector_published_bytes_total'),
  };
}
