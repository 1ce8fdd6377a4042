import fc from 'fast-check';
import t from 'tap';
import { SEQ_AT, TARGET_AT, TIMESTAMP_AT } from '../../wire/frame.ts';
import { FrameBatch } from '../frame-batch.ts';
import { allOf, FrameList } from '../frame-list.ts';
import { byDay, byTargetAndTime } from '../frame-order.ts';
import { StoredFrame } from '../stored-frame.ts';

const DAY_MS = 86_400_000;
const METRICS = [new Int32Array(1), new Int32Array(2)];

interface Made {
  readonly target: bigint;
  readonly timestampMs: number;
  readonly seq: number;
}

const made = fc.record({
  target: fc.constantFrom(1n, 2n ** 32n, 2n ** 63n + 1n, 2n ** 64n - 1n, 7n),
  timestampMs: fc.integer({ min: DAY_MS - 3, max: DAY_MS + 3 }),
  seq: fc.integer({ min: 0, max: 3 }),
});

/** Batches of one to three frames of 64 bytes. */
function listOf(all: readonly Made[]): FrameList {
  const list = new FrameList();
  for (let at = 0; at < all.length;) {
    const some = all.slice(at, at + 1 + (at % 3));
    const bytes = Buffer.from(new ArrayBuffer(64 * some.length));
    some.forEach(({ target, timestampMs, seq }, i) => {
      bytes.writeBigUInt64LE(target, 64 * i + TARGET_AT);
      bytes.writeBigUInt64LE(BigInt(timestampMs), 64 * i + TIMESTAMP_AT);
      bytes.writeBigUInt64LE(BigInt(seq), 64 * i + SEQ_AT);
    });
    const batch = new FrameBatch(bytes);
    some.forEach((_, i) => list.push(new StoredFrame(batch, 64 * i, 100 + at, METRICS[i % 2])));
    at += some.length;
  }
  return list;
}

const told = ({ target, timestampMs, seq }: Made): string => `${target} ${timestampMs} ${seq}`;

await t.test('a list gives back what was put into it, in order', async (t) => {
  fc.assert(
    fc.property(fc.array(made, { maxLength: 300 }), (all) => {
      const frames = allOf(listOf(all));
      t.strictSame(frames.map(told), all.map(told));
      const known = frames.every(({ metrics, offset }) => metrics === METRICS[(offset / 64) % 2]);
      return known && frames.every(({ streamSeq }, at) => streamSeq <= 100 + at);
    }),
    { numRuns: 30 },
  );
  t.equal(new FrameList().at(0), undefined);
});

await t.test(
  'frames are in the order of their targets, then their times, then their numbers',
  async (t) => {
    fc.assert(
      fc.property(fc.array(made, { maxLength: 60 }), (all) => {
        const sorted = all.toSorted(
          (a, b) =>
            Number(a.target > b.target) - Number(a.target < b.target) ||
            a.timestampMs - b.timestampMs ||
            a.seq - b.seq,
        );
        t.strictSame(allOf(byTargetAndTime(listOf(all))).map(told), sorted.map(told));
      }),
    );
  },
);

await t.test('the frames of a day keep their order', async (t) => {
  fc.assert(
    fc.property(fc.array(made, { maxLength: 60 }), (all) => {
      const days = byDay(listOf(all));
      for (const [day, date] of [
        [0, '1970-01-01'],
        [1, '1970-01-02'],
      ] as const) {
        const of = all.filter(({ timestampMs }) => Math.floor(timestampMs / DAY_MS) === day);
        const frames = days.get(date);
        t.strictSame(frames === undefined ? [] : allOf(frames).map(told), of.map(told));
      }
    }),
  );
});
