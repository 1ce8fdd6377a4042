import t from 'tap';
import { Backoff } from '../backoff.ts';
import { Deadline, DeadlineWheel } from '../deadline-wheel.ts';
import { DialGate } from '../dial-gate.ts';

await t.test('back-off doubles up to its cap, with full jitter, and resets', (t) => {
  const ceiling = new Backoff(250, 10_000, () => 1);
  t.same(
    Array.from({ length: 8 }, () => ceiling.nextMs()),
    [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000],
  );
  ceiling.reset();
  t.equal(ceiling.nextMs(), 250);
  const floor = new Backoff(250, 10_000, () => 0);
  t.equal(floor.nextMs(), 0);
  t.end();
});

function wheelAt(): { wheel: DeadlineWheel; to: (ms: number) => void } {
  let nowMs = 0;
  const wheel = new DeadlineWheel(100, () => nowMs);
  return {
    wheel,
    to(ms) {
      nowMs = ms;
      wheel.advance();
    },
  };
}

await t.test('deadlines fire once, not early, and within two ticks', (t) => {
  const { wheel, to } = wheelAt();
  const fired: string[] = [];
  const a = new Deadline(() => fired.push('a'));
  const b = new Deadline(() => fired.push('b'));
  wheel.set(a, 1000);
  wheel.set(b, 250);
  to(240);
  t.same(fired, []);
  to(450);
  t.same(fired, ['b']);
  to(990);
  t.same(fired, ['b']);
  to(1200);
  t.same(fired, ['b', 'a']);
  to(9000);
  t.same(fired, ['b', 'a']);
  t.end();
});

await t.test(
  'a deadline moves later or earlier, is cancelled, and may lie many laps ahead',
  (t) => {
    const { wheel, to } = wheelAt();
    const fired: string[] = [];
    const later = new Deadline(() => fired.push('later'));
    const earlier = new Deadline(() => fired.push('earlier'));
    const gone = new Deadline(() => fired.push('gone'));
    const far = new Deadline(() => fired.push('far'));
    wheel.set(later, 300);
    wheel.set(earlier, 5000);
    wheel.set(gone, 300);
    wheel.set(far, 400_000);
    to(200);
    wheel.set(later, 1000);
    wheel.set(earlier, 100);
    gone.cancel();
    to(500);
    t.same(fired, ['earlier']);
    to(1500);
    t.same(fired, ['earlier', 'later']);
    to(6000);
    t.same(fired, ['earlier', 'later']);
    to(399_900);
    t.same(fired, ['earlier', 'later']);
    to(400_300);
    t.same(fired, ['earlier', 'later', 'far']);
    t.equal(far.isSet, false);
    t.end();
  },
);

await t.test('a deadline set again while it fires keeps going', (t) => {
  const { wheel, to } = wheelAt();
  let count = 0;
  const every: Deadline = new Deadline(() => {
    count += 1;
    wheel.set(every, 1000);
  });
  wheel.set(every, 1000);
  for (let ms = 0; ms <= 60_000; ms += 50) to(ms);
  t.ok(count >= 50 && count <= 59, `${count} times in a minute`);
  t.end();
});

await t.test('the gate keeps rate, concurrency and order', (t) => {
  const gate = new DialGate(100, 5, 0);
  const begun: number[] = [];
  const dials = Array.from({ length: 30 }, (_, i) => ({ dial: () => void begun.push(i) }));
  for (const dial of dials) gate.request(dial);
  gate.withdraw(dials[1]!);
  gate.release(0);
  t.same(begun, [0, 2, 3, 4, 5], 'at most five in flight');
  t.equal(gate.inFlight, 5);
  for (let i = 0; i < 5; i += 1) gate.done();
  gate.release(0);
  t.same(begun.slice(5), [6, 7, 8, 9, 10], 'the saved tenth of a second is used up');
  for (let i = 0; i < 5; i += 1) gate.done();
  gate.release(0);
  t.equal(begun.length, 10);
  gate.release(20);
  t.equal(begun.length, 12, '100 a second are 2 in 20 ms');
  t.end();
});
