import fc from 'fast-check';
import t from 'tap';
import { decimalOf, factorsOf, mantissaOf, MANTISSA_MAX, valueOf } from '../decimal.ts';
import { decodeRecording, encodeRecording } from '../recording-codec.ts';
import type { RecordedSeries, Recording } from '../recording.ts';

const whole = fc.integer({ min: -(2 ** 48), max: 2 ** 48 });
const counter = fc
  .array(fc.nat(1_000_000_000), { minLength: 20, maxLength: 20 })
  .map((steps) => steps.map((_, i) => steps.slice(0, i + 1).reduce((sum, each) => sum + each, 0)));
const wholes = fc.array(whole, { minLength: 20, maxLength: 20 });
/** What agents compute from whole numbers, and what fits no decimal. */
const columns = fc.oneof(
  counter,
  wholes.map((all) => all.map((each) => each / 100)),
  wholes.map((all) => all.map((each) => each * 0.001)),
  wholes.map((all) => all.map((each) => each / 1000 / 1000)),
  wholes.map((all) => all.map((each) => each / 1e9)),
  fc.array(fc.double(), { minLength: 20, maxLength: 20 }),
  fc.constant(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? -0 : NaN))),
  fc.constant(Array.from({ length: 20 }, () => 2 ** 63)),
);
const seriesOf = fc.record({
  name: fc.constantFrom('node_load1', 'node_forks_total'),
  labels: fc.constantFrom<RecordedSeries['labels']>([], [['device', 'eth0']]),
  kind: fc.constantFrom<RecordedSeries['kind']>('counter', 'gauge', 'untyped'),
  unit: fc.constantFrom('', 'bytes'),
  help: fc.string(),
  values: columns.map((values) => Float64Array.from(values)),
  present: fc.oneof(
    fc.constant(new Uint8Array(20).fill(1)),
    fc
      .array(fc.constantFrom(0, 1), { minLength: 20, maxLength: 20 })
      .map((bits) => Uint8Array.from(bits)),
  ),
});

function sameBits(a: Float64Array, b: Float64Array): boolean {
  return a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
}

await t.test('every bit of every value comes back', (t) => {
  fc.assert(
    fc.property(fc.array(seriesOf, { maxLength: 6 }), (all) => {
      const series = all.map((each) => ({
        ...each,
        values: each.values.map((value, tick) => (each.present[tick] === 1 ? value : 0)),
      }));
      const recording: Recording = { intervalMs: 5000, ticks: 20, series };
      const back = decodeRecording(encodeRecording(recording));
      t.equal(back.intervalMs, 5000);
      t.equal(back.ticks, 20);
      t.equal(back.series.length, series.length);
      for (const [i, { values, present, ...info }] of back.series.entries()) {
        const { values: wanted, present: wasPresent, ...wantedInfo } = series[i]!;
        t.same(info, wantedInfo);
        t.same([...present], [...wasPresent]);
        t.ok(sameBits(values, wanted), `${[...values].join()} is ${[...wanted].join()}`);
      }
    }),
    { numRuns: 200 },
  );
  t.end();
});

await t.test('what fits a decimal is whole again and comes back from it', (t) => {
  const cases: readonly [number[], ReturnType<typeof decimalOf>][] = [
    [[0, 1, -7, 2 ** 51], { form: 'quotient', scale: 0 }],
    [[0.3, 12.25], { form: 'quotient', scale: 2 }],
    [[374388 * 0.001, 1 * 0.001], { form: 'product', scale: 3 }],
    [[0.1 + 0.2], { form: 'product', scale: 1 }],
    [[Math.PI], undefined],
    [[MANTISSA_MAX + 1], undefined],
    [[-0], undefined],
    [[NaN], undefined],
  ];
  for (const [values, expected] of cases) {
    t.same(decimalOf(values), expected, values.join());
  }
  fc.assert(
    fc.property(wholes, (all) => {
      const values = all.map((each) => each / 1000 / 1000);
      const decimal = decimalOf(values)!;
      const factors = factorsOf(decimal);
      t.ok(values.every((each) => Object.is(valueOf(mantissaOf(each, decimal), factors), each)));
    }),
  );
  t.end();
});

await t.test('what is no recording is refused', (t) => {
  const file = encodeRecording({ intervalMs: 1000, ticks: 0, series: [] });
  const refused = { code: 'recording_invalid' };
  t.throws(() => decodeRecording(Buffer.from('something else')), refused);
  t.throws(() => decodeRecording(file.subarray(0, 8)), refused);
  t.throws(() => decodeRecording(file.subarray(0, file.length - 3)), refused);
  t.end();
});
