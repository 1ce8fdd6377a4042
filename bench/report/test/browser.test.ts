import t from 'tap';

/* The modules that run in the page are plain JavaScript; those that need no page are tried here. */

type Labels = (unit: string, values: readonly number[]) => string[];

interface QuantityModule {
  readonly quantity: (unit: string, value: number | null | undefined) => string;
  readonly axisLabels: Labels;
  readonly logarithmicLabels: Labels;
  readonly logarithmicSplits: (unit: string, from: number, max: number) => number[];
  readonly increments: (unit: string) => number[];
}

interface Series {
  readonly look: string;
  readonly values: readonly (number | null)[];
}

interface ChartModule {
  readonly stacked: (
    series: readonly Series[],
    shown: readonly boolean[],
  ) => { readonly values: (number | null)[][]; readonly bands: { readonly series: number[] }[] };
}

const moduleAt = async (file: string): Promise<unknown> =>
  import(new URL(`../browser/${file}`, import.meta.url).href);

const { quantity, axisLabels, logarithmicLabels, logarithmicSplits, increments } = (await moduleAt(
  'quantity.js',
)) as QuantityModule;
const { stacked } = (await moduleAt('chart.js')) as ChartModule;

const KIB = 1024;
const MIB = KIB * KIB;

await t.test('quantities have three digits and a unit', (t) => {
  const cases: [string, number | null, string][] = [
    ['count', 0, '0'],
    ['count', 999, '999'],
    ['count', 999.7, '1.00k'],
    ['count', 2_000_000, '2.00M'],
    ['bytes', 1, '1 B'],
    ['bytes', 20.1 * MIB, '20.1 MiB'],
    ['milliseconds', 812, '812 ms'],
    ['milliseconds', 3_600_000, '3600 s'],
    ['cores', 0.0334, '0.033'],
    ['cores', 1.25, '1.25'],
    ['seconds', -30, '−30 s'],
    ['seconds', 90, '1:30'],
    ['seconds', 3601, '1:00:01'],
    ['bytes', null, '–'],
  ];
  for (const [unit, value, text] of cases) t.equal(quantity(unit, value), text);
  t.end();
});

await t.test('the labels of an axis are in one unit, without noise', (t) => {
  t.same(axisLabels('count', [0, 500_000, 1_000_000]), ['0', '0.5M', '1M']);
  t.same(axisLabels('bytes', [0, 512 * KIB, 1024 * KIB]), ['0', '0.5 MiB', '1 MiB']);
  t.same(axisLabels('milliseconds', [0, 500]), ['0', '500 ms']);
  t.same(axisLabels('cores', [0.1, 0.1 + 0.2]), ['0.1', '0.3']);
  t.same(axisLabels('seconds', [-30, 0, 60]), ['−30 s', '0 s', '1:00']);
  t.end();
});

await t.test('a logarithmic axis has lines at powers, each in its unit', (t) => {
  const splits = logarithmicSplits('bytes', KIB, 2 * MIB);
  t.same(splits, [0, KIB, 32 * KIB, MIB]);
  t.same(logarithmicLabels('bytes', splits), ['0', '1 KiB', '32 KiB', '1 MiB']);
  t.same(logarithmicSplits('count', 1, 100), [0, 1, 10, 100]);
  t.end();
});

await t.test('increments ascend', (t) => {
  for (const unit of ['count', 'bytes', 'milliseconds', 'cores', 'seconds']) {
    const all = increments(unit);
    t.same(
      all,
      all.toSorted((a, b) => a - b),
    );
  }
  t.ok(increments('count')[0]! >= 1, 'what is counted comes whole');
  t.end();
});

await t.test('layers lie upon those that are shown, lines over them', (t) => {
  const series = [
    { look: 'layer', values: [1, 2] },
    { look: 'layer', values: [10, null] },
    { look: 'layer', values: [100, 200] },
    { look: 'dashed', values: [7, null] },
  ];
  const all = stacked(series, [true, true, true, true]);
  t.same(all.values, [
    [1, 2],
    [11, 2],
    [111, 202],
    [7, null],
  ]);
  t.same(all.bands, [{ series: [2, 1] }, { series: [3, 2] }]);
  const some = stacked(series, [true, false, true, true]);
  t.same(some.values[2], [101, 202]);
  t.same(some.bands, [{ series: [3, 1] }]);
  t.end();
});
