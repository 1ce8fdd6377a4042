import { hostsOf, instanceOf } from '../fleet/fleet.ts';
import type { FleetOptions } from '../fleet/fleet.ts';
import type { PeerTarget } from './peer.ts';

export const JOB = 'sim';
const RACKS = 50;

/** The labels of a target that it does not get from its system. */
export function labelsOf(index: number): Record<string, string> {
  return { job: JOB, rack: String(index % RACKS) };
}

export function targetsOf(options: Pick<FleetOptions, 'agents' | 'port'>): PeerTarget[] {
  return hostsOf(options).map(({ index, listen }) => ({
    instance: instanceOf(index),
    address: listen,
    labels: labelsOf(index),
  }));
}
