/**
 * What dashboards ask:
 *
 * - `range`: all samples of one metric of one host over the window;
 * - `top`: the ten hosts with the most of one metric, at the instant;
 * - `host`: all metrics of one host at the instant;
 * - `average`: one metric over the window, averaged by a label of the targets.
 */
export const QUESTIONS = ['range', 'top', 'host', 'average'] as const;
export type QuestionKind = (typeof QUESTIONS)[number];

export interface Question {
  readonly kind: QuestionKind;
  /** Which host, if it is about one. */
  readonly instance: string;
  readonly atMs: number;
  /** Until that instant, 1 s or more. */
  readonly windowMs: number;
}

/** Numbers by what they are of: milliseconds since 1970, an instance, a series, a label's value. */
export type Answer = ReadonlyMap<string, number>;

/** What `range` and `average` ask for: a gauge that wanders. */
export const GAUGE = 'node_load1';
/** What `top` asks for: hosts differ in it. */
export const COUNTER = 'node_context_switches_total';
/** What `average` goes by. */
export const GROUP_LABEL = 'rack';
export const TOP_COUNT = 10;

/** Labels of targets, which are not those of their series. */
export const TARGET_LABELS: ReadonlySet<string> = new Set(['instance', 'job', GROUP_LABEL]);

/** What systems add to a host's own metrics. */
export function isOwn(name: string): boolean {
  return name === 'up' || name.startsWith('scrape_') || name.startsWith('rollcall_');
}
