import type { Address } from '../../pipeline/dial/address.ts';
import type { AuthorityPaths } from '../system/certificates.ts';
import type { LedgerContent } from './ledger.ts';
import type { Breach } from './fleet-source.ts';

/** Made up from a seed, or repeated from the recording that comes with the project. */
export type SourceKind = 'synthetic' | 'recorded';

/** Whether every host has a catalogue of its own, or all have one. */
export type CatalogueKind = 'shared' | 'own';

/** What the runner asks of a process of the fleet. Agents are named by their numbers. */
export type FleetRequest =
  | {
      readonly kind: 'start';
      readonly agents: readonly SimulatedHost[];
      readonly source: SourceKind;
      readonly series: number;
      readonly catalogues: CatalogueKind;
      readonly seed: number;
      readonly ringBytesMax: number;
      readonly tls: AuthorityPaths | undefined;
    }
  | {
      readonly kind: 'breach';
      readonly agent: number;
      readonly breach: Breach;
      readonly isOn: boolean;
    }
  | { readonly kind: 'skew'; readonly agents: readonly number[]; readonly offsetMs: number }
  | { readonly kind: 'stopAgents' | 'startAgents'; readonly agents: readonly number[] }
  /** Ends every connection at once with a reset, as a router that forgets its flows does. */
  | { readonly kind: 'reset' }
  /** No further frames, or frames again. */
  | { readonly kind: 'quiet'; readonly isQuiet: boolean }
  | { readonly kind: 'status' }
  | { readonly kind: 'ledger' };

export interface SimulatedHost {
  readonly index: number;
  readonly listen: Address;
}

/** A sum over the agents of one process, or of all. */
export interface FleetStatus {
  /** Agents that have taken at least one frame in their present run. */
  readonly ticking: number;
  readonly connected: number;
  readonly frames: number;
  /** Frames in rings: not acknowledged. */
  readonly unacknowledged: number;
  readonly dropped: number;
  /** Ticks that could not be run in time. */
  readonly skipped: number;
  /** Bytes written to connections, as they are inside TLS. */
  readonly bytesSent: number;
}

export type FleetAnswer = FleetStatus | LedgerContent | undefined;
