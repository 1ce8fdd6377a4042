import t from 'tap';
import { CatalogueBudget } from '../catalogue-budget.ts';

await t.test('a target may bring 32 new catalogues, then one a minute', (t) => {
  let nowMs = 0;
  const budget = new CatalogueBudget(() => nowMs);
  for (let i = 0; i < 32; i += 1) budget.spend();
  t.throws(() => budget.spend(), { code: 'limit_exceeded' });
  nowMs = 59_999;
  t.throws(() => budget.spend(), { code: 'limit_exceeded' });
  nowMs = 60_000;
  budget.spend();
  t.throws(() => budget.spend(), { code: 'limit_exceeded' });
  nowMs = 24 * 3_600_000;
  for (let i = 0; i < 32; i += 1) budget.spend();
  t.throws(() => budget.spend(), { code: 'limit_exceeded' }, 'it is not saved up beyond that');
  t.end();
});
