import type { LaneTime } from './lane-clock.ts';

/** An instant at which a series was heard of. */
export interface Touch extends LaneTime {
  /** The run of the agent or collector that spoke; undefined when it is not known any more. */
  readonly run: bigint | undefined;
  readonly seq: number;
  /** The sample's own time, ms. */
  readonly sampleMs: number;
}

/**
 * How long it was between two touches of one series, ms, at least 0.
 *
 * Within one run the samples' own times count, which are exact; but no more than JetStream saw pass,
 * give or take an interval, so that a clock that steps is wrong by one interval at most. What
 * arrives in a bunch after an outage still counts an interval each. The clocks of two runs need not
 * agree: between those the lane clock counts.
 *
 * @param intervalMs the interval of the target
 */
export function elapsedMs(from: Touch, to: Touch, intervalMs: number): number {
  const laneMs = Math.max(0, to.laneMs - from.laneMs);
  // It was last heard of at most an interval before what is known.
  if (from.run === undefined) return Math.max(intervalMs, laneMs);
  if (from.run !== to.run) return laneMs;
  const sampleMs = to.sampleMs - from.sampleMs;
  // Frames of a run are in order, so its clock has been set back.
  if (sampleMs < 0) return laneMs;
  return Math.min(sampleMs, arrivedMs(from, to) + intervalMs);
}

/**
 * By how much a run's own time is ahead of what JetStream saw pass between two touches, ms: when a bunch
 * arrives, an interval for each of its frames.
 */
export function aheadMs(from: Touch, to: Touch): number {
  return from.run === to.run ? to.sampleMs - from.sampleMs - arrivedMs(from, to) : 0;
}

/** The lane clock is cut short by an outage, the server's own by a step back: not both at once. */
function arrivedMs(from: Touch, to: Touch): number {
  return Math.max(0, to.laneMs - from.laneMs, to.arrivalMs - from.arrivalMs);
}
