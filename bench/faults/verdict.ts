import type { FaultCase } from './fault-case.ts';
import type { FaultRun, Finding } from './fault-run.ts';
import { FrameComparator } from '../audit/frame-comparison.ts';
import type { FrameComparison } from '../audit/frame-comparison.ts';
import { comparePages } from '../audit/page-comparison.ts';
import type { PageComparison } from '../audit/page-comparison.ts';
import { provokedAlerts } from './rules.ts';
import { longestGapOfUpMs, storedFrames } from '../audit/stored-frames.ts';

export type Verdict = 'holds' | 'does not hold' | 'not run';

/** What came of one case. */
export interface CaseReport {
  readonly id: string;
  readonly title: string;
  readonly seconds: number;
  readonly verdict: Verdict;
  readonly frames?: FrameComparison;
  readonly pages?: PageComparison;
  readonly findings: readonly Finding[];
  /** Figures and remarks that decide nothing. */
  readonly notes: readonly string[];
}

export interface CaseEnd {
  readonly case: FaultCase;
  /** When the case began to disturb, and when every breach had ended, by the wall clock. */
  readonly fromMs: number;
  readonly endMs: number;
  /** Every frame was acknowledged, and as many were stored. */
  readonly isDrained: boolean;
  readonly fleetCpuNs: number;
  readonly startMs: number;
}

/** Holds everything against the ledger. */
export async function judge(run: FaultRun, end: CaseEnd): Promise<CaseReport> {
  const { fleet, system, intervalMs, catchers } = run;
  const ledger = await fleet.ledger();
  const comparator = new FrameComparator(ledger);
  for await (const part of storedFrames(system.store, fleet.options.agents)) comparator.add(part);
  const frames = comparator.finish();
  const [pages, ...others] = catchers.map((catcher) =>
    comparePages(ledger.episodes, catcher.pages, {
      alerts: provokedAlerts(intervalMs),
      intervalMs,
      endMs: end.endMs,
      excused: run.excused,
    }),
  );
  checkFrames(run, end, frames);
  checkPages(run, pages!, '');
  others.forEach((each, number) => checkPages(run, each, ` of receiver ${number + 2}`));
  const seconds = (performance.now() - end.startMs) / 1000;
  const gapMs = await longestGapOfUpMs(system.store, end.fromMs, end.endMs);
  return {
    id: end.case.id,
    title: end.case.title,
    seconds,
    verdict: run.findings.every(({ holds }) => holds) ? 'holds' : 'does not hold',
    frames,
    pages: pages!,
    findings: run.findings,
    notes: notesOf(run, end, { pages: pages!, gapMs, seconds }),
  };
}

function checkFrames(run: FaultRun, { isDrained }: CaseEnd, frames: FrameComparison): void {
  run.check('every frame is acknowledged and stored at last', isDrained);
  const { examples } = frames;
  checkZero(run, 'lost', frames.lost, examples.of('lost', 'torn'));
  checkZero(run, 'duplicated', frames.duplicated, examples.of('duplicated'));
  checkZero(run, 'changed', frames.changed, examples.of('changed'));
  checkZero(run, 'invented', frames.invented, examples.of('invented'));
  const { dropped } = frames;
  run.check(`dropped at most ${run.droppedMax}`, dropped <= run.droppedMax, String(dropped));
}

function checkPages(run: FaultRun, pages: PageComparison, whose: string): void {
  const { examples, startsLateMsMax: lateMs } = pages;
  checkZero(run, `missed pages${whose}`, pages.missed, examples.of('missed'));
  checkZero(run, `repeated pages${whose}`, pages.repeated, examples.of('repeated'));
  checkZero(run, `false pages${whose}`, pages.false, examples.of('false'));
  const { startsLateMsMax } = run;
  if (startsLateMsMax === Infinity) return;
  const isInTime = lateMs <= startsLateMsMax;
  run.checkInTime(`a for keeps its progress${whose}`, isInTime, `fired ${lateMs} ms late at most`);
}

function checkZero(run: FaultRun, what: string, count: number, examples: readonly string[]): void {
  run.check(`${what} 0`, count === 0, count === 0 ? '' : [String(count), ...examples].join('; '));
}

function notesOf(
  run: FaultRun,
  end: CaseEnd,
  { pages, gapMs, seconds }: { pages: PageComparison; gapMs: number; seconds: number },
): string[] {
  const at = (share: number): string => {
    const { delaysMs } = pages;
    return String(delaysMs[Math.floor(share * (delaysMs.length - 1))] ?? '–');
  };
  const memory = run.system.parts.map(
    ({ name, rssBytesMax }) => `${name} ${Math.round(rssBytesMax / 1024 / 1024)}`,
  );
  const deaths = run.system.parts.flatMap(({ name, unmeantDeaths }) =>
    unmeantDeaths.map(({ how }) => `${name} (${how})`),
  );
  return [
    ...run.notes,
    `longest time between two samples of up of one target: ${gapMs} ms`,
    `from the breach to the page: median ${at(0.5)} ms, longest ${at(1)} ms`,
    `most resident memory, MiB: ${memory.join(', ')}`,
    `the fleet's own CPU: ${(end.fleetCpuNs / 1e7 / seconds).toFixed(1)}% of a core`,
    ...(deaths.length === 0 ? [] : [`ended by themselves: ${deaths.join(', ')}`]),
  ];
}
