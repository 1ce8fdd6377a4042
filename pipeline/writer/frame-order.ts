import type { StoredFrame } from './stored-frame.ts';

const DAY_MS = 86_400_000;

/** By target, then time: the order that the tables want within a metric. */
export function byTargetAndTime(frames: readonly StoredFrame[]): StoredFrame[] {
  const targets = Map.groupBy(frames, ({ target }) => target);
  const order = BigUint64Array.from(targets.keys()).toSorted();
  const sorted: StoredFrame[] = [];
  for (const target of order) sorted.push(...inTime(targets.get(target)!));
  return sorted;
}

/** The frames of each day, `YYYY-MM-DD`: one insert goes into one partition. */
export function byDay(frames: Iterable<StoredFrame>): Map<string, StoredFrame[]> {
  const days = Map.groupBy(frames, ({ timestampMs }) => Math.floor(timestampMs / DAY_MS));
  return new Map(
    Array.from(days, ([day, of]) => [new Date(day * DAY_MS).toISOString().slice(0, 10), of]),
  );
}

/** Mostly they are in order already. */
function inTime(frames: readonly StoredFrame[]): readonly StoredFrame[] {
  for (let at = 1; at < frames.length; at += 1) {
    if (isBefore(frames[at]!, frames[at - 1]!)) return frames.toSorted(compareTimes);
  }
  return frames;
}

function isBefore(a: StoredFrame, b: StoredFrame): boolean {
  return compareTimes(a, b) < 0;
}

function compareTimes(a: StoredFrame, b: StoredFrame): number {
  return a.timestampMs - b.timestampMs || a.seq - b.seq;
}
