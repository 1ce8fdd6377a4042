import type { Bus } from '../bus/bus.ts';

/*
 * Who has come how far: numbered values of compacted subjects. They are kept here because those who write
 * them (alerters) and those who trim by them (writers) live in different folders.
 */

/**
 * How far an alerter has evaluated a lane: the last sequence in the lane. The payload, JSON, says under which
 * epoch, in which stream, and what the lane clock showed.
 */
export function evaluatedSubject(bus: Bus, lane: string): string {
  return bus.topology.stateSubject('alerter', lane);
}

/** What the newest snapshot of a lane's alerts contains: the last sequence in the log. The payload is the alerter's. */
export function snapshotSubject(bus: Bus, lane: string): string {
  return bus.topology.stateSubject('alerts', lane, 'head');
}

/** How far the log has been delivered to a receiver: the last sequence in the log. */
export function notifiedSubject(bus: Bus, receiver: string): string {
  return bus.topology.stateSubject('notified', receiver);
}
