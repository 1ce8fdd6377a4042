import t from 'tap';
import { quantilesOf, slopeOf } from '../quantiles.ts';

await t.test('quantiles are values that were there', async (t) => {
  const values = Array.from({ length: 200 }, (_, i) => 200 - i);
  t.same(quantilesOf(values), { count: 200, p50: 100, p99: 198, max: 200 });
  t.same(quantilesOf([7]), { count: 1, p50: 7, p99: 7, max: 7 });
  t.same(quantilesOf([]), { count: 0, p50: NaN, p99: NaN, max: NaN });
});

await t.test('a slope', async (t) => {
  t.equal(
    slopeOf([
      [0, 5],
      [1, 7],
      [2, 9],
    ]),
    2,
  );
  t.equal(slopeOf([[3, 5]]), 0);
  t.equal(slopeOf([]), 0);
  t.equal(
    slopeOf([
      [3, 5],
      [3, 9],
    ]),
    0,
    'no time has passed',
  );
});
