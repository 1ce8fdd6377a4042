import t from 'tap';
import { SeededRandom } from '../../fleet/random.ts';
import { isDeviation, isSame, ownAnswer } from '../difference.ts';
import { MadeUpExpressions } from '../made-up-expression.ts';
import { MadeUpSeries, STEP_MS, STEPS } from '../made-up-series.ts';
import { askPromtool } from '../promtool.ts';
import type { Question } from '../promtool.ts';

const PROMTOOL = process.env['ROLLCALL_PROMTOOL'] ?? 'promtool';
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];
const QUESTIONS = 500;

function questionsOf(seed: number): Question[] {
  const random = new SeededRandom(seed);
  const expressions = new MadeUpExpressions(random);
  return Array.from({ length: QUESTIONS }, () => {
    // Not only at instants of samples.
    const besideMs = random.next() < 0.3 ? 1000 * random.below(15) : 0;
    return { expr: expressions.next(), atMs: random.below(STEPS) * STEP_MS + besideMs };
  });
}

for (const seed of SEEDS) {
  await t.test(`expressions of seed ${seed} come to the same as with Prometheus`, async (t) => {
    const series = new MadeUpSeries(new SeededRandom(1000 + seed));
    const questions = questionsOf(seed);
    const answers = await askPromtool(PROMTOOL, series.series, questions);
    let [answered, deviating] = [0, 0];
    for (const [i, question] of questions.entries()) {
      const own = ownAnswer(series, question);
      const theirs = answers[i]!;
      if (theirs !== 'error' && theirs.size > 0) answered += 1;
      if (isSame(question, own, theirs)) continue;
      if (isDeviation(question)) deviating += 1;
      else t.fail(`${question.expr} at ${question.atMs} ms`, { own, theirs });
    }
    t.ok(answered > QUESTIONS / 2, `${answered} of ${QUESTIONS} have an answer`);
    t.ok(deviating < QUESTIONS / 100, `${deviating} deviate in a way that is known`);
  });
}
