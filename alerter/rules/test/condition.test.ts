import t from 'tap';
import { parseExpression } from '../../promql/parser.ts';
import { conditionOf, selects } from '../condition.ts';
import type { Condition } from '../condition.ts';

function condition(text: string): Condition {
  const parsed = parseExpression(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.faults[0]?.message ?? ''}`);
  const result = conditionOf(parsed.value);
  if (!result.ok) throw new Error(`${text}: ${result.faults[0]?.message ?? ''}`);
  return result.value;
}

/** The faults as `offset: message`. */
function faults(text: string): string[] {
  const parsed = parseExpression(text);
  const result = parsed.ok ? conditionOf(parsed.value) : parsed;
  return result.ok ? ['accepted'] : result.faults.map((f) => `${f.offset}: ${f.message}`);
}

await t.test('a selector is compared with a number, in either order', (t) => {
  t.match(condition('up == 0'), { selector: { metric: 'up' }, operator: '==', threshold: 0 });
  t.match(condition('5 < (up)'), { selector: { metric: 'up' }, operator: '>', threshold: 5 });
  t.end();
});

await t.test('what cannot be evaluated yet is refused by name, where it stands', (t) => {
  t.same(faults('rate(x[5m]) > bool sum by (a) (y)'), [
    '0: bool is not supported yet',
    '0: rate() is not supported yet',
    '19: the aggregation sum() is not supported yet',
  ]);
  t.same(faults('up offset 5m > 1'), ['0: offset is not supported yet']);
  t.same(faults('a and b'), ['0: the operator and is not supported yet']);
  t.same(faults('a + 1 > 2'), ['0: a comparison or reckoning inside another is not supported yet']);
  t.same(faults('-up < 1'), ['0: - before anything but a number is not supported yet']);
  t.same(faults('a == b'), ['5: a comparison of two selectors is not supported yet']);
  t.same(faults('up'), ['0: a selector without a comparison is not supported yet']);
  t.same(faults('up[5m]'), ['0: a range such as [5m] is not supported yet']);
  t.same(faults('up[5m:1m]'), ['0: a subquery such as 5m is not supported yet']);
  t.same(faults('vector(1)'), ['0: vector() is not supported yet']);
  t.same(faults('1'), ['0: a number without a comparison is not supported yet']);
  t.end();
});

function series(labels: Record<string, string>): (name: string) => string | undefined {
  return (name) => labels[name];
}

await t.test('a selector means a series by its name and labels', (t) => {
  const { selector } = condition('up{job="a",zone=~"x.*",role=""} == 1');
  t.equal(selects(selector, 'up', series({ job: 'a', zone: 'x1' })), true);
  t.equal(selects(selector, 'up', series({ job: 'a', zone: 'x1', role: 'db' })), false);
  t.equal(selects(selector, 'down', series({ job: 'a', zone: 'x1' })), false);
  t.equal(selects(selector, 'up', series({ job: 'a' })), false);
  t.equal(selects(condition('{__name__=~"u."} == 1').selector, 'up', series({})), true);
  t.end();
});
