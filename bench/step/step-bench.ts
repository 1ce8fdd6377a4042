import { RollcallError } from '../../pipeline/error.ts';
import { benchLoad } from '../load/load-bench.ts';
import type { LoadBenchOptions } from '../load/load-options.ts';
import type { LoadReport } from '../load/load-report.ts';
import { judge, verdictOf } from './judge.ts';
import type { Step, StepBounds, StepReport } from './step-report.ts';

export interface StepBenchOptions {
  /** The first number of agents, and the last that is tried; it is doubled in between. */
  readonly from: number;
  readonly to: number;
  readonly bounds: StepBounds;
  readonly command: string;
  readonly say: (progress: string) => void;
  /** What runs at a number of agents. */
  readonly loadOf: (agents: number) => LoadBenchOptions;
  readonly onStep: (step: Step) => void;
}

/** Failures of a run that are answers: so many agents are too many. */
const TOO_MANY: ReadonlySet<string> = new Set(['not_started', 'server_failed', 'fleet_failed']);

/**
 * Doubles the agents until something gives, a whole load run a step.
 *
 * @throws RollcallError what a load run throws, but for those failures that mean too many agents
 */
export async function benchStep(
  options: StepBenchOptions,
  load: (options: LoadBenchOptions) => Promise<LoadReport> = benchLoad,
): Promise<StepReport> {
  const startedAt = new Date();
  const steps: Step[] = [];
  for (const agents of agentsOf(options)) {
    options.say(`${agents} agents`);
    const step = await stepAt(agents, options, load);
    steps.push(step);
    options.onStep(step);
    if (step.findings.length > 0) break;
  }
  const last = steps.at(-1)!;
  const carried = steps.filter(({ findings }) => findings.length === 0).at(-1);
  return {
    machine: steps[0]!.load?.machine ?? null,
    started_at: startedAt.toISOString(),
    command: options.command,
    bounds: options.bounds,
    steps,
    agents_carried: carried?.agents ?? 0,
    agents_gave: last.findings.length > 0 ? last.agents : null,
    verdict: verdictOf(steps),
  };
}

/** Doubled from the first to the last, which is tried as well. */
function agentsOf({ from, to }: StepBenchOptions): number[] {
  const all: number[] = [];
  for (let agents = from; agents < to; agents *= 2) all.push(agents);
  return [...all, Math.max(from, to)];
}

async function stepAt(
  agents: number,
  options: StepBenchOptions,
  load: (options: LoadBenchOptions) => Promise<LoadReport>,
): Promise<Step> {
  try {
    const report = await load(options.loadOf(agents));
    return { agents, load: report, findings: judge(report, options.bounds) };
  } catch (error) {
    if (!(error instanceof RollcallError) || !TOO_MANY.has(error.code)) throw error;
    const { code, message } = error;
    const finding = { kind: 'symptom', what: 'start', evidence: `${code}: ${message}` } as const;
    return { agents, load: null, findings: [finding] };
  }
}
