import type { Bus } from '../bus/bus.ts';

/*
 * Who has come how far: numbered values of compacted subjects. They are kept here because those who write
 * them (alerters) and those who trim by them (writers) live in different folders.
 */

/** How far an alerter has evaluated a lane: the last sequence in the lane. */
export function evaluatedSubject(bus: Bus, lane: string): string {
  return bus.topology.stateSubject('alerter', lane);
}

/** What the newest snapshot of a lane's alerts contains: the last sequence in the log. */
export function snapshotSubject(bus: Bus, lane: string): string {
  return bus.topology.stateSubject('alerts', lane, 'head');
}

/** How far the log has been delivered to a receiver: the last sequence in the log. */
export function notifiedSubject(bus: Bus, receiver: string): string {
  return bus.topology.stateSubject('notified', receiver);
}
