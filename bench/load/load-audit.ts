import { FrameComparator } from '../audit/frame-comparison.ts';
import type { FrameTotals } from '../audit/frame-comparison.ts';
import { comparePages } from '../audit/page-comparison.ts';
import type { PageComparison } from '../audit/page-comparison.ts';
import { storedFrames } from '../audit/stored-frames.ts';
import type { LoadStage } from './load-stage.ts';

export interface LoadAudit {
  readonly frames: FrameTotals;
  readonly pages: PageComparison;
}

/**
 * Holds the fleet's ledger against everything that was stored and paged, frame by frame.
 *
 * @param fromMs episodes that began earlier are not looked at
 * @param endMs when every breach had ended
 */
export async function auditLoad(
  stage: LoadStage,
  fromMs: number,
  endMs: number,
): Promise<LoadAudit> {
  const { fleet, system, catcher, options } = stage;
  const ledger = await fleet.ledger();
  const comparator = new FrameComparator(ledger);
  for await (const part of storedFrames(system.store, options.agents, 'ids')) comparator.add(part);
  const pages = comparePages(
    ledger.episodes.filter((episode) => episode.fromMs >= fromMs),
    catcher.pages.filter(({ startsAtMs }) => startsAtMs >= fromMs),
    {
      alerts: { sim_breach: { alertname: 'Breach', forMs: 0 } },
      intervalMs: options.intervalMs,
      endMs,
      excused: new Set(),
    },
  );
  return { frames: comparator.finish(), pages };
}
