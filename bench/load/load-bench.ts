import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LastWill } from '../faults/last-will.ts';
import { SeededRandom } from '../fleet/random.ts';
import { BreachScript } from './breach-script.ts';
import { fleetNsPerFrame } from './fleet-cost.ts';
import { FreshnessProbe } from './freshness-probe.ts';
import { auditLoad } from './load-audit.ts';
import type { LoadAudit } from './load-audit.ts';
import type { LoadBenchOptions } from './load-options.ts';
import type { LoadReport } from './load-report.ts';
import { fleetOptions, LoadStage } from './load-stage.ts';
import { LoadWatch, perComponent } from './load-watch.ts';
import type { CpuNs } from './load-watch.ts';
import { describeMachine } from './machine.ts';
import { mergesDrain } from './merge-drain.ts';
import { quantilesOf, slopeOf } from './quantiles.ts';

const PAGES_MS_MAX = 30_000;

/** What was read at the ends of the measurement. */
interface Measured {
  readonly seconds: number;
  readonly frames: number;
  readonly cpuNs: CpuNs;
  readonly agesMs: readonly number[];
}

interface Drained {
  readonly seconds: number;
  readonly clickhouseNs: number;
}

/**
 * Runs a whole system under the load of a simulated fleet: warm-up, measurement, and the drain of what is left.
 *
 * @throws RollcallError `not_started`, `rules_invalid`, `server_failed`, `fleet_failed`
 */
export async function benchLoad(options: LoadBenchOptions): Promise<LoadReport> {
  const { keepIn, say, intervalMs } = options;
  say('measuring what the simulated servers cost by themselves');
  const fleetNs = await fleetNsPerFrame(fleetOptions(options), intervalMs);
  const dataDir = keepIn ?? mkdtempSync(join(tmpdir(), 'rollcall-load-'));
  const removal = keepIn === undefined ? new LastWill('sleep 1; rm -rf "$1"', dataDir) : undefined;
  try {
    say('starting servers and components');
    const stage = await LoadStage.set(options, dataDir);
    try {
      return await run(stage, fleetNs);
    } finally {
      await stage.clear();
    }
  } finally {
    await removal?.execute();
  }
}

async function run(stage: LoadStage, fleetNs: number): Promise<LoadReport> {
  const { options, system, fleet } = stage;
  const { agents, intervalMs, metrics, say, seconds, warmUpSeconds } = options;
  const random = new SeededRandom(options.seed);
  const probe = new FreshnessProbe(system.store, agents, intervalMs, random);
  const breaches = new BreachScript(fleet, random, intervalMs);
  const watch = new LoadWatch({ system, fleet, probe, metrics, seconds, onRow: options.onRow });
  say('connecting');
  await stage.connect();
  say('warming up');
  watch.start(warmUpSeconds * 1000);
  probe.start();
  breaches.start();
  await sleep(warmUpSeconds * 1000);
  say('measuring');
  const fromMs = Date.now();
  const measured = await measure(stage, watch, probe);
  await breaches.windUp();
  const endMs = Date.now();
  await pagesCome(stage, fromMs);
  await probe.stop();
  say('draining');
  const drained = await drain(stage, watch);
  await watch.stop();
  say('comparing with what was sent');
  const audit = await auditLoad(stage, fromMs, endMs);
  return reportOf(stage, watch, { measured, drained, audit, fleetNs });
}

async function measure(
  stage: LoadStage,
  watch: LoadWatch,
  probe: FreshnessProbe,
): Promise<Measured> {
  const read = async () => ({
    atMs: performance.now(),
    cpuNs: watch.cpuNs(),
    frames: (await stage.fleet.status()).frames,
    ages: probe.agesMs.length,
  });
  const before = await read();
  await sleep(stage.options.seconds * 1000);
  const after = await read();
  const names = Object.keys(after.cpuNs) as (keyof CpuNs)[];
  const used = names.map((name) => [name, after.cpuNs[name] - before.cpuNs[name]] as const);
  return {
    seconds: (after.atMs - before.atMs) / 1000,
    frames: after.frames - before.frames,
    cpuNs: Object.fromEntries(used) as CpuNs,
    agesMs: probe.agesMs.slice(before.ages, after.ages),
  };
}

async function pagesCome(stage: LoadStage, fromMs: number): Promise<void> {
  const deadlineMs = performance.now() + PAGES_MS_MAX;
  const { episodes } = await stage.fleet.ledger();
  const due = episodes.filter((each) => each.fromMs >= fromMs && each.toMs !== undefined).length;
  const resolved = (): number =>
    stage.catcher.pages.filter((page) => page.status === 'resolved' && page.startsAtMs >= fromMs)
      .length;
  while (resolved() < due && performance.now() < deadlineMs) await sleep(200);
}

async function drain(stage: LoadStage, watch: LoadWatch): Promise<Drained> {
  const startMs = performance.now();
  const before = watch.cpuNs().clickhouse;
  await stage.drain();
  // What components say of themselves would be merged for ever.
  await stage.system.holdDownMembers();
  const storedMs = performance.now() - startMs;
  const seconds = storedMs / 1000 + (await mergesDrain(stage.system.store));
  return { seconds, clickhouseNs: watch.cpuNs().clickhouse - before };
}

async function reportOf(
  stage: LoadStage,
  watch: LoadWatch,
  parts: { measured: Measured; drained: Drained; audit: LoadAudit; fleetNs: number },
): Promise<LoadReport> {
  const { options, fleet, system } = stage;
  const { measured, drained, audit } = parts;
  const { frames, pages } = audit;
  const { metrics } = options;
  const samples = measured.frames * metrics;
  const status = await fleet.status();
  const disk = await diskUse(stage);
  const cpu = perComponent((component) => measured.cpuNs[component] / 1000 / samples);
  // What is merged in the end was stored since the beginning, not only while it was measured.
  const drainCpu = drained.clickhouseNs / 1000 / (frames.sent * metrics);
  const machineNs = measured.cpuNs.machine - parts.fleetNs * measured.frames;
  const rows = watch.rows.filter((row) => row.seconds > 0 && row.seconds <= measured.seconds);
  return {
    machine: await describeMachine(system.store, options.natsProgram),
    agents: options.agents,
    metrics,
    interval_ms: options.intervalMs,
    seconds: measured.seconds,
    warm_up_seconds: options.warmUpSeconds,
    drain_seconds: drained.seconds,
    is_tls: options.isTls,
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
    rss_bytes_per_minute: perComponent(
      (component) => 60 * slopeOf(rows.map((row) => [row.seconds, row.rss_bytes[component]])),
    ),
    wire_bytes_per_sample: status.bytesSent / (frames.sent * metrics),
    disk_bytes_per_sample: disk.bytes / disk.samples,
    parts: disk.parts,
    freshness_ms: quantilesOf(measured.agesMs),
    alert_latency_ms: quantilesOf(pages.delaysMs),
    pages: {
      paged: pages.paged,
      missed: pages.missed,
      repeated: pages.repeated,
      false: pages.false,
    },
    timeline: watch.rows,
  };
}

/** Active parts of all tables that measurements lie in, after the merges. */
async function diskUse(
  stage: LoadStage,
): Promise<{ bytes: number; samples: number; parts: number }> {
  const [row] = await stage.system.store.rows<{ bytes: string; samples: string; parts: string }>(
    `SELECT
        sum(bytes_on_disk) AS bytes,
        (SELECT sum(length(values)) FROM series_minutes) AS samples,
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
