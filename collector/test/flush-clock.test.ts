import t from 'tap';
import { FlushClock } from '../flush-clock.ts';
import { until } from './road.ts';

/** Writes down when it was told: its name in the order of all. */
function gatherer(name: string, told: string[]) {
  return { onDue: () => void told.push(name) };
}

await t.test('the first that asks sets the time for all', async (t) => {
  const clock = new FlushClock(20);
  const told: string[] = [];
  clock.ask(gatherer('a', told));
  clock.ask(gatherer('b', told));
  t.same(told, [], 'nobody is told at once');
  await until('somebody is told', () => told.length > 0);
  t.same(told, ['a', 'b'], 'both, together');
});

await t.test('each is told once, and may ask again while it is told', async (t) => {
  const clock = new FlushClock(1);
  let rings = 0;
  const again = {
    onDue() {
      rings += 1;
      if (rings < 3) clock.ask(again);
    },
  };
  clock.ask(again);
  await until('it has been told three times', () => rings === 3);
  const other: string[] = [];
  clock.ask(gatherer('other', other));
  await until('another is told', () => other.length === 1);
  t.equal(rings, 3);
});
