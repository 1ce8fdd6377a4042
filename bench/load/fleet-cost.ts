import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../pipeline/embedded/free-port.ts';
import type { TlsPaths } from '../../pipeline/dial/tls-files.ts';
import { RollcallError } from '../../pipeline/error.ts';
import { Fleet, hostsOf } from '../fleet/fleet.ts';
import type { FleetOptions } from '../fleet/fleet.ts';
import { NullSink } from '../fleet/null-sink.ts';
import { machineBusyNs } from '../process/machine-busy.ts';
import { processUsage } from '../process/process-usage.ts';

const CONNECT_MS_MAX = 180_000;
const SETTLE_INTERVALS = 2;
const MEASURE_INTERVALS = 4;

/**
 * What each frame of a fleet costs the whole machine, ns, when everything is acknowledged and thrown away; the sink's
 * own share, and what the machine was busy with before, are taken off. On loopback the sender pays for
 * most of the receiving, so no process' own figure would do.
 *
 * @param sink how often it asks for frames, its certificates if the fleet wants them, and how long it is
 *   measured at least
 * @throws RollcallError `not_started` when not every agent can be dialled
 */
export async function fleetNsPerFrame(
  options: Omit<FleetOptions, 'port'>,
  {
    intervalMs,
    tls,
    measureMsMin,
  }: { intervalMs: number; tls: TlsPaths | undefined; measureMsMin: number },
): Promise<number> {
  const idleNs = await busyNsPerMs();
  const fleet = await Fleet.start({ ...options, port: await freePort() });
  try {
    const sink = await NullSink.start({
      hosts: hostsOf(fleet.options),
      intervalMs,
      tls,
    });
    try {
      await connected(sink, options.agents);
      await sleep(SETTLE_INTERVALS * intervalMs);
      return await measured(sink, idleNs, Math.max(measureMsMin, MEASURE_INTERVALS * intervalMs));
    } finally {
      await sink.stop();
    }
  } finally {
    await fleet.stop();
  }
}

/** What goes on beside us. */
async function busyNsPerMs(): Promise<number> {
  const [fromMs, fromNs] = [performance.now(), machineBusyNs()];
  await sleep(2000);
  return (machineBusyNs() - fromNs) / (performance.now() - fromMs);
}

async function connected(sink: NullSink, agents: number): Promise<void> {
  const deadlineMs = performance.now() + CONNECT_MS_MAX;
  while ((await sink.status()).connected < agents) {
    if (performance.now() > deadlineMs) {
      const { connected: count } = await sink.status();
      throw new RollcallError('not_started', `only ${count} of ${agents} agents can be dialled`);
    }
    await sleep(200);
  }
}

async function measured(sink: NullSink, idleNsPerMs: number, ms: number): Promise<number> {
  const read = async () => ({
    atMs: performance.now(),
    busyNs: machineBusyNs(),
    sinkNs: sink.pids.reduce((total, pid) => total + processUsage(pid).cpuNs, 0),
    frames: (await sink.status()).frames,
  });
  const before = await read();
  await sleep(ms);
  const after = await read();
  const idleNs = idleNsPerMs * (after.atMs - before.atMs);
  const ownNs = after.busyNs - before.busyNs - (after.sinkNs - before.sinkNs) - idleNs;
  return ownNs / (after.frames - before.frames);
}
