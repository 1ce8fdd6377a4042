import type { LedgerContent } from '../fleet/ledger.ts';

/**
 * The longest time within a span that an agent had no connection at all, over all agents, ms: as the agents
 * themselves saw it.
 */
export function longestUnwatchedMs(
  { connections, runs }: Pick<LedgerContent, 'connections' | 'runs'>,
  fromMs: number,
  toMs: number,
): number {
  const byAgent = new Map<number, { openedMs: number; closedMs: number }[]>();
  for (const { agent } of runs) byAgent.set(agent, []);
  for (const { agent, openedMs, closedMs = Infinity } of connections) {
    byAgent.get(agent)?.push({ openedMs, closedMs });
  }
  let longestMs = 0;
  for (const own of byAgent.values()) {
    let coveredMs = fromMs;
    for (const { openedMs, closedMs } of own.toSorted((a, b) => a.openedMs - b.openedMs)) {
      if (closedMs < fromMs || openedMs > toMs) continue;
      longestMs = Math.max(longestMs, openedMs - coveredMs);
      coveredMs = Math.max(coveredMs, closedMs);
    }
    longestMs = Math.max(longestMs, toMs - coveredMs);
  }
  return longestMs;
}

/** The longest time between two frames that an agent appended one after the other in a span, over all agents, ms. */
export function longestTickGapMs(
  { frames }: Pick<LedgerContent, 'frames'>,
  fromMs: number,
  toMs: number,
): number {
  const before = new Map<number, number>();
  let longestMs = 0;
  for (let row = 0; row < frames.seq.length; row += 1) {
    const timestampMs = frames.timestampMs[row]!;
    if (timestampMs < fromMs || timestampMs > toMs) continue;
    const run = frames.run[row]!;
    longestMs = Math.max(longestMs, timestampMs - (before.get(run) ?? timestampMs));
    before.set(run, timestampMs);
  }
  return longestMs;
}
