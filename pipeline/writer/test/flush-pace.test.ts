import t from 'tap';
import { FlushPace } from '../flush-pace.ts';

await t.test('a quick flush is followed by the next one after an interval', async (t) => {
  const pace = new FlushPace(1000, 500);
  t.equal(pace.leftMs(500), 1000);
  t.equal(pace.leftMs(1700), -200, 'it is due');
  pace.flushed(1700, 1900);
  t.equal(pace.leftMs(1900), 800, 'from beginning to beginning');
});

await t.test('one that takes long has a quarter of the time', async (t) => {
  const pace = new FlushPace(1000, 0);
  pace.flushed(1000, 1500);
  t.equal(pace.leftMs(1500), 1500);
  pace.flushed(3000, 3100);
  t.equal(pace.leftMs(3100), 900, 'the next quick one ends that');
});

await t.test(
  'however long it takes, the next one is no more than four intervals later',
  async (t) => {
    const pace = new FlushPace(1000, 0);
    pace.flushed(1000, 10_000);
    t.equal(pace.leftMs(10_000), -5000);
    pace.flushed(10_000, 12_000);
    t.equal(pace.leftMs(12_000), 2000);
  },
);
