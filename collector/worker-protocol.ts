import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import type { TlsPaths } from '../pipeline/dial/tls-files.ts';
import type { BusOptions } from '../pipeline/bus/bus.ts';
import type { DiallerOptions } from './dialler.ts';

/** What a worker thread is started with; plain data only. */
export interface WorkerSetup {
  readonly index: number;
  readonly bus: Omit<BusOptions, 'log'>;
  readonly dialler: DiallerOptions;
  readonly tls: TlsPaths | undefined;
  readonly insecure: boolean;
  readonly logLevel: string;
}

export type ToWorker =
  /** A shard is ours, under this epoch; its targets as they lie on the bus. */
  | {
      readonly kind: 'shard';
      readonly shard: number;
      readonly epoch: number;
      readonly targets: Uint8Array;
    }
  /** A shard is another collector's now, which takes the agents over one by one. */
  | { readonly kind: 'lend'; readonly shard: number }
  | { readonly kind: 'measure' }
  /** `isSucceeded`: other collectors are about to take over the agents that were lent to them. */
  | { readonly kind: 'stop'; readonly isSucceeded: boolean };

export type WorkerMetrics = MetricObjectWithValues<MetricValue<string>>[];

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'stale'; readonly message: string }
  | { readonly kind: 'metrics'; readonly metrics: WorkerMetrics };
