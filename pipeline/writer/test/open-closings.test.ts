import t from 'tap';
import { TIMESTAMP_AT } from '../../wire/frame.ts';
import { OpenClosings } from '../open-closings.ts';
import { FrameBatch } from '../frame-batch.ts';
import { StoredFrame } from '../stored-frame.ts';

const MINUTE_MS = 60_000;
const START_MS = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
const TIMES = { spanMs: MINUTE_MS, graceMs: 2000 };

function frame(streamSeq: number, timestampMs: number): StoredFrame {
  const batch = Buffer.from(new ArrayBuffer(64));
  batch.writeUInt32LE(64, 0);
  batch.writeBigUInt64LE(BigInt(timestampMs), TIMESTAMP_AT);
  return new StoredFrame(new FrameBatch(batch), 0, streamSeq);
}

function opened(nowMs: number) {
  const open = new OpenClosings(256n, { fromSeq: 10, toSeq: 9 }, TIMES, nowMs);
  /** Which closing each of the frames of a message went into. */
  const add = (seq: number, ...timesMs: number[]): [closing: bigint, frames: number][] => {
    const fresh = timesMs.map((timeMs) => frame(seq, timeMs));
    const of = open.add(fresh, seq, 1000 + seq);
    return Array.from(of, ([{ id }, frames]) => [id, frames.length]);
  };
  return { open, add };
}

await t.test('frames go into the closing of their minute', async (t) => {
  const { open, add } = opened(START_MS + 10_000);
  t.equal(open.isOpen, false);
  t.same(add(10, START_MS + 9000, START_MS + 59_999, START_MS - MINUTE_MS), [[256n, 3]]);
  t.same(add(11, START_MS + 60_000, START_MS + 12_000), [
    [257n, 1],
    [256n, 1],
  ]);
  t.same(add(12, START_MS + 13_000), [[256n, 1]]);
  t.equal(open.bytes, 6 * 64);
  t.equal(open.isDue(START_MS + MINUTE_MS + 1999), false, 'what comes late has its time');
  t.equal(open.isDue(START_MS + MINUTE_MS + 2000), true);

  const frozen = open.freeze();
  t.equal(frozen.closing.id, 256n);
  t.equal(frozen.closing.frames.length, 5);
  t.same(frozen.position, { fromSeq: 11, toSeq: 12, toStoredMs: 1012 }, 'from the first one left');
  t.same(add(13, START_MS + 59_000), [[257n, 1]], 'too late');
  open.advance(frozen, START_MS + MINUTE_MS + 2100);
  t.equal(open.bytes, 2 * 64);
  t.same(add(14, START_MS + 2 * MINUTE_MS - 1, START_MS + 2 * MINUTE_MS), [
    [257n, 1],
    [258n, 1],
  ]);
  t.equal(open.isDue(START_MS + 2 * MINUTE_MS + 1999), false);
  const next = open.freeze();
  t.same(next.position, { fromSeq: 14, toSeq: 14, toStoredMs: 1014 });
  open.advance(next, START_MS + 2 * MINUTE_MS + 2000);
  t.same(open.freeze().position, { fromSeq: 15, toSeq: 14, toStoredMs: 1014 });
});

await t.test('a closing before its time leaves the minute open', async (t) => {
  const { open, add } = opened(START_MS);
  add(10, START_MS + 1000);
  open.advance(open.freeze(), START_MS + 20_000);
  t.same(add(11, START_MS + 21_000, START_MS + MINUTE_MS), [
    [257n, 1],
    [258n, 1],
  ]);
  t.equal(open.isDue(START_MS + MINUTE_MS + 2000), true);
});

await t.test('messages without a frame move the position too', async (t) => {
  const { open, add } = opened(START_MS);
  t.same(add(10), []);
  t.equal(open.isOpen, true);
  const frozen = open.freeze();
  t.same(frozen.position, { fromSeq: 11, toSeq: 10, toStoredMs: 1010 });
  open.advance(frozen, START_MS);
  t.equal(open.isOpen, false);
});
