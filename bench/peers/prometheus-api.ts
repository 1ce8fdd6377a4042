import { request } from 'undici';
import { reasonOf, RollcallError } from '../../pipeline/error.ts';
import { seriesKey } from '../../pipeline/wire/catalogue.ts';
import type { Label } from '../../pipeline/wire/catalogue.ts';
import { COUNTER, GAUGE, GROUP_LABEL, isOwn, TARGET_LABELS, TOP_COUNT } from './question.ts';
import type { Answer, Question } from './question.ts';

/** One series of an answer: Prometheus' HTTP API, "Expression query result formats". */
interface ResultSeries {
  readonly metric: Readonly<Record<string, string>>;
  /** Of an instant vector. */
  readonly value?: readonly [seconds: number, value: string];
  /** Of a range vector. */
  readonly values?: readonly (readonly [seconds: number, value: string])[];
}

/** The question in PromQL. */
export function promqlOf({ kind, instance, windowMs }: Question): string {
  const window = `${Math.round(windowMs / 1000)}s`;
  if (kind === 'range') return `${GAUGE}{instance="${instance}"}[${window}]`;
  if (kind === 'top') return `topk(${TOP_COUNT}, ${COUNTER})`;
  if (kind === 'host') return `{instance="${instance}"}`;
  return `avg by (${GROUP_LABEL}) (avg_over_time(${GAUGE}[${window}]))`;
}

/**
 * Asks a server that speaks Prometheus' HTTP API.
 *
 * @param further parameters of its own
 * @throws RollcallError `query_failed`
 */
export async function askByPromql(
  api: string,
  question: Question,
  further: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const query = promqlOf(question);
  const parameters = new URLSearchParams({
    query,
    time: (question.atMs / 1000).toFixed(3),
    ...further,
  });
  const { status, data, error } = (await getJson(
    `${api}/api/v1/query?${parameters.toString()}`,
  )) as {
    status: string;
    data?: { result: ResultSeries[] };
    error?: string;
  };
  if (status !== 'success' || data === undefined) {
    throw new RollcallError('query_failed', `${query}: ${error ?? 'no answer'}`);
  }
  return answerOf(question, data.result);
}

async function getJson(url: string): Promise<unknown> {
  try {
    const { body } = await request(url);
    return await body.json();
  } catch (cause) {
    throw new RollcallError('query_failed', `${url}: ${reasonOf(cause)}`, { cause });
  }
}

function answerOf({ kind }: Question, result: readonly ResultSeries[]): Answer {
  if (kind === 'range') {
    const points = result.flatMap(({ values = [] }) => values);
    return new Map(points.map(([at, value]) => [String(Math.round(at * 1000)), Number(value)]));
  }
  const answer = new Map<string, number>();
  for (const { metric, value } of result) {
    const key = keyOf(kind, metric);
    if (key !== undefined) answer.set(key, Number(value?.[1]));
  }
  return answer;
}

function keyOf(
  kind: Question['kind'],
  { __name__: name = '', ...labels }: Readonly<Record<string, string>>,
): string | undefined {
  if (kind === 'top') return labels['instance'];
  if (kind === 'average') return labels[GROUP_LABEL];
  const own = Object.entries(labels).filter(([label]) => !TARGET_LABELS.has(label));
  return isOwn(name) ? undefined : seriesKey(name, sorted(own));
}

/** As the canonical text of a series has them. */
export function sorted(labels: readonly Label[]): Label[] {
  return labels.toSorted(([a], [b]) => (a < b ? -1 : 1));
}
