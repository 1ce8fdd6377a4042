import { setTimeout as sleep } from 'node:timers/promises';
import type { Peer } from './peer.ts';
import type { PeersOptions } from './peers-options.ts';
import type { IngestReport, PartReport } from './peers-report.ts';
import { UsageWatch, usedNs } from './usage-watch.ts';
import { WatchedFleet } from './watched-fleet.ts';

/** What starting leaves to be done is over by then. */
const SETTLE_MS_MAX = 10_000;

/** A system without targets. */
interface Idle {
  /** Ns of CPU a millisecond, by part. */
  readonly nsPerMs: ReadonlyMap<string, number>;
  readonly rssBytes: number;
}

/** Between the warm-up and the end. */
interface Load {
  readonly ms: number;
  readonly stored: number;
  readonly usedNs: ReadonlyMap<string, number>;
  readonly simulatorNs: number;
}

interface Drain {
  readonly ns: number;
  /** Stored since there were targets. */
  readonly samples: number;
}

/** What a system needs to watch the fleet: first without targets, then with all of them. The system is stopped afterwards. */
export async function ingestStage(peer: Peer, options: PeersOptions): Promise<IngestReport> {
  const { say, warmUpSeconds } = options;
  say(`${peer.name}: starting`);
  try {
    await peer.start();
    const idle = await idling(peer, options);
    const watch = new UsageWatch(peer);
    const fleet = await WatchedFleet.start(peer.speaks, options);
    try {
      const storedBefore = await peer.samplesStored();
      await peer.watch(fleet.targets);
      await fleet.allReached();
      say(`${peer.name}: warming up`);
      await sleep(warmUpSeconds * 1000);
      const load = await loaded(peer, watch, fleet, options);
      say(`${peer.name}: draining`);
      await fleet.fallSilent();
      const samples = (await peer.samplesStored()) - storedBefore;
      const drain = { ns: await peer.drain(await fleet.frames(), idle.nsPerMs), samples };
      return reportOf(options, watch, idle, load, drain);
    } finally {
      watch.stop();
      await fleet.stop();
    }
  } finally {
    await peer.stop();
  }
}

async function idling(peer: Peer, { say, idleSeconds }: PeersOptions): Promise<Idle> {
  say(`${peer.name}: without targets`);
  await sleep(Math.min(SETTLE_MS_MAX, idleSeconds * 1000));
  const [fromMs, before] = [performance.now(), peer.usage()];
  await sleep(idleSeconds * 1000);
  const [ms, after] = [performance.now() - fromMs, peer.usage()];
  const used = usedNs(before, after);
  return {
    nsPerMs: new Map([...used].map(([part, ns]) => [part, ns / ms])),
    rssBytes: after.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
  };
}

async function loaded(
  peer: Peer,
  watch: UsageWatch,
  fleet: WatchedFleet,
  { say, seconds }: PeersOptions,
): Promise<Load> {
  say(`${peer.name}: measuring`);
  const read = async () => ({
    stored: await peer.samplesStored(),
    atMs: performance.now(),
    usage: watch.look(),
    simulatorNs: fleet.cpuNs,
  });
  const before = await read();
  await sleep(seconds * 1000);
  const after = await read();
  return {
    ms: after.atMs - before.atMs,
    stored: after.stored - before.stored,
    usedNs: usedNs(before.usage, after.usage),
    simulatorNs: after.simulatorNs - before.simulatorNs,
  };
}

function reportOf(
  { targets, metrics, intervalMs }: PeersOptions,
  watch: UsageWatch,
  idle: Idle,
  load: Load,
  drain: Drain,
): IngestReport {
  const perSample = (ns: number): number => ns / 1000 / load.stored;
  const drainUs = drain.ns / 1000 / drain.samples;
  const used = sum(load.usedNs.values());
  const idleNsPerMs = sum(idle.nsPerMs.values());
  const parts = [...load.usedNs].map(([part, ns]): PartReport => ({
    part,
    cpu_us_per_sample: perSample(ns),
    idle_cores: (idle.nsPerMs.get(part) ?? 0) / 1e6,
    rss_peak_bytes: watch.peakBytesOf(part),
  }));
  return {
    seconds: load.ms / 1000,
    samples_expected: (targets * metrics * load.ms) / intervalMs,
    samples_stored: load.stored,
    samples_per_second: (1000 * load.stored) / load.ms,
    cpu_us_per_sample: perSample(used) + drainUs,
    cpu_us_per_sample_above_idle: perSample(Math.max(0, used - idleNsPerMs * load.ms)) + drainUs,
    drain_us_per_sample: drainUs,
    idle_cores: idleNsPerMs / 1e6,
    idle_rss_bytes: idle.rssBytes,
    rss_peak_bytes: watch.peakBytes,
    rss_peak_bytes_per_target: watch.peakBytes / targets,
    parts,
    simulator_us_per_sample: perSample(load.simulatorNs),
  };
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
