import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { Bus } from '../bus/bus.ts';
import type { BusOptions } from '../bus/bus.ts';
import type { Address } from '../dial/address.ts';
import { retry } from '../dial/retry.ts';
import { reasonOf, RollcallError } from '../error.ts';
import { Ownership } from '../membership/ownership.ts';
import { Projector } from '../projection/projector.ts';
import { ruleTopic } from '../rules/rule-topic.ts';
import { migrate } from '../store/migrate.ts';
import type { Retention } from '../store/migrate.ts';
import { Store } from '../store/store.ts';
import type { StoreOptions } from '../store/store.ts';
import { targetTopic } from '../targets/target-topic.ts';
import { serveOperations } from '../telemetry/operations-server.ts';
import type { OperationsServer } from '../telemetry/operations-server.ts';
import { CatalogueBook } from './catalogue-book.ts';
import { LaneWriter } from './lane-writer.ts';
import type { LaneWriterOptions } from './lane-writer.ts';
import { LogProjection } from './log-projection.ts';
import { Parking } from './parking.ts';
import { registerWriterMetrics } from './writer-metrics.ts';

export interface WriterOptions {
  readonly bus: Omit<BusOptions, 'log'>;
  readonly store: StoreOptions;
  readonly retention: Retention;
  readonly lane: Pick<
    LaneWriterOptions,
    'flushIntervalMs' | 'flushBytesMax' | 'bufferBytesMax' | 'frameMemoryMs'
  >;
  readonly metricsListen: Address;
  readonly log: Logger;
}

/**
 * The writer process: carries the lanes and the log into ClickHouse, and projects what others follow
 * (targets, rules) from ClickHouse onto the bus.
 */
export class Writer {
  readonly #options: WriterOptions;
  readonly #store: Store;
  readonly #stop = new AbortController();
  readonly #registry = new Registry();
  readonly #failed = Promise.withResolvers<never>();
  readonly #tasks: Promise<void>[] = [];
  #bus: Bus | undefined;
  #ownership: Ownership | undefined;
  #operations: OperationsServer | undefined;
  #isReady = false;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#store = new Store(options.store);
  }

  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  async start(): Promise<void> {
    const { bus, log, metricsListen } = this.#options;
    this.#operations = await serveOperations({
      address: metricsListen,
      metrics: () => this.#registry.metrics(),
      notReady: () => {
        if (!this.#isReady) return 'waiting for NATS, ClickHouse or the role';
        return this.#bus?.isConnected === true ? undefined : 'there is no connection to NATS';
      },
    });
    this.#bus = await Bus.connect({ ...bus, log }, this.#stop.signal);
    this.#ownership = new Ownership(this.#bus, { role: 'writer', holder: hostname() });
    const epoch = await this.#ownership.acquire(this.#stop.signal);
    void this.#ownership.lost.then((holder) => this.#fail(`${holder} took the role over`));
    await this.#migrate();
    await this.#startTasks(this.#bus, epoch);
    this.#isReady = true;
    log.info({ epoch }, 'writing');
  }

  async stop(): Promise<void> {
    this.#isReady = false;
    this.#stop.abort();
    await Promise.allSettled(this.#tasks);
    await this.#ownership?.release();
    await this.#bus?.close();
    await this.#store.close();
    await this.#operations?.close();
  }

  /** ClickHouse may come later than we do. */
  async #migrate(): Promise<void> {
    const { log, retention } = this.#options;
    const applied = await retry(() => migrate(this.#store, retention), {
      signal: this.#stop.signal,
      pauseMsMin: 500,
      pauseMsMax: 2000,
      isFinal: (error) => error instanceof RollcallError && error.code.startsWith('migration_'),
      onRetry: (error) => {
        log.warn({ reason: reasonOf(error) }, 'cannot migrate the database yet; trying again');
      },
    });
    for (const { version, name } of applied) log.info({ version, name }, 'migration applied');
  }

  async #startTasks(bus: Bus, epoch: number): Promise<void> {
    const { log } = this.#options;
    const store = this.#store;
    const identity = { epoch, writer: hostname() };
    const parking = new Parking(bus, log);
    const catalogues = new CatalogueBook(store, bus);
    const projector = new Projector(bus, store, [targetTopic, ruleTopic], log);
    const logProjection = new LogProjection({ bus, store, log }, identity);
    const lanes = (await bus.lanes()).map(
      ({ lane, index, count }) =>
        new LaneWriter(
          { bus, store, catalogues, parking, log },
          { ...this.#options.lane, ...identity, lane, laneIndex: index, laneCount: count },
          this.#stop.signal,
        ),
    );
    registerWriterMetrics(this.#registry, {
      bus,
      lanes,
      parking,
      catalogues,
      projector,
      logProjection,
    });
    this.#run(projector.run(this.#stop.signal));
    this.#run(logProjection.run(this.#stop.signal));
    for (const lane of lanes) this.#run(lane.run());
  }

  #run(task: Promise<void>): void {
    const guarded = task.catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#fail(reasonOf(error));
    });
    this.#tasks.push(guarded);
  }

  #fail(reason: string): void {
    if (this.#stop.signal.aborted) return;
    this.#isReady = false;
    this.#failed.reject(new RollcallError('writer_failed', reason, { retryable: true }));
  }
}
