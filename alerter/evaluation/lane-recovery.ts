import type { StreamInfo } from '../../pipeline/bus/bus.ts';
import type { LanePlace, TransitionRecord } from '../../pipeline/log/transition.ts';
import type { AlertBook } from './alert-book.ts';
import type { Snapshot } from './alert-snapshot.ts';
import type { LaneTime } from './lane-clock.ts';

/** What identifies a lane's stream, and how far it reaches. */
export interface LaneStream {
  readonly streamId: number;
  readonly lastSeq: number;
}

export function laneStream({ created, state }: StreamInfo): LaneStream {
  return { streamId: Date.parse(created), lastSeq: state.last_seq };
}

/**
 * Where evaluation goes on: the furthest place that anything recorded names. A place in a stream that is no
 * more does not count, but its clock does.
 */
export function placeToGoOn(stream: LaneStream, recorded: readonly LanePlace[]): LanePlace {
  const { streamId, lastSeq } = stream;
  const isOurs = (place: LanePlace): boolean =>
    place.streamId === undefined ? place.laneSeq <= lastSeq : place.streamId === streamId;
  let furthest: LanePlace = { laneSeq: 0 };
  for (const place of recorded.filter(isOurs)) {
    if (compare(place, furthest) >= 0) furthest = place;
  }
  const { laneSeq, framesDone } = furthest;
  const time = timeOf(furthest) ?? recorded.map(timeOf).findLast((known) => known !== undefined);
  // A server that lost the end of the stream will give its numbers out again.
  const isLost = laneSeq > lastSeq;
  return {
    laneSeq: isLost ? lastSeq : laneSeq,
    framesDone: isLost ? undefined : framesDone,
    streamId,
    ...time,
  };
}

/** Brings a book to where the predecessor left it. */
export function restoreBook(
  book: AlertBook,
  snapshot: Snapshot,
  records: readonly TransitionRecord[],
  place: LanePlace,
): void {
  for (const transition of snapshot.alerts) book.restore(transition);
  for (const stopwatch of snapshot.stopwatches) book.restoreStopwatch(stopwatch);
  for (const { transitions, stopwatches } of records) {
    for (const transition of transitions) book.restore(transition);
    for (const stopwatch of stopwatches ?? []) book.restoreStopwatch(stopwatch);
  }
  const time = timeOf(place);
  if (time !== undefined) book.resume(time);
}

function compare(a: LanePlace, b: LanePlace): number {
  return a.laneSeq - b.laneSeq || (a.framesDone ?? 0) - (b.framesDone ?? 0);
}

function timeOf({ laneMs, arrivalMs }: LanePlace): LaneTime | undefined {
  return laneMs === undefined || arrivalMs === undefined ? undefined : { laneMs, arrivalMs };
}
