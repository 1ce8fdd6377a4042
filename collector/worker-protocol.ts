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

/** The targets of one shard as they lie on the bus. */
export type ToWorker =
  | { readonly kind: 'shard'; readonly shard: number; readonly targets: Uint8Array }
  | { readonly kind: 'measure' }
  | { readonly kind: 'stop' };

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'stale'; readonly message: string }
  | { readonly kind: 'metrics'; readonly metrics: MetricObjectWithValues<MetricValue<string>>[] }
  | { readonly kind: 'stopped' };
