import type { SimulatedHost } from './fleet-protocol.ts';

/** What the runner asks of a process of the fleet that speaks HTTP. */
export type HttpFleetRequest =
  | {
      readonly kind: 'start';
      readonly hosts: readonly SimulatedHost[];
      readonly series: number;
      readonly seed: number;
    }
  | { readonly kind: 'status' };

/** A sum over the hosts of one process, or of all. */
export interface HttpFleetStatus {
  /** Hosts that have been scraped at least once. */
  readonly reached: number;
  readonly scrapes: number;
  /** Bytes of answers. */
  readonly bytesSent: number;
}

export type HttpFleetAnswer = HttpFleetStatus | undefined;
