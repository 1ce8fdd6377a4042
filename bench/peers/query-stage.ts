import { instanceOf } from '../fleet/fleet.ts';
import { SeededRandom } from '../fleet/random.ts';
import type { History } from './history.ts';
import { latencyOf } from './latency.ts';
import type { Peer } from './peer.ts';
import type { PeersOptions } from './peers-options.ts';
import type { Latency, QueryReport } from './peers-report.ts';
import { QUESTIONS, TOP_COUNT } from './question.ts';
import type { Answer, Question, QuestionKind } from './question.ts';

const HOUR_MS = 3_600_000;
/** Of each kind that are asked before it counts. */
const UNCOUNTED = 3;
/** Hosts whose answers are compared. */
const COMPARED_HOSTS = 5;

export interface QueryFindings {
  readonly report: QueryReport;
  /** Answers about the history, which are the same in every system, by what was asked. */
  readonly answers: ReadonlyMap<string, Answer>;
  readonly problems: readonly string[];
}

/** Asks a system that watches the whole fleet and knows a history. Each run of a question is about another host. */
export async function queryStage(
  peer: Peer,
  history: History,
  options: PeersOptions,
): Promise<QueryFindings> {
  const problems: string[] = [];
  const answers = new Map<string, Answer>();
  for (const [name, question] of comparedQuestions(history)) {
    answers.set(name, await peer.ask(question));
  }
  const measured: [QuestionKind, Latency][] = [];
  for (const kind of QUESTIONS) {
    options.say(`${peer.name}: asking, ${kind}`);
    const random = new SeededRandom(options.seed);
    const durationsMs: number[] = [];
    for (let run = -UNCOUNTED; run < options.queryRuns; run += 1) {
      const question = timedQuestion(kind, history, options, random);
      const fromMs = performance.now();
      const answer = await peer.ask(question);
      if (run >= 0) durationsMs.push(performance.now() - fromMs);
      const wrong = wrongSize(question, answer, options);
      if (wrong !== undefined) problems.push(`${peer.name}: ${kind}: ${wrong}`);
    }
    measured.push([kind, latencyOf(durationsMs)]);
  }
  return {
    report: Object.fromEntries(measured) as Record<QuestionKind, Latency>,
    answers,
    problems: [...new Set(problems)],
  };
}

/** About the last instant of the history: nothing that came later may change the answers. */
function comparedQuestions(history: History): [name: string, question: Question][] {
  const { hosts, durationMs } = history.options;
  const common = { atMs: history.endMs, windowMs: Math.min(HOUR_MS, durationMs) };
  const instances = Array.from({ length: Math.min(COMPARED_HOSTS, hosts) }, (_, i) =>
    instanceOf(Math.floor((i * hosts) / COMPARED_HOSTS)),
  );
  return [
    ...instances.flatMap((instance) =>
      (['range', 'host'] as const).map((kind): [string, Question] => [
        `${kind} of ${instance}`,
        { kind, instance, ...common },
      ]),
    ),
    ...(['top', 'average'] as const).map((kind): [string, Question] => [
      kind,
      { kind, instance: '', ...common },
    ]),
  ];
}

/** What is about now is asked of all that is watched, what is about an hour of the history. */
function timedQuestion(
  kind: QuestionKind,
  history: History,
  { targets }: PeersOptions,
  random: SeededRandom,
): Question {
  const { hosts, durationMs } = history.options;
  const isNow = kind === 'top' || kind === 'host';
  return {
    kind,
    instance: instanceOf(random.below(isNow ? targets : hosts)),
    atMs: isNow ? Date.now() : history.endMs,
    windowMs: Math.min(HOUR_MS, durationMs),
  };
}

/** How many numbers an answer has, if that is not how many it must have. */
function wrongSize(
  { kind, windowMs }: Question,
  { size }: Answer,
  { targets, metrics, intervalMs }: PeersOptions,
): string | undefined {
  if (kind === 'average') return size > 0 ? undefined : 'no answer';
  const wanted = {
    range: Math.floor(windowMs / intervalMs),
    top: Math.min(TOP_COUNT, targets),
    host: metrics,
  }[kind];
  return size === wanted ? undefined : `${size} numbers instead of ${wanted}`;
}
