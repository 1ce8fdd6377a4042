import { IdMap } from '../wire/id-map.ts';
import type { Frames } from './frame-list.ts';
import type { StoredFrame } from './stored-frame.ts';

const DAY_MS = 86_400_000;

/** The frames of each day, `YYYY-MM-DD`, in the order they have: one insert goes into one partition. */
export function byDay(frames: Frames): Map<string, Frames> {
  const days = new Map<number, number[]>();
  for (let at = 0; at < frames.length; at += 1) {
    const day = Math.floor(frames.at(at)!.timestampMs / DAY_MS);
    const of = days.get(day);
    if (of === undefined) days.set(day, [at]);
    else of.push(at);
  }
  const dated = Array.from(days, ([day, of]) => [dateOf(day), of] as const);
  if (dated.length === 1) return new Map([[dated[0]![0], frames]]);
  return new Map(dated.map(([date, of]) => [date, new Chosen(frames, Uint32Array.from(of))]));
}

/**
 * By target, then time: the order that `series_minutes` and `frames` want. Frames are counted into their places, target by target, for
 * there may be a million of them.
 */
export function byTargetAndTime(frames: Frames): Frames {
  const { length } = frames;
  const numbers = new IdMap<number>();
  const ids: bigint[] = [];
  const counts: number[] = [];
  const numberOf = new Uint32Array(length);
  const timesMs = new Float64Array(length);
  for (let at = 0; at < length; at += 1) {
    const frame = frames.at(at)!;
    let number = numbers.get(frame.targetLow, frame.targetHigh);
    if (number === undefined) {
      number = ids.push(frame.target) - 1;
      counts.push(0);
      numbers.set(frame.target, number);
    }
    counts[number]! += 1;
    numberOf[at] = number;
    timesMs[at] = frame.timestampMs;
  }
  const ascending = BigUint64Array.from(ids).toSorted();
  const ends = new Uint32Array(ids.length);
  let begin = 0;
  for (const id of ascending) {
    const number = numbers.find(id)!;
    ends[number] = begin;
    begin += counts[number]!;
  }
  const order = new Uint32Array(length);
  for (let at = 0; at < length; at += 1) {
    const number = numberOf[at]!;
    order[ends[number]!] = at;
    ends[number]! += 1;
  }
  begin = 0;
  for (const id of ascending) {
    const end = begin + counts[numbers.find(id)!]!;
    sortByTime(order.subarray(begin, end), frames, timesMs);
    begin = end;
  }
  return new Chosen(frames, order);
}

/** Mostly they are in order already. */
function sortByTime(order: Uint32Array, frames: Frames, timesMs: Float64Array): void {
  const compare = (a: number, b: number): number =>
    timesMs[a]! - timesMs[b]! || frames.at(a)!.seq - frames.at(b)!.seq;
  for (let at = 1; at < order.length; at += 1) {
    if (compare(order[at]!, order[at - 1]!) < 0) {
      order.sort(compare);
      return;
    }
  }
}

/** Some frames, or all of them in another order. */
class Chosen implements Frames {
  readonly #frames: Frames;
  readonly #order: Uint32Array;

  constructor(frames: Frames, order: Uint32Array) {
    this.#frames = frames;
    this.#order = order;
  }

  get length(): number {
    return this.#order.length;
  }

  at(index: number): StoredFrame | undefined {
    const at = this.#order[index];
    return at === undefined ? undefined : this.#frames.at(at);
  }
}

function dateOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}
