import t from 'tap';
import type { Transition } from '../../../pipeline/log/transition.ts';
import { flagBacklog } from '../../../pipeline/wire/frame.ts';
import { AlertBook } from '../alert-book.ts';
import type { RuleSet } from '../rule-set.ts';
import { catalogue, frameOf, rules, target } from './hand-made.ts';

const host = target('web-1', { job: 'node', zone: 'a' });
const load = catalogue(['node_load1']);
const STALENESS_MS = 300_000;
const NOW_MS = 77_000;

/** A frame that JetStream takes at a second. */
function arriving(
  book: AlertBook,
  frame: Buffer,
  second: number,
  from = load,
): readonly Transition[] {
  if (!book.knows(from.hash)) book.learn(from);
  book.arrive(1000 * second);
  return book.evaluate(frame, 0);
}

/** A book with one target; `at` evaluates one value of node_load1 at a second. */
function fixture(ruleSet: RuleSet) {
  const book = new AlertBook(STALENESS_MS, () => NOW_MS);
  book.setTarget(host);
  book.setRules(ruleSet);
  let seq = 0;
  const at = (second: number, value: number | undefined): readonly Transition[] => {
    seq += 1;
    return arriving(book, frameOf(host, seq, 1000 * second, load, [value]), second);
  };
  return { book, at };
}

function told(transitions: readonly Transition[]): string[] {
  return transitions.map(({ previous, state, reason, timeMs }) => {
    return `${previous}>${state} ${reason} ${timeMs / 1000}`;
  });
}

await t.test(
  'without "for" an alert fires with the first sample and resolves with the last',
  (t) => {
    const { book, at } = fixture(rules('- {alert: High, expr: node_load1 > 5}'));
    t.same(told(at(0, 5)), []);
    t.same(told(at(5, 6)), ['inactive>firing condition 5']);
    t.same(told(at(10, 7)), []);
    t.equal(book.activeCount, 1);
    t.same(told(at(15, 5)), ['firing>inactive condition 15']);
    t.equal(book.activeCount, 0);
    t.end();
  },
);

await t.test('"for" is measured by the samples’ own time and starts again after a gap', (t) => {
  const { at } = fixture(rules('- {alert: High, expr: node_load1 > 5, for: 10s}'));
  t.same(told(at(0, 6)), ['inactive>pending condition 0']);
  t.same(told(at(5, 6)), []);
  t.same(told(at(7, 1)), ['pending>inactive condition 7']);
  t.same(told(at(10, 6)), ['inactive>pending condition 10']);
  t.same(told(at(15, 6)), []);
  const fired = at(20, 8);
  t.same(told(fired), ['pending>firing condition 20']);
  t.equal(fired[0]!.activeAtMs, 10_000);
  t.equal(fired[0]!.firedAtMs, 20_000);
  t.equal(fired[0]!.value, 8);
  t.end();
});

await t.test('"keep_firing_for" bridges a condition that flaps', (t) => {
  const { at } = fixture(rules('- {alert: High, expr: node_load1 > 5, keep_firing_for: 10s}'));
  t.same(told(at(0, 6)), ['inactive>firing condition 0']);
  t.same(told(at(5, 1)), []);
  t.same(told(at(9, 6)), []);
  t.same(told(at(15, 1)), []);
  t.same(told(at(19, 1)), ['firing>inactive condition 19']);
  t.end();
});

await t.test('labels are those of alert, series, target and rule; templates see them', (t) => {
  const { at } = fixture(
    rules(
      '- alert: High',
      '  expr: node_load1 > 5',
      '  labels: {severity: page, where: "{{ $labels.zone }}"}',
      '  annotations: {summary: "{{ $labels.instance }}: {{ $value }}"}',
    ),
  );
  const [transition] = at(0, 6);
  t.same(transition!.labels, {
    alertname: 'High',
    instance: 'web-1',
    job: 'node',
    zone: 'a',
    severity: 'page',
    where: 'a',
  });
  t.same(transition!.annotations, { summary: 'web-1: 6' });
  const [resolved] = at(5, 1);
  t.equal(resolved!.fingerprint, transition!.fingerprint);
  t.end();
});

await t.test('an alert that is too large loses its annotations, then its labels', (t) => {
  const many = '{{ $labels.job }}'.repeat(400);
  const book = new AlertBook(STALENESS_MS, () => NOW_MS);
  const here = target('h', { job: 'x'.repeat(1024) });
  book.setTarget(here);
  book.setRules(
    rules(
      `- {alert: Wordy, expr: node_load1 > 5, annotations: {summary: "${many}"}}`,
      `- {alert: Labelled, expr: node_load1 > 5, labels: {zone: "${many}"}}`,
      '- {alert: Plain, expr: node_load1 > 5, annotations: {summary: "{{ $labels.job }}"}}',
    ),
  );
  const [wordy, labelled, plain] = arriving(book, frameOf(here, 1, 1000, load, [6]), 1);
  t.match(wordy!.annotations, { summary: /^left out: .* 256 KiB$/ });
  t.equal(wordy!.labels['job']!.length, 1024);
  t.same(labelled!.labels, { alertname: 'Labelled', instance: 'h' });
  t.equal(plain!.annotations['summary']!.length, 1024);
  t.equal(book.counters.shortened, 2);
  const ended = arriving(book, frameOf(here, 2, 2000, load, [1]), 2);
  t.same(
    ended.map(({ fingerprint }) => fingerprint),
    [wordy, labelled, plain].map((begun) => begun!.fingerprint),
  );
  t.end();
});

await t.test('a rule, and all of them, have no more alerts than they may have', (t) => {
  const hosts = ['a', 'b', 'c', 'd'].map((name) => target(name));
  const limits = { alertsPerRuleMax: 2, alertsMax: 3 };
  const make = (): AlertBook => {
    const book = new AlertBook(STALENESS_MS, () => NOW_MS, limits);
    for (const one of hosts) book.setTarget(one);
    book.setRules(
      rules('- {alert: High, expr: node_load1 > 5}', '- {alert: Higher, expr: node_load1 > 7}'),
    );
    return book;
  };
  const book = make();
  const seqs = new Map<string, number>();
  const say = (name: string, value: number): string[] => {
    const seq = (seqs.get(name) ?? 0) + 1;
    seqs.set(name, seq);
    const host = hosts.find(({ instance }) => instance === name)!;
    const transitions = arriving(book, frameOf(host, seq, 1000 * seq, load, [value]), seq);
    return transitions.map(({ alert, state, labels }) => `${alert} ${state} ${labels['instance']}`);
  };
  t.same([say('a', 6), say('b', 6)].flat(), ['High firing a', 'High firing b']);
  t.same(say('c', 6), []);
  t.same(say('d', 8), ['Higher firing d']);
  t.same(say('a', 8), [], 'there are three');
  t.equal(book.activeCount, 3);
  t.equal(book.counters.refused, 3);
  t.same(
    [...book.takeRefused()],
    [
      ['High', 2],
      ['Higher', 1],
    ],
  );
  t.equal(book.takeRefused().size, 0, 'is told once');
  t.same(say('b', 1), ['High inactive b']);
  t.same(say('c', 6), ['High firing c'], 'there is room again');
  const before = [...book.active()];
  book.removeTarget(hosts[0]!.id);
  book.removeTarget(hosts[2]!.id);
  t.same(say('d', 8), ['High firing d']);
  const successor = make();
  for (const transition of before) successor.restore(transition);
  t.equal(successor.activeCount, 3);
  successor.setRules(rules());
  t.equal(successor.activeCount, 0);
  t.end();
});

await t.test('matchers decide on labels of the series and of the target', (t) => {
  const disks = catalogue(
    ['disk_free', ['device', 'sda']],
    ['disk_free', ['device', 'sdb']],
    ['other', ['device', 'sda']],
  );
  const seen = (expr: string, labels: Record<string, string>): string[] => {
    const book = new AlertBook(STALENESS_MS, () => NOW_MS);
    const here = target('h', labels);
    book.setTarget(here);
    book.setRules(rules(`- {alert: A, expr: '${expr}'}`));
    const transitions = arriving(book, frameOf(here, 1, 1000, disks, [1, 1, 1]), 1, disks);
    return transitions.map(({ seriesKey }) => seriesKey);
  };
  t.same(seen('disk_free < 5', {}), ['disk_free{device="sda"}', 'disk_free{device="sdb"}']);
  t.same(seen('disk_free{device="sdb"} < 5', {}), ['disk_free{device="sdb"}']);
  t.same(seen('disk_free{device!~"sd[ab]"} < 5', {}), []);
  t.same(seen('disk_free{job="db",device="sda"} < 5', { job: 'db' }), ['disk_free{device="sda"}']);
  t.same(seen('disk_free{job="db"} < 5', { job: 'web' }), []);
  t.same(seen('disk_free{job=""} < 5', {}), ['disk_free{device="sda"}', 'disk_free{device="sdb"}']);
  t.same(seen('{__name__=~"disk.*",device="sda"} < 5', {}), ['disk_free{device="sda"}']);
  t.same(seen('disk_free{instance="h",device="sda"} < 5', {}), ['disk_free{device="sda"}']);
  t.end();
});

await t.test('NaN is no condition, an absent series ends its alert at once', (t) => {
  const { at } = fixture(rules('- {alert: High, expr: node_load1 > 5}'));
  t.same(told(at(0, NaN)), []);
  t.same(told(at(5, 6)), ['inactive>firing condition 5']);
  t.same(told(at(10, undefined)), ['firing>inactive stale 10']);
  t.end();
});

await t.test('backlog and repeated frames page nobody', (t) => {
  const { book, at } = fixture(rules('- {alert: High, expr: node_load1 > 5}'));
  const late = frameOf(host, 9, 50_000, load, [9]);
  flagBacklog(late, 0);
  t.same(arriving(book, late, 51), []);
  t.same(told(at(60, 6)), ['inactive>firing condition 60']);
  t.same(arriving(book, frameOf(host, 1, 60_000, load, [1]), 61), [], 'the same again');
  t.same(told(at(65, 6)), []);
  t.same(arriving(book, frameOf(host, 1, 60_000, load, [1]), 66), [], 'an older one');
  t.same(
    [...book.counters.skipped],
    [
      ['backlog', 1],
      ['repeated', 2],
    ],
  );
  t.end();
});

await t.test('an agent that restarts keeps its alerts', (t) => {
  const { book, at } = fixture(rules('- {alert: High, expr: node_load1 > 5, for: 10s}'));
  at(0, 6);
  const again = (second: number): readonly Transition[] =>
    arriving(book, frameOf(host, second, 1000 * second, load, [6], 2n), second);
  t.same(told(again(5)), []);
  t.same(told(again(10)), ['pending>firing condition 10']);
  t.end();
});

await t.test('rules that change end their alerts, unchanged ones live on', (t) => {
  const both = rules(
    '- {alert: High, expr: node_load1 > 5}',
    '- {alert: Higher, expr: node_load1 > 6}',
  );
  const { book, at } = fixture(both);
  t.equal(at(0, 9).length, 2);
  const ended = book.setRules(rules('- {alert: High, expr: node_load1 > 5, for: 1m}'));
  t.same(told(ended), ['firing>inactive rule_changed 77']);
  t.equal(ended[0]!.alert, 'Higher');
  t.same(told(at(5, 9)), [], 'High is still firing');
  t.end();
});

await t.test('a target that is removed takes its alerts along', (t) => {
  const { book, at } = fixture(rules('- {alert: High, expr: node_load1 > 5}'));
  at(0, 9);
  t.same(told(book.removeTarget(host.id)), ['firing>inactive target_removed 77']);
  t.same(at(5, 9), [], 'and is not evaluated any more');
  t.equal(book.counters.skipped.get('unknown_target'), 1);
  t.end();
});

await t.test('what was recorded can be restored, progress of "for" included', (t) => {
  const set = rules('- {alert: High, expr: node_load1 > 5, for: 10s}');
  const before = fixture(set);
  const recorded = before.at(0, 6);
  const after = new AlertBook(STALENESS_MS, () => NOW_MS);
  for (const transition of recorded) after.restore(transition);
  after.setTarget(host);
  t.same(after.dropUnconfirmed(), []);
  after.setRules(set);
  t.same([...after.active()], recorded);
  const frame = frameOf(host, 2, 10_000, load, [6]);
  t.same(told(arriving(after, frame, 10)), ['pending>firing condition 10']);

  const gone = new AlertBook(STALENESS_MS, () => NOW_MS);
  for (const transition of recorded) gone.restore(transition);
  t.same(told(gone.dropUnconfirmed()), ['pending>inactive target_removed 77']);
  t.end();
});
