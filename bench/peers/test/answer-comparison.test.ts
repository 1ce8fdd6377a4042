import t from 'tap';
import { difference } from '../answer-comparison.ts';

const answer = (values: Readonly<Record<string, number>>) => new Map(Object.entries(values));

await t.test('the same answer in another order does not differ', (t) => {
  t.equal(difference(answer({ a: 1, b: NaN, c: 0 }), answer({ c: 0, b: NaN, a: 1 })), undefined);
  t.end();
});

await t.test('the last digits may differ, and nothing more', (t) => {
  t.equal(difference(answer({ a: 374.388 }), answer({ a: 374.38800000000003 })), undefined);
  t.equal(difference(answer({ a: 1e9 }), answer({ a: 1e9 + 0.5 })), undefined);
  t.equal(
    difference(answer({ a: 1e9 }), answer({ a: 1e9 + 2 })),
    'a is 1000000002 instead of 1000000000',
  );
  t.equal(difference(answer({ a: 0 }), answer({ a: 1e-12 })), 'a is 1e-12 instead of 0');
  t.equal(difference(answer({ a: NaN }), answer({ a: 1 })), 'a is 1 instead of NaN');
  t.end();
});

await t.test('what is missing and what is too much is named, but not all of it', (t) => {
  t.equal(difference(answer({ a: 1 }), answer({ b: 1 })), 'a is missing, b is too much');
  t.equal(
    difference(answer({ a: 1, b: 1, c: 1, d: 1, e: 1 }), answer({})),
    'a is missing, b is missing, c is missing, 2 more',
  );
  t.end();
});
