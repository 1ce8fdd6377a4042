import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { formatDuration } from '../../alerter/promql/duration.ts';
import type { SourceSample, SourceSeries } from '../../alerter/promql/engine/series-source.ts';
import { RollcallError } from '../../pipeline/error.ts';
import { STEP_MS, STEPS } from './made-up-series.ts';

/** An expression and when it is evaluated. */
export interface Question {
  readonly expr: string;
  readonly atMs: number;
}

/** Values by labels, written as Prometheus writes them; or that it cannot be evaluated. */
export type Answer = ReadonlyMap<string, number> | 'error';

const OUTPUT_BYTES_MAX = 256 * 1024 * 1024;
/** What is expected is never so: then promtool says what it found. */
const NEVER = [{ labels: 'never', value: 1 }];
const BLOCK = /expr: ("(?:[^"\\]|\\.)*"), time: (\S+?),(?: err: .*|\s*\n\s*exp:.*\n\s*got: (.*))/g;
const SAMPLE = /(\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\}) (NaN|[+-]?Inf|[-+\d.E]+)(?:, |$)/g;

/**
 * Has promtool evaluate expressions over series.
 *
 * @throws RollcallError `server_failed` if it does not answer all of them
 */
export async function askPromtool(
  program: string,
  series: readonly SourceSeries[],
  questions: readonly Question[],
): Promise<Answer[]> {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-promtool-'));
  try {
    const file = join(folder, 'questions.yaml');
    writeFileSync(file, stringify(testsOf(series, questions), { aliasDuplicateObjects: true }));
    const said = answersIn(await outputOf(program, ['test', 'rules', file]));
    return questions.map((question) => {
      const answer = said.get(keyOf(question));
      if (answer !== undefined) return answer;
      throw new RollcallError('server_failed', `promtool says nothing of ${question.expr}`);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function keyOf({ expr, atMs }: Question): string {
  return `${expr} at ${formatDuration(atMs)}`;
}

function testsOf(series: readonly SourceSeries[], questions: readonly Question[]): object {
  const inputs = series.map(({ labels, samples }) => ({
    series: `{${labels.pairs.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}}`,
    values: written(samples),
  }));
  const interval = formatDuration(STEP_MS);
  const one = {
    interval,
    input_series: inputs,
    promql_expr_test: questions.map(({ expr, atMs }) => ({
      expr,
      eval_time: formatDuration(atMs),
      exp_samples: NEVER,
    })),
  };
  return { rule_files: [], evaluation_interval: interval, tests: [one] };
}

function written(samples: readonly SourceSample[]): string {
  const words = Array.from({ length: STEPS }, () => '_');
  for (const { timeMs, value } of samples) words[timeMs / STEP_MS] = wordOf(value);
  return words.join(' ');
}

function wordOf(value: number | undefined): string {
  if (value === undefined) return 'stale';
  return Math.abs(value) === Infinity ? (value > 0 ? 'Inf' : '-Inf') : String(value);
}

function answersIn(output: string): Map<string, Answer> {
  const answers = new Map<string, Answer>();
  for (const [, expr, time, got] of output.matchAll(BLOCK)) {
    const samples = [...(got ?? '').matchAll(SAMPLE)].map(([, labels, value]) => {
      return [labels!, numberOf(value!)] as const;
    });
    answers.set(`${JSON.parse(expr!)} at ${time}`, got === undefined ? 'error' : new Map(samples));
  }
  return answers;
}

function numberOf(text: string): number {
  return Number(text.replace(/Inf$/, 'Infinity'));
}

/** It ends with 1 because nothing is as expected. */
function outputOf(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { maxBuffer: OUTPUT_BYTES_MAX }, (error, stdout, stderr) => {
      if (error !== null && error.code !== 1) reject(error);
      else resolve(stdout + stderr);
    });
  });
}
