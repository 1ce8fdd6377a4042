import t from 'tap';
import { IntervalCounts } from '../interval-counts.ts';

await t.test('the shortest interval is that of targets that are there', async (t) => {
  const intervals = new IntervalCounts();
  t.equal(intervals.shortestMs, Infinity);
  for (const intervalMs of [5000, 0, 1000, 1000]) intervals.add(intervalMs);
  t.equal(intervals.shortestMs, 1000, 'a target whose interval is not known does not count');
  intervals.remove(1000);
  t.equal(intervals.shortestMs, 1000);
  intervals.remove(1000);
  t.equal(intervals.shortestMs, 5000);
  intervals.remove(5000);
  t.equal(intervals.shortestMs, Infinity);
});
