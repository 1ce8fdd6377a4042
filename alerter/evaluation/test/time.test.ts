import fc from 'fast-check';
import t from 'tap';
import type { Transition } from '../../../pipeline/log/transition.ts';
import { flagBacklog } from '../../../pipeline/wire/frame.ts';
import { AlertBook } from '../alert-book.ts';
import type { RuleSet } from '../rule-set.ts';
import { elapsedMs } from '../stopwatch.ts';
import type { Touch } from '../stopwatch.ts';
import { catalogue, frameOf, rules, target } from './hand-made.ts';

/*
 * Time in seconds here: `sample` is the agent's clock, `arrival` JetStream's. Intervals are 5 seconds.
 */
const host = target('web-1');
const other = target('web-2');
const load = catalogue(['node_load1']);
const STALENESS_MS = 300_000;
const HOUR = 3600;

interface Said {
  readonly value: number | undefined;
  readonly sample: number;
  readonly arrival: number;
  readonly seq?: number;
  readonly run?: bigint;
  readonly isBacklog?: boolean;
}

function bookOf(ruleSet: RuleSet): AlertBook {
  const book = new AlertBook(STALENESS_MS, () => 0);
  for (const one of [host, other]) book.setTarget(one);
  book.setRules(ruleSet);
  return book;
}

function fixture(ruleSet: RuleSet, book = bookOf(ruleSet)) {
  const seqs = new Map<string, number>();
  const say = (said: Said, of = host): readonly Transition[] => {
    const { value, sample, arrival, run = 1n, isBacklog = false } = said;
    const key = `${of.instance} ${run}`;
    const seq = said.seq ?? (seqs.get(key) ?? 0) + 1;
    seqs.set(key, Math.max(seq, seqs.get(key) ?? 0));
    const frame = frameOf(of, seq, 1000 * sample, load, [value], run);
    if (isBacklog) flagBacklog(frame, 0);
    book.learn(load);
    book.arrive(1000 * arrival);
    return book.evaluate(frame, 0);
  };
  return { book, say };
}

/** What an alerter that starts again knows from the records, in their order. */
function recovered(ruleSet: RuleSet, before: AlertBook, records: readonly Transition[]): AlertBook {
  const book = new AlertBook(STALENESS_MS, () => 0);
  for (const transition of records) book.restore(transition);
  for (const stopwatch of before.takeUnrecorded()) book.restoreStopwatch(stopwatch);
  book.resume(before.laneTime!);
  for (const one of [host, other]) book.setTarget(one);
  book.setRules(ruleSet);
  return book;
}

function told(transitions: readonly Transition[]): string[] {
  return transitions.map(({ previous, state, reason, timeMs }) => {
    return `${previous}>${state} ${reason} ${timeMs / 1000}`;
  });
}

const forTen = rules('- {alert: High, expr: node_load1 > 5, for: 10s}');
const atOnce = rules('- {alert: High, expr: node_load1 > 5}');

await t.test('an agent whose clock steps back an hour is evaluated without a pause', (t) => {
  const { say } = fixture(atOnce);
  t.same(told(say({ value: 1, sample: 5000, arrival: 5000 })), []);
  const after = say({ value: 6, sample: 5005 - HOUR, arrival: 5005 });
  t.same(told(after), ['inactive>firing condition 1405']);
  t.same(told(say({ value: 1, sample: 5010 - HOUR, arrival: 5010 })), [
    'firing>inactive condition 1410',
  ]);
  t.end();
});

await t.test('what is known by its seq is a repeat, whatever time it says', (t) => {
  const { book, say } = fixture(atOnce);
  say({ value: 6, sample: 100, arrival: 100, seq: 7 });
  t.same(say({ value: 1, sample: 200, arrival: 105, seq: 7 }), []);
  t.same(say({ value: 1, sample: 300, arrival: 110, seq: 6 }), []);
  t.equal(book.counters.skipped.get('repeated'), 2);
  t.equal(say({ value: 1, sample: 50, arrival: 115, seq: 8 }).length, 1);
  t.end();
});

for (const [way, step] of [
  ['forward', HOUR],
  ['back', -HOUR],
] as const) {
  await t.test(`"for" is wrong by an interval at most when a clock steps ${way}`, (t) => {
    for (let at = 1; at <= 8; at += 1) {
      const { say } = fixture(rules('- {alert: High, expr: node_load1 > 5, for: 30s}'));
      let fired = Infinity;
      for (let tick = 0; tick < 12 && fired === Infinity; tick += 1) {
        const sample = 10_000 + 5 * tick + (tick >= at ? step : 0);
        const found = say({ value: 6, sample, arrival: 10_000 + 5 * tick });
        if (found.some(({ state }) => state === 'firing')) fired = tick;
      }
      t.ok(Math.abs(fired - 6) <= 1, `stepped at tick ${at}, fired at tick ${fired}`);
    }
    t.end();
  });
}

await t.test('frames that arrive in a bunch after an outage count their own time', (t) => {
  const { say } = fixture(forTen);
  t.same(told(say({ value: 6, sample: 0, arrival: 0 })), ['inactive>pending condition 0']);
  t.same(told(say({ value: 6, sample: 5, arrival: 120 })), [], 'not the two minutes of the outage');
  t.same(told(say({ value: 6, sample: 10, arrival: 120 })), ['pending>firing condition 10']);
  t.end();
});

await t.test('a gap without frames counts for "for" if the condition holds on both sides', (t) => {
  const { say } = fixture(rules('- {alert: High, expr: node_load1 > 5, for: 3m}'));
  say({ value: 6, sample: 0, arrival: 0 });
  say({ value: 1, sample: 90, arrival: 180, isBacklog: true });
  t.same(told(say({ value: 6, sample: 180, arrival: 180 })), ['pending>firing condition 180']);
  t.end();
});

await t.test('collectors whose clocks differ go on with one "for"', (t) => {
  const { say } = fixture(forTen);
  say({ value: 6, sample: 9000, arrival: 1000, run: 1n });
  t.same(say({ value: 6, sample: 9005 + HOUR, arrival: 1005, run: 2n }), [], 'an hour is not over');
  const fired = say({ value: 6, sample: 9010 - HOUR, arrival: 1010, run: 3n });
  t.same(told(fired), ['pending>firing condition 5410']);
  t.equal(fired[0]!.activeAtMs, 9_000_000, 'people are shown the times of the samples');
  t.end();
});

await t.test('"keep_firing_for" is wrong by an interval at most when a clock steps', (t) => {
  for (const step of [HOUR, -HOUR]) {
    const { say } = fixture(rules('- {alert: High, expr: node_load1 > 5, keep_firing_for: 20s}'));
    say({ value: 6, sample: 9000, arrival: 9000 });
    let ended = Infinity;
    for (let tick = 1; tick < 10 && ended === Infinity; tick += 1) {
      const sample = 9000 + 5 * tick + (tick >= 2 ? step : 0);
      const found = say({ value: 1, sample, arrival: 9000 + 5 * tick });
      if (found.length > 0) ended = tick;
    }
    t.ok(Math.abs(ended - 4) <= 1, `${step} s: ended at tick ${ended}`);
  }
  t.end();
});

await t.test('an agent that is an hour ahead ends nobody else’s alerts', (t) => {
  const { book, say } = fixture(atOnce);
  say({ value: 6, sample: 1000, arrival: 1000 });
  say({ value: 6, sample: 1001 + HOUR, arrival: 1001 }, other);
  t.same(book.endStale(), []);
  t.equal(book.activeCount, 2);
  t.end();
});

await t.test(
  'a series that falls silent ends its alert while the lane goes on, not before',
  (t) => {
    const { book, say } = fixture(atOnce);
    say({ value: 6, sample: 0, arrival: 0 });
    t.same(book.endStale(), [], 'silence of everybody says nothing');
    for (let s = 5; s <= 300; s += 5) say({ value: 1, sample: s, arrival: s }, other);
    t.same(book.endStale(), []);
    say({ value: 1, sample: 305, arrival: 305 }, other);
    t.same(told(book.endStale()), ['firing>inactive stale 300']);
    t.equal(book.activeCount, 0);
    t.end();
  },
);

await t.test('neither an outage of the lane nor a step of NATS’ clock ends alerts', (t) => {
  for (const jump of [HOUR, -HOUR]) {
    const { book, say } = fixture(atOnce);
    say({ value: 6, sample: 4000, arrival: 4000 });
    say({ value: 1, sample: 4000, arrival: 4000 }, other);
    say({ value: 1, sample: 4005, arrival: 4005 + jump }, other);
    t.same(book.endStale(), [], `${jump} s`);
    for (let s = 10; s <= 290; s += 5)
      say({ value: 1, sample: s, arrival: 4000 + jump + s }, other);
    t.same(book.endStale(), []);
    for (let s = 295; s <= 310; s += 5)
      say({ value: 1, sample: s, arrival: 4000 + jump + s }, other);
    t.equal(book.endStale().length, 1, 'time goes on from there');
  }
  t.end();
});

await t.test('a target of a long interval is not stale between two frames', (t) => {
  const { book, say } = fixture(atOnce);
  book.setTarget({ ...host, intervalMs: 600_000 });
  say({ value: 6, sample: 0, arrival: 0 });
  for (let s = 5; s < 1800; s += 5) say({ value: 1, sample: s, arrival: s }, other);
  t.same(book.endStale(), []);
  for (let s = 1800; s < 1810; s += 5) say({ value: 1, sample: s, arrival: s }, other);
  t.equal(book.endStale().length, 1);
  t.end();
});

await t.test('a lane of which every target has a long interval has a clock that goes on', (t) => {
  const { book, say } = fixture(atOnce);
  for (const one of [host, other]) book.setTarget({ ...one, intervalMs: 600_000 });
  say({ value: 6, sample: 0, arrival: 0 });
  for (const s of [600, 1200, 1800, 2400]) say({ value: 1, sample: s, arrival: s }, other);
  t.equal(book.endStale().length, 1);
  t.end();
});

await t.test('a breach that began and ended while no alerter ran is told', (t) => {
  const before = fixture(forTen);
  const records = before.say({ value: 1, sample: 0, arrival: 0 });
  const { say } = fixture(forTen, recovered(forTen, before.book, records));
  const missed = [6, 6, 6, 6, 1, 1].map((value, i) => ({ value, second: 5 * (i + 1) }));
  const found = missed.flatMap(({ value, second }) =>
    say({ value, sample: second, arrival: second, seq: 10 + second }),
  );
  t.same(told(found), [
    'inactive>pending condition 5',
    'pending>firing condition 15',
    'firing>inactive condition 25',
  ]);
  t.end();
});

await t.test('an alert is not stale because the restart took long', (t) => {
  const before = fixture(atOnce);
  const records = before.say({ value: 6, sample: 0, arrival: 0 });
  for (let s = 5; s <= 290; s += 5) {
    before.say({ value: 6, sample: s, arrival: s });
    before.say({ value: 1, sample: s, arrival: s }, other);
  }
  const { book, say } = fixture(atOnce, recovered(atOnce, before.book, records));
  say({ value: 1, sample: 302, arrival: 302, seq: 1000 }, other);
  t.same(book.endStale(), [], 'its own next frame has yet to come');
  for (let s = 305; s <= 600; s += 5) {
    say({ value: 1, sample: s, arrival: s, seq: 1000 + s }, other);
  }
  t.same(told(book.endStale()), ['firing>inactive stale 590'], 'and it did not');
  t.end();
});

await t.test('"for" keeps its progress over a restart, also with another collector', (t) => {
  for (const run of [1n, 2n]) {
    const before = fixture(rules('- {alert: High, expr: node_load1 > 5, for: 30s}'));
    const ruleSet = rules('- {alert: High, expr: node_load1 > 5, for: 30s}');
    const records = [0, 5, 10].flatMap((s) =>
      before.say({ value: 6, sample: 5000 + s, arrival: s }),
    );
    const { say } = fixture(ruleSet, recovered(ruleSet, before.book, records));
    const skew = run === 1n ? 0 : -1000;
    const found = [15, 20, 25, 30].map((s) =>
      say({ value: 6, sample: 5000 + s + skew, arrival: s, seq: 100 + s, run }),
    );
    t.same(
      found.map(({ length }) => length),
      [0, 0, 0, 1],
      `run ${run}`,
    );
  }
  t.end();
});

await t.test('a restart after a clock has stepped changes nothing', (t) => {
  const ruleSet = rules('- {alert: High, expr: node_load1 > 5, for: 30s}');
  for (const step of [HOUR, -HOUR]) {
    for (let restartAt = 1; restartAt < 8; restartAt += 1) {
      let now = fixture(ruleSet);
      const records: Transition[] = [];
      const steady = fixture(ruleSet);
      const expected: Transition[] = [];
      for (let tick = 0; tick < 10; tick += 1) {
        const sample = 10_000 + 5 * tick + (tick >= 3 ? step : 0);
        const said = { value: 6, sample, arrival: 5 * tick, seq: tick };
        if (tick === restartAt) now = fixture(ruleSet, recovered(ruleSet, now.book, records));
        records.push(...now.say(said));
        expected.push(...steady.say(said));
      }
      t.same(told(records), told(expected), `${step} s, restarted at tick ${restartAt}`);
    }
  }
  t.end();
});

await t.test('records of an earlier version restore with "for" as it was', (t) => {
  const before = fixture(forTen);
  const old = before.say({ value: 6, sample: 100, arrival: 100 }).map((transition) => {
    const { cause: _missing, ...rest } = transition;
    return rest;
  });
  const book = bookOf(forTen);
  for (const transition of old) book.restore(transition);
  const { say } = fixture(forTen, book);
  t.same(told(say({ value: 6, sample: 105, arrival: 105, seq: 2 })), []);
  t.same(told(say({ value: 6, sample: 110, arrival: 110, seq: 3 })), [
    'pending>firing condition 110',
  ]);
  t.end();
});

const instant = fc.integer({ min: -7200, max: 7200 });
const touch: fc.Arbitrary<Touch> = fc.record({
  run: fc.constantFrom(1n, 2n, undefined),
  seq: fc.nat(),
  sampleMs: instant,
  laneMs: instant,
  arrivalMs: instant,
});

await t.test(
  'no time is negative, and none is longer than JetStream saw, give an interval',
  (t) => {
    fc.assert(
      fc.property(touch, touch, fc.integer({ min: 1, max: 100 }), (from, to, intervalMs) => {
        const ms = elapsedMs(from, to, intervalMs);
        const seenMs = Math.max(0, to.laneMs - from.laneMs, to.arrivalMs - from.arrivalMs);
        return ms >= 0 && ms <= seenMs + intervalMs;
      }),
    );
    t.end();
  },
);
