import t from 'tap';
import { Engine } from '../engine/engine.ts';
import { Labels } from '../engine/labels.ts';
import { isMeant } from '../engine/series-source.ts';
import type { SeriesSource, SourceSeries } from '../engine/series-source.ts';
import { parseExpression } from '../parser.ts';

/** `bench/promql` holds the engine against Prometheus; here is what can be seen at a glance. */
const SECOND = 1000;

function series(labels: Record<string, string>, ...values: (number | undefined)[]): SourceSeries {
  const samples = values.map((value, i) => ({ timeMs: 10 * SECOND * i, value }));
  return { labels: Labels.of(Object.entries(labels)), samples };
}

function sourceOf(all: readonly SourceSeries[]): SeriesSource {
  return {
    select: (selector, fromMs, toMs) =>
      all
        .filter(({ labels }) => isMeant(selector, labels))
        .map(({ labels, samples }) => ({
          labels,
          samples: samples.filter(({ timeMs }) => timeMs >= fromMs && timeMs <= toMs),
        })),
  };
}

const ALL = [
  series({ __name__: 'requests_total', instance: 'a' }, 0, 10, 20, 5, 15, 25, 35),
  series({ __name__: 'requests_total', instance: 'b' }, 0, 1, 2, 3, 4, 5, 6),
  series({ __name__: 'up', instance: 'a' }, 1, 1, 1, 1, 1, 1, 0),
  series({ __name__: 'up', instance: 'b' }, 1, 1, 1, 1, 1, undefined),
  series({ __name__: 'info', instance: 'a', version: '7' }, 1, 1, 1, 1, 1, 1, 1),
];

function evaluated(text: string, atSeconds = 60): Record<string, number> {
  const parsed = parseExpression(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.faults[0]!.message}`);
  const engine = new Engine(sourceOf(ALL), { lookbackMs: 300 * SECOND, stepMs: 10 * SECOND });
  const samples = engine.evaluate(parsed.value, atSeconds * SECOND);
  return Object.fromEntries(samples.map(({ labels, value }) => [labels.key, value]));
}

const key = (labels: Record<string, string>): string => Labels.of(Object.entries(labels)).key;
const A = key({ instance: 'a' });
const B = key({ instance: 'b' });

await t.test('a series that ended is not there', (t) => {
  t.same(evaluated('up'), { [key({ __name__: 'up', instance: 'a' })]: 0 });
  t.same(evaluated('count(up)', 40), { [key({})]: 2 });
  t.same(evaluated('up', 400), {}, 'nor one whose newest sample is old');
  t.end();
});

await t.test('a counter that was set back goes on from 0', (t) => {
  t.same(evaluated('increase(requests_total[1m])'), { [A]: 55, [B]: 6 });
  t.same(evaluated('rate(requests_total[1m])'), { [A]: 55 / 60, [B]: 0.1 });
  t.same(evaluated('resets(requests_total[1m])'), { [A]: 1, [B]: 0 });
  t.end();
});

await t.test('vectors are matched by labels', (t) => {
  t.same(evaluated('requests_total / on (instance) group_left (version) info'), {
    [key({ instance: 'a', version: '7' })]: 35,
  });
  t.same(evaluated('requests_total unless on (instance) info'), {
    [key({ __name__: 'requests_total', instance: 'b' })]: 6,
  });
  t.throws(() => evaluated('sum(up) * on () requests_total'), { code: 'evaluation_failed' });
  t.end();
});

await t.test('what is absent has the labels that it was looked for with', (t) => {
  t.same(evaluated('absent(nothing{job="x", zone!="y"})'), { [key({ job: 'x' })]: 1 });
  t.same(evaluated('absent(up)'), {});
  t.end();
});

await t.test('labels are made of what a pattern finds', (t) => {
  const text = 'label_replace(info, "major", "v${n}-$1-$$-$9", "version", "(?P<n>.*)")';
  const labels = { __name__: 'info', instance: 'a', version: '7', major: 'v7-7-$-' };
  t.same(evaluated(text), { [key(labels)]: 1 });
  t.throws(() => evaluated('label_replace(up, "a", "", "b", "(")'), { code: 'evaluation_failed' });
  t.end();
});

await t.test('a number is a sample without labels', (t) => {
  t.same(evaluated('time() + 1'), { [key({})]: 61 });
  t.same(evaluated('vector(1) > bool 2'), { [key({})]: 0 });
  t.same(evaluated('scalar(requests_total{instance="a"}) * 2'), { [key({})]: 70 });
  t.end();
});

await t.test('a subquery evaluates at multiples of its step', (t) => {
  t.same(evaluated('max_over_time(rate(requests_total{instance="b"}[20s])[30s:10s])'), {
    [B]: 0.1,
  });
  t.end();
});
