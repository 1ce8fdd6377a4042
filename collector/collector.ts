import { availableParallelism } from 'node:os';
import type { Logger } from 'pino';
import { AggregatorRegistry } from 'prom-client';
import type { BusOptions } from '../pipeline/bus/bus.ts';
import type { Address } from '../pipeline/dial/address.ts';
import type { TlsPaths } from '../pipeline/dial/tls-files.ts';
import { reasonOf, RollcallError } from '../pipeline/error.ts';
import type { Membership } from '../pipeline/membership/membership.ts';
import { Component } from '../pipeline/process/component.ts';
import { Follower } from '../pipeline/projection/follower.ts';
import { decodeTargets, encodeTargets } from '../pipeline/targets/target.ts';
import type { Target } from '../pipeline/targets/target.ts';
import { ReadMetrics } from '../pipeline/telemetry/read-metrics.ts';
import { SHARDS } from '../pipeline/wire/shard.ts';
import type { DiallerOptions } from './dialler.ts';
import type { ToWorker, WorkerMetrics } from './worker-protocol.ts';
import { WorkerThread } from './worker-thread.ts';

export interface CollectorOptions {
  readonly bus: Omit<BusOptions, 'log'>;
  /** Names this collector among the others, for people. */
  readonly member: string;
  readonly dialler: Omit<DiallerOptions, 'name'>;
  readonly tls: TlsPaths | undefined;
  readonly insecure: boolean;
  /** Threads; 0 is one fewer than the cores, at least one. */
  readonly workers: number;
  readonly metricsListen: Address;
  readonly log: Logger;
}

const ALL_SHARDS = Array.from({ length: SHARDS }, (_, shard) => String(shard));

/**
 * The collector process: owns some of the shards, follows their targets, and deals them onto its worker
 * threads, which do the work.
 */
export class Collector {
  readonly #options: CollectorOptions;
  readonly #component: Component;
  /** The targets of every shard, whoever owns it. */
  readonly #targets = new Map<number, readonly Target[]>();
  /** The shards we own, each with its epoch. */
  readonly #owned = new Map<number, number>();
  #workers: WorkerThread[] = [];
  #follower: Follower | undefined;
  #membership: Membership | undefined;
  #refusedLists = 0;

  constructor(options: CollectorOptions) {
    this.#options = options;
    this.#component = new Component({
      name: 'collector',
      ...options,
      measure: async () => AggregatorRegistry.aggregate(await this.#metrics()),
    });
    const metrics = new ReadMetrics(this.#component.registry);
    metrics.gauge('rollcall_collector_targets_assigned', 'Targets this collector has.', () => {
      return this.#targetCount();
    });
    metrics.counter(
      'rollcall_collector_target_lists_refused_total',
      'Lists of targets on the bus that could not be understood; the previous ones stay.',
      () => this.#refusedLists,
    );
  }

  /** Rejects when the collector cannot go on: JetStream was made anew, or a worker was lost. */
  get failed(): Promise<never> {
    return this.#component.failed;
  }

  /** Starts and returns once the shards that are free are taken. */
  async start(): Promise<void> {
    const component = this.#component;
    const bus = await component.connect();
    await this.#startWorkers();
    component.signal.throwIfAborted();
    this.#follower = new Follower(bus, 'targets', (key, value) => this.#onTargets(key, value));
    component.run(this.#follower.run());
    await this.#follower.caughtUp;
    const owner = {
      take: (part: string, epoch: number) => this.#take(Number(part), epoch),
      drop: (part: string) => this.#drop(Number(part)),
    };
    const role = { role: 'collector', parts: ALL_SHARDS, spread: 'hashed', owner } as const;
    this.#membership = await component.join(role);
    component.ready();
    const { log } = this.#options;
    log.info({ shards: this.#owned.size, workers: this.#workers.length }, 'collecting');
  }

  /** Gives the shards up and lets the others take the agents over before it hangs up. */
  async stop(): Promise<void> {
    this.#follower?.stop();
    const isSucceeded = this.#membership?.hasSuccessor === true;
    await this.#component.leave();
    await Promise.all(this.#workers.map((worker) => worker.stop(isSucceeded)));
    await this.#component.close();
  }

  async #startWorkers(): Promise<void> {
    const { workers, bus, dialler, tls, insecure, log, member } = this.#options;
    const count = workers > 0 ? workers : Math.max(1, availableParallelism() - 1);
    for (let index = 0; index < count; index += 1) {
      const setup = {
        index,
        bus: { ...bus, name: `${bus.name}-${index}` },
        dialler: { ...dialler, ...shareOf(dialler, count), name: member },
        tls,
        insecure,
        logLevel: log.level,
      };
      this.#workers.push(new WorkerThread(setup, log, (reason) => this.#component.fail(reason)));
    }
    await Promise.all(this.#workers.map(({ ready }) => ready));
  }

  #take(shard: number, epoch: number): void {
    this.#owned.set(shard, epoch);
    this.#assign(shard);
  }

  /** The worker goes on until the agents say that another collector has come. */
  #drop(shard: number): Promise<void> {
    this.#owned.delete(shard);
    this.#workerOf(shard).send({ kind: 'lend', shard });
    return Promise.resolve();
  }

  #onTargets(key: string, value: Uint8Array): void {
    const shard = Number(key);
    const targets = this.#readTargets(shard, value);
    if (targets === undefined) return;
    this.#targets.set(shard, targets);
    if (this.#owned.has(shard)) this.#assign(shard);
  }

  #assign(shard: number): void {
    const targets = this.#targets.get(shard);
    if (targets === undefined) return;
    const message: ToWorker = {
      kind: 'shard',
      shard,
      epoch: this.#owned.get(shard)!,
      targets: encodeTargets(targets),
    };
    this.#workerOf(shard).send(message);
  }

  #workerOf(shard: number): WorkerThread {
    return this.#workers[shard % this.#workers.length]!;
  }

  #readTargets(shard: number, value: Uint8Array): Target[] | undefined {
    try {
      if (!Number.isInteger(shard) || shard < 0 || shard >= SHARDS) {
        throw new RollcallError('targets_invalid', 'there is no such shard');
      }
      // Members of the centre are targets too, which nobody dials.
      return decodeTargets(value).filter(({ address }) => address !== '');
    } catch (error) {
      this.#refusedLists += 1;
      this.#options.log.error({ shard, reason: reasonOf(error) }, 'targets could not be read');
      return undefined;
    }
  }

  #targetCount(): number {
    let count = 0;
    for (const shard of this.#owned.keys()) count += this.#targets.get(shard)?.length ?? 0;
    return count;
  }

  async #metrics(): Promise<WorkerMetrics[]> {
    const measured = await Promise.all(this.#workers.map((worker) => worker.measure()));
    return [await this.#component.registry.getMetricsAsJSON(), ...measured];
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
