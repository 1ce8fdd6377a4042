import { availableParallelism, hostname } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import { AggregatorRegistry, Registry } from 'prom-client';
import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import { Bus } from '../pipeline/bus/bus.ts';
import type { BusOptions } from '../pipeline/bus/bus.ts';
import type { Address } from '../pipeline/dial/address.ts';
import type { TlsPaths } from '../pipeline/dial/tls-files.ts';
import { Ownership } from '../pipeline/membership/ownership.ts';
import { Follower } from '../pipeline/projection/follower.ts';
import { reasonOf, RollcallError } from '../pipeline/error.ts';
import { serveOperations } from '../pipeline/telemetry/operations-server.ts';
import type { OperationsServer } from '../pipeline/telemetry/operations-server.ts';
import { ReadMetrics } from '../pipeline/telemetry/read-metrics.ts';
import { decodeTargets, encodeTargets } from '../pipeline/targets/target.ts';
import type { Target } from '../pipeline/targets/target.ts';
import { SHARDS } from '../pipeline/wire/shard.ts';
import type { DiallerOptions } from './dialler.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './worker-protocol.ts';

export interface CollectorOptions {
  readonly bus: Omit<BusOptions, 'log'>;
  readonly dialler: Omit<DiallerOptions, 'epoch' | 'name'>;
  readonly tls: TlsPaths | undefined;
  readonly insecure: boolean;
  /** Threads; 0 is one fewer than the cores, at least one. */
  readonly workers: number;
  readonly metricsListen: Address;
  readonly log: Logger;
}

type WorkerMetrics = MetricObjectWithValues<MetricValue<string>>[];

const MEASURE_TIMEOUT_MS = 2000;
const STOP_TIMEOUT_MS = 3000;

/**
 * The collector process: owns the role, follows the targets, and deals them onto its worker threads,
 * which do the work.
 */
export class Collector {
  readonly #options: CollectorOptions;
  readonly #stop = new AbortController();
  readonly #registry = new Registry();
  readonly #failed = Promise.withResolvers<never>();
  #workers: Worker[] = [];
  #targets = 0;
  #refusedLists = 0;
  readonly #targetsByShard = new Map<number, number>();
  #bus: Bus | undefined;
  #ownership: Ownership | undefined;
  #follower: Follower | undefined;
  #operations: OperationsServer | undefined;
  #isReady = false;

  constructor(options: CollectorOptions) {
    this.#options = options;
    new ReadMetrics(this.#registry).gauge(
      'rollcall_collector_targets_assigned',
      'Targets this collector has.',
      () => this.#targets,
    );
    new ReadMetrics(this.#registry).counter(
      'rollcall_collector_target_lists_refused_total',
      'Lists of targets on the bus that could not be understood; the previous ones stay.',
      () => this.#refusedLists,
    );
    // Nobody may be listening yet when it fails.
    this.#failed.promise.catch(() => undefined);
  }

  /** Starts and returns once the workers run; waits as long as another collector owns the role. */
  async start(): Promise<void> {
    const { bus, log, metricsListen } = this.#options;
    this.#operations = await serveOperations({
      address: metricsListen,
      metrics: () => this.#metrics(),
      notReady: () => {
        if (!this.#isReady) return 'waiting for NATS or for the role';
        return this.#bus?.isConnected === true ? undefined : 'there is no connection to NATS';
      },
    });
    this.#bus = await Bus.connect({ ...bus, log }, this.#stop.signal);
    await this.#endIfStopped();
    this.#ownership = new Ownership(this.#bus, { role: 'collector', holder: hostname() });
    const epoch = await this.#ownership.acquire(this.#stop.signal);
    await this.#endIfStopped();
    void this.#ownership.lost.then((holder) => this.#fail(`${holder} took the role over`));
    await this.#startWorkers(epoch);
    await this.#endIfStopped();
    this.#follower = new Follower(this.#bus, 'targets', (key, value) => {
      this.#onShard(key, value);
    });
    this.#follower.run().catch((error: unknown) => this.#fail(reasonOf(error)));
    this.#isReady = true;
    log.info({ epoch, workers: this.#workers.length }, 'collecting');
  }

  /** Rejects when the collector cannot go on: the role or a worker was lost. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  async stop(): Promise<void> {
    this.#isReady = false;
    this.#stop.abort();
    this.#follower?.stop();
    await Promise.all(this.#workers.map((worker) => stopWorker(worker)));
    await this.#ownership?.release();
    await this.#bus?.close();
    await this.#operations?.close();
  }

  /** `stop` may have come while `start` waited, and have found nothing to close yet. */
  async #endIfStopped(): Promise<void> {
    if (!this.#stop.signal.aborted) return;
    await this.#ownership?.release();
    await this.#bus?.close();
    this.#stop.signal.throwIfAborted();
  }

  async #startWorkers(epoch: number): Promise<void> {
    const { workers, bus, dialler, tls, insecure, log } = this.#options;
    const count = workers > 0 ? workers : Math.max(1, availableParallelism() - 1);
    const ready: Promise<void>[] = [];
    for (let index = 0; index < count; index += 1) {
      const setup: WorkerSetup = {
        index,
        bus: { ...bus, name: `${bus.name}-${index}` },
        dialler: { ...dialler, ...shareOf(dialler, count), epoch, name: hostname() },
        tls,
        insecure,
        logLevel: log.level,
      };
      const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData: setup });
      ready.push(this.#watch(worker, index));
      this.#workers.push(worker);
    }
    await Promise.all(ready);
  }

  /** Resolves when the worker is ready; from then on its end is the collector's. */
  #watch(worker: Worker, index: number): Promise<void> {
    const { log } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'ready') resolve();
      if (message.kind === 'stale') {
        // One agent's word does not end a collector: if the role is lost, `lost` will say so.
        log.warn({ reason: message.message }, 'an agent says that another collector took over');
      }
    });
    worker.on('error', (error: unknown) => {
      reject(error);
      this.#fail(`worker ${index} failed: ${String(error)}`);
    });
    worker.on('exit', () => {
      if (!this.#stop.signal.aborted) this.#fail(`worker ${index} ended`);
    });
    return promise;
  }

  #fail(reason: string): void {
    if (this.#stop.signal.aborted) return;
    this.#isReady = false;
    this.#failed.reject(new RollcallError('collector_failed', reason, { retryable: true }));
  }

  #onShard(key: string, value: Uint8Array): void {
    const shard = Number(key);
    const targets = this.#readTargets(shard, value);
    if (targets === undefined) return;
    this.#targetsByShard.set(shard, targets.length);
    this.#targets = [...this.#targetsByShard.values()].reduce((sum, count) => sum + count, 0);
    const message: ToWorker = { kind: 'shard', shard, targets: encodeTargets(targets) };
    this.#workers[shard % this.#workers.length]!.postMessage(message);
  }

  #readTargets(shard: number, value: Uint8Array): Target[] | undefined {
    try {
      if (Number.isInteger(shard) && shard >= 0 && shard < SHARDS) return decodeTargets(value);
      throw new RollcallError('targets_invalid', 'there is no such shard');
    } catch (error) {
      this.#refusedLists += 1;
      this.#options.log.error({ shard, reason: reasonOf(error) }, 'targets could not be read');
      return undefined;
    }
  }

  async #metrics(): Promise<string> {
    const measured = await Promise.all(this.#workers.map((worker) => measure(worker)));
    const own = await this.#registry.getMetricsAsJSON();
    return AggregatorRegistry.aggregate([own, ...measured]).metrics();
  }
}

/** The caps are the collector's; each worker gets its share. */
function shareOf(
  dialler: CollectorOptions['dialler'],
  workers: number,
): Pick<DiallerOptions, 'dialsPerSecond' | 'dialsInFlightMax'> {
  return {
    dialsPerSecond: Math.max(1, Math.floor(dialler.dialsPerSecond / workers)),
    dialsInFlightMax: Math.max(1, Math.floor(dialler.dialsInFlightMax / workers)),
  };
}

function measure(worker: Worker): Promise<WorkerMetrics> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => done([]), MEASURE_TIMEOUT_MS);
    const onMessage = (message: FromWorker): void => {
      if (message.kind === 'metrics') done(message.metrics);
    };
    const done = (metrics: WorkerMetrics): void => {
      clearTimeout(timer);
      worker.off('message', onMessage);
      resolve(metrics);
    };
    worker.on('message', onMessage);
    worker.postMessage({ kind: 'measure' } satisfies ToWorker);
  });
}

function stopWorker(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    // One that has ended already says no `exit` again.
    const timer = setTimeout(() => void worker.terminate().then(() => resolve()), STOP_TIMEOUT_MS);
    worker.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    worker.postMessage({ kind: 'stop' } satisfies ToWorker);
  });
}
