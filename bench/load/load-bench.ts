import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LastWill } from '../faults/last-will.ts';
import { SeededRandom } from '../fleet/random.ts';
import { makeCertificates } from '../system/certificates.ts';
import type { RunCertificates } from '../system/certificates.ts';
import { BreachScript } from './breach-script.ts';
import { fleetNsPerFrame } from './fleet-cost.ts';
import { FreshnessProbe } from './freshness-probe.ts';
import { auditLoad } from './load-audit.ts';
import type { LoadBenchOptions } from './load-options.ts';
import type { LoadReport } from './load-report.ts';
import { reportOf } from './load-result.ts';
import type { Drained, Measured } from './load-result.ts';
import { fleetOptions, LoadStage } from './load-stage.ts';
import { LoadWatch } from './load-watch.ts';
import type { CpuNs } from './load-watch.ts';
import { mergesDrain } from './merge-drain.ts';
import { busiestShare, descriptorsOf, perRole, threadTimes } from './thread-watch.ts';

const PAGES_MS_MAX = 30_000;

interface BeforeRun {
  readonly startedAt: Date;
  readonly fleetNs: number;
}

/**
 * Runs a whole system under the load of a simulated fleet: warm-up, measurement, and the drain of what is left.
 *
 * @throws RollcallError `not_started`, `rules_invalid`, `server_failed`, `fleet_failed`
 */
export async function benchLoad(options: LoadBenchOptions): Promise<LoadReport> {
  const { keepIn, say } = options;
  const startedAt = new Date();
  const dataDir = keepIn ?? mkdtempSync(join(tmpdir(), 'rollcall-load-'));
  const removal = keepIn === undefined ? new LastWill('sleep 1; rm -rf "$1"', dataDir) : undefined;
  try {
    const certificates = options.isTls ? await certificatesIn(join(dataDir, 'tls')) : undefined;
    const fleetNs = await simulatorCost(options, certificates);
    say('starting servers and components');
    const stage = await LoadStage.set(options, dataDir, certificates);
    try {
      return await run(stage, { startedAt, fleetNs });
    } finally {
      await stage.clear();
    }
  } finally {
    await removal?.execute();
  }
}

async function certificatesIn(folder: string): Promise<RunCertificates> {
  mkdirSync(folder, { recursive: true });
  return makeCertificates(folder);
}

/** Nanoseconds of the whole machine for each frame; NaN if nobody wants to know. */
async function simulatorCost(
  options: LoadBenchOptions,
  certificates: RunCertificates | undefined,
): Promise<number> {
  const { say, intervalMs, waits } = options;
  if (waits.simulatorMs === 0) return NaN;
  say('measuring what the simulated servers cost by themselves');
  return fleetNsPerFrame(
    { ...fleetOptions(options), tls: certificates?.authority },
    { intervalMs, tls: certificates?.collector, measureMsMin: waits.simulatorMs },
  );
}

async function run(stage: LoadStage, before: BeforeRun): Promise<LoadReport> {
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
  return reportOf(stage, watch, { ...before, measured, drained, audit });
}

async function measure(
  stage: LoadStage,
  watch: LoadWatch,
  probe: FreshnessProbe,
): Promise<Measured> {
  const read = async () => ({
    atMs: performance.now(),
    cpuNs: watch.cpuNs(),
    threads: perRole((role) => threadTimes(watch.pids(role))),
    status: await stage.fleet.status(),
    ages: probe.agesMs.length,
  });
  const before = await read();
  await sleep(stage.options.seconds * 1000);
  const after = await read();
  const ns = (after.atMs - before.atMs) * 1e6;
  const names = Object.keys(after.cpuNs) as (keyof CpuNs)[];
  const used = names.map((name) => [name, after.cpuNs[name] - before.cpuNs[name]] as const);
  return {
    seconds: (after.atMs - before.atMs) / 1000,
    frames: after.status.frames - before.status.frames,
    bytesSent: after.status.bytesSent - before.status.bytesSent,
    cpuNs: Object.fromEntries(used) as CpuNs,
    agesMs: probe.agesMs.slice(before.ages, after.ages),
    busiestShare: perRole((role) => busiestShare(before.threads[role], after.threads[role], ns)),
    descriptors: descriptorsOf(perRole((role) => watch.pids(role))),
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
  const { system, options } = stage;
  const startMs = performance.now();
  const before = watch.cpuNs().clickhouse;
  await stage.drain();
  // What components say of themselves would be merged for ever.
  await system.holdDownMembers();
  const storedMs = performance.now() - startMs;
  const seconds = storedMs / 1000 + (await mergesDrain(system.store, options.waits.mergesStillMs));
  return { seconds, clickhouseNs: watch.cpuNs().clickhouse - before };
}
