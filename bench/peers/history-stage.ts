import { setTimeout as sleep } from 'node:timers/promises';
import type { History } from './history.ts';
import type { Peer } from './peer.ts';
import type { PeersOptions } from './peers-options.ts';
import type { DiskReport } from './peers-report.ts';
import { queryStage } from './query-stage.ts';
import type { QueryFindings } from './query-stage.ts';
import { WatchedFleet } from './watched-fleet.ts';

export interface HistoryFindings {
  readonly disk: DiskReport;
  readonly queries: QueryFindings | undefined;
}

/**
 * Gives a system a history, has it put that in order, and asks it while it watches the whole fleet. The system is stopped
 * afterwards.
 */
export async function historyStage(
  peer: Peer,
  history: History,
  options: PeersOptions,
): Promise<HistoryFindings> {
  try {
    const disk = await kept(peer, history, options);
    const queries = options.stages.has('queries')
      ? await underIngest(peer, options, () => queryStage(peer, history, options))
      : undefined;
    return { disk, queries };
  } finally {
    await peer.stop();
  }
}

async function kept(peer: Peer, history: History, { say }: PeersOptions): Promise<DiskReport> {
  say(`${peer.name}: history`);
  const fromMs = performance.now();
  await peer.load(history);
  const loadedMs = performance.now();
  say(`${peer.name}: merging`);
  await peer.settle();
  const settledMs = performance.now();
  const bytes = await peer.diskBytes();
  return {
    samples: history.samples,
    samples_stored: await peer.diskSamples(),
    bytes,
    bytes_per_sample: bytes / history.samples,
    rollup_bytes: await peer.rollupBytes(),
    load_seconds: (loadedMs - fromMs) / 1000,
    settle_seconds: (settledMs - loadedMs) / 1000,
  };
}

async function underIngest<Result>(
  peer: Peer,
  options: PeersOptions,
  ask: () => Promise<Result>,
): Promise<Result> {
  const fleet = await WatchedFleet.start(peer.speaks, options);
  try {
    await peer.watch(fleet.targets);
    await fleet.allReached();
    options.say(`${peer.name}: warming up`);
    await sleep(options.warmUpSeconds * 1000);
    return await ask();
  } finally {
    await fleet.stop();
  }
}
