import t from 'tap';
import { TickClock } from '../tick-clock.ts';

function fixture(): {
  clock: TickClock;
  ticks: number[];
  advance: (ms: number) => void;
  step: (ms: number) => void;
} {
  let monotonicMs = 500;
  let wallMs = 1_000_000_700;
  const ticks: number[] = [];
  const clock = new TickClock(() => ticks.push(wallMs), {
    wallMs: () => wallMs,
    monotonicMs: () => monotonicMs,
  });
  return {
    clock,
    ticks,
    advance(ms) {
      monotonicMs += ms;
      wallMs += ms;
      clock.poll();
    },
    step(ms) {
      wallMs += ms;
    },
  };
}

await t.test('a tick that is on time says the instant it was meant for', (t) => {
  const { clock, advance, step } = fixture();
  t.equal(clock.stampMs(), 1_000_000_700, 'nobody has asked for ticks: the clock');
  clock.follow(5000, 1200);
  advance(500);
  t.equal(clock.stampMs(), 1_000_001_200, 'to the millisecond');
  advance(49);
  t.equal(clock.stampMs(), 1_000_001_200, 'a little late');
  advance(1);
  t.equal(clock.stampMs(), 1_000_001_250, 'late');
  advance(4900);
  t.equal(clock.stampMs(), 1_000_006_150, 'early');
  advance(1);
  t.equal(clock.stampMs(), 1_000_006_200, 'a little early');
  step(-10_000_000_000);
  t.ok(clock.stampMs() < 0, 'a clock before 1970');
  clock.stop();
  t.end();
});

await t.test('ticks come at the phase asked for', (t) => {
  const { clock, ticks, advance } = fixture();
  clock.follow(5000, 1200);
  for (let i = 0; i < 200; i += 1) advance(100);
  clock.stop();
  t.same(ticks, [1_000_001_200, 1_000_006_200, 1_000_011_200, 1_000_016_200]);
  t.equal(clock.skippedTotal, 0);
  t.end();
});

await t.test('a stall skips ticks and counts them', (t) => {
  const { clock, ticks, advance } = fixture();
  clock.follow(1000, 0);
  advance(300);
  advance(3500);
  advance(500);
  clock.stop();
  t.same(ticks, [1_000_001_000, 1_000_004_500, 1_000_005_000]);
  t.equal(clock.skippedTotal, 2);
  t.end();
});

await t.test('a step of the wall clock neither bunches nor stops the ticks', (t) => {
  const { clock, ticks, advance, step } = fixture();
  clock.follow(1000, 0);
  advance(300);
  step(-3_600_000);
  for (let i = 0; i < 30; i += 1) advance(100);
  step(7_200_000);
  for (let i = 0; i < 30; i += 1) advance(100);
  clock.stop();
  t.equal(ticks.length, 7);
  t.equal(clock.skippedTotal, 0);
  t.end();
});
