import type { TlsPaths } from '../../pipeline/dial/tls-files.ts';
import type { SimulatedHost } from './fleet-protocol.ts';

/** What the runner asks of a process of the null sink. */
export type SinkRequest =
  | {
      readonly kind: 'start';
      readonly hosts: readonly SimulatedHost[];
      readonly intervalMs: number;
      readonly dialsPerSecond: number;
      readonly tls: TlsPaths | undefined;
    }
  | { readonly kind: 'status' };

/** A sum over the connections of one process, or of all. */
export interface SinkStatus {
  /** Connections that are subscribed now. */
  readonly connected: number;
  /** Frames since the start. */
  readonly frames: number;
  /** Frames that came in place of one that never came: gaps in the numbers of a connection. */
  readonly missed: number;
  /** Bytes of messages since the start, as they are inside TLS. */
  readonly bytes: number;
}

export type SinkAnswer = SinkStatus | undefined;
