import fc from 'fast-check';
import t from 'tap';
import { frameBytes, presenceBytes, writeFrame } from '../../wire/frame.ts';
import { FrameBatch } from '../frame-batch.ts';
import { FrameMatrix } from '../frame-matrix.ts';
import type { MatrixFrame } from '../frame-matrix.ts';
import { MetricNumbers } from '../metric-numbers.ts';
import { minuteRows } from '../minute-rows.ts';
import type { MinuteRows } from '../minute-rows.ts';

interface MadeFrame extends Omit<MatrixFrame, 'metrics'> {
  readonly catalogue: number;
  readonly target: bigint;
  readonly timestampMs: number;
  /** By metric. */
  readonly said: ReadonlyMap<bigint, number>;
}

/** Catalogues of different lengths; some metrics are in several, at other slots. */
const CATALOGUES: readonly (readonly bigint[])[] = [
  [9n, 2n, 2n ** 63n, 5n],
  [2n, 7n],
  Array.from({ length: 70 }, (_, i) => BigInt(100 - i)),
  [],
];

const value = fc.oneof(
  fc.double(),
  fc.constantFrom(0, -0, NaN, 1.5, Infinity, 2 ** 52, -(2 ** 52), 2 ** 53 + 2, 1e-9, 0.07, 1 / 3),
  fc.integer(),
  fc.integer().map((whole) => whole / 100),
);
const frame = fc.record({
  catalogue: fc.nat(CATALOGUES.length - 1),
  target: fc.integer({ min: 1, max: 4 }),
  timestampMs: fc.integer({ min: 1_795_000_000_000, max: 1_795_000_200_000 }),
  values: fc.array(fc.option(value, { nil: undefined }), { minLength: 70, maxLength: 70 }),
  isWhole: fc.boolean(),
});
type Frame = typeof frame extends fc.Arbitrary<infer Made> ? Made : never;

/** All frames in one batch, sorted by target, then time. */
function made(frames: readonly Frame[]): MadeFrame[] {
  const sorted = frames.toSorted((a, b) => a.target - b.target || a.timestampMs - b.timestampMs);
  const bytes = sorted.reduce(
    (sum, each) => sum + frameBytes(CATALOGUES[each.catalogue]!.length),
    32,
  );
  const bytesOfAll = Buffer.from(new ArrayBuffer(bytes));
  const batch = new FrameBatch(bytesOfAll);
  let offset = 32;
  return sorted.map((each) => {
    const metrics = CATALOGUES[each.catalogue]!;
    const slots = metrics.length;
    const presence = new Uint8Array(presenceBytes(slots));
    const values = new Float64Array(slots);
    const said = new Map<bigint, number>();
    metrics.forEach((metric, slot) => {
      const one = each.isWhole ? (each.values[slot] ?? 4) : each.values[slot];
      if (one === undefined) return;
      presence[slot >> 3]! |= 1 << (slot & 7);
      values[slot] = one;
      said.set(metric, one);
    });
    const at = offset;
    const { timestampMs } = each;
    const head = { incarnation: 1n, seq: 1, timestampMs, catalogue: BigInt(each.catalogue), slots };
    offset += writeFrame(bytesOfAll, at, head, presence, values);
    const { catalogue } = each;
    return { target: BigInt(each.target), timestampMs, batch, offset: at, catalogue, said };
  });
}

function matrixOf(frames: readonly MadeFrame[]): FrameMatrix {
  const numbers = new MetricNumbers();
  const known = CATALOGUES.map((ids) => Int32Array.from(ids, (id) => numbers.numberOf(id)));
  const sorted = frames.map((each) => ({ ...each, metrics: known[each.catalogue]! }));
  return new FrameMatrix(sorted, numbers);
}

await t.test('every value is in its column, in the order of the frames', async (t) => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 12 }), (some) => {
      const frames = made(some);
      const matrix = matrixOf(frames);
      const wanted = new Map<bigint, [frame: number, value: number][]>();
      frames.forEach(({ said }, at) => {
        for (const [metric, one] of said) {
          wanted.set(metric, [...(wanted.get(metric) ?? []), [at, one]]);
        }
      });
      const ids = [...matrix.metricIds];
      const ascending = [...wanted.keys()].toSorted((a, b) => (a < b ? -1 : 1));
      const turned = matrix.turn();
      const same = ids.every((id, column) => {
        const from = matrix.begins[column]!;
        const count = matrix.begins[column + 1]! - from;
        const of = wanted.get(id)!;
        return (
          count === of.length &&
          matrix.isFull(column) === (count === frames.length) &&
          of.every(([at, one], k) => {
            return turned.frames[from + k] === at && Object.is(turned.values[from + k], one);
          })
        );
      });
      return (
        same &&
        ids.length === ascending.length &&
        ids.every((id, i) => id === ascending[i]) &&
        matrix.samples === frames.reduce((sum, { said }) => sum + said.size, 0)
      );
    }),
  );
  t.pass('for any frames');
});

await t.test('a row for each series and minute, with all of its values bit by bit', async (t) => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 12 }), (some) => {
      const frames = made(some);
      const rows = minuteRows(matrixOf(frames), frames);
      const wanted = rowsOf(frames);
      if (rows.rows !== wanted.length) return false;
      return wanted.every((row, at) => {
        const from = at === 0 ? 0 : Number(rows.ends[at - 1]);
        const to = Number(rows.ends[at]);
        const values = valuesOf(rows, at);
        return (
          rows.metricIds[at] === row.metric &&
          rows.targetIds[at] === row.target &&
          rows.minutes[at] === row.minute * 60 &&
          row.values.length === to - from &&
          row.values.every((one, i) => Object.is(values[i], one)) &&
          row.times.every((ms, i) => rows.offsetsMs[from + i] === ms - row.minute * 60_000) &&
          values.length === row.values.length
        );
      });
    }),
  );
  t.pass('for any frames');
});

await t.test('numbers are in the order of their ids, whenever they came', async (t) => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.bigInt(0n, 30n), { maxLength: 6 })), (turns) => {
      const numbers = new MetricNumbers();
      return turns.every((ids) => {
        for (const id of ids) numbers.numberOf(id);
        const ordered = Array.from(numbers.ascending, (number) => numbers.idOf(number));
        return (
          ordered.length === numbers.count &&
          ordered.every((id, i) => i === 0 || ordered[i - 1]! < id)
        );
      });
    }),
  );
  t.pass('for any numbers');
});

interface Row {
  readonly metric: bigint;
  readonly target: bigint;
  readonly minute: number;
  readonly times: number[];
  readonly values: number[];
}

/** The same in the plainest way: metric, target, minute. */
function rowsOf(frames: readonly MadeFrame[]): Row[] {
  const rows = new Map<string, Row>();
  for (const { target, timestampMs, said } of frames) {
    const minute = Math.floor(timestampMs / 60_000);
    for (const [metric, one] of said) {
      const key = [metric, target, minute].map((part) => String(part).padStart(20, '0')).join(' ');
      const row = rows.get(key) ?? { metric, target, minute, times: [], values: [] };
      row.times.push(timestampMs);
      row.values.push(one);
      rows.set(key, row);
    }
  }
  return [...rows.keys()].toSorted().map((key) => rows.get(key)!);
}

/** As the database gives them. */
function valuesOf(rows: MinuteRows, at: number): number[] {
  const from = (ends: BigUint64Array): number => (at === 0 ? 0 : Number(ends[at - 1]));
  const scale = rows.scales[at]!;
  const others = rows.others.subarray(from(rows.otherEnds), Number(rows.otherEnds[at]));
  if (scale < 0) return [...others];
  if (others.length > 0) return [];
  const halves = rows.steps.subarray(2 * from(rows.stepEnds), 2 * Number(rows.stepEnds[at]));
  const wholes = [wholeOf(rows.firsts, at)];
  for (let i = 0; i < halves.length / 2; i += 1) wholes.push(wholes[i]! + wholeOf(halves, i));
  return wholes.map((whole) => whole / 10 ** scale);
}

function wholeOf(halves: Int32Array, at: number): number {
  return (halves[2 * at]! >>> 0) + halves[2 * at + 1]! * 2 ** 32;
}
