import type { Logger } from 'pino';
import type { Bus } from '../bus/bus.ts';
import type { BusOptions } from '../bus/bus.ts';
import type { Lane } from '../bus/topology.ts';
import type { Address } from '../dial/address.ts';
import { retry } from '../dial/retry.ts';
import { reasonOf, RollcallError } from '../error.ts';
import { MemberRecord } from '../membership/member-record.ts';
import { PartTasks } from '../membership/part-tasks.ts';
import { Component } from '../process/component.ts';
import { Projector } from '../projection/projector.ts';
import { ruleTopic } from '../rules/rule-topic.ts';
import { migrate } from '../store/migrate.ts';
import type { Retention } from '../store/migrate.ts';
import { Store } from '../store/store.ts';
import type { StoreOptions } from '../store/store.ts';
import { targetTopic } from '../targets/target-topic.ts';
import { StreamGauges } from '../telemetry/stream-gauges.ts';
import { CatalogueBook } from './catalogue-book.ts';
import { InsertSlots } from './insert-slots.ts';
import { LaneWriter } from './lane-writer.ts';
import type { LaneWriterOptions } from './lane-writer.ts';
import { LogProjection } from './log-projection.ts';
import { Parking } from './parking.ts';
import { ProjectedLog } from './projected-log.ts';
import { RecentSweep } from './recent-sweep.ts';
import { Rollup, rollupCounters } from './rollup.ts';
import { LANE_TOTALS, registerWriterMetrics } from './writer-metrics.ts';
import { Unparking } from './unparking.ts';
import { WrittenLanes } from './written-lanes.ts';

export interface WriterOptions {
  readonly bus: Omit<BusOptions, 'log'>;
  /** Names this writer among the others, for people. */
  readonly member: string;
  readonly store: StoreOptions;
  readonly retention: Retention;
  readonly lane: Pick<
    LaneWriterOptions,
    | 'flushIntervalMs'
    | 'flushBytesMax'
    | 'bufferBytesMax'
    | 'closingBytesMax'
    | 'closingSpanMs'
    | 'frameMemoryMs'
  >;
  readonly metricsListen: Address;
  readonly log: Logger;
}

/** Besides the lanes: the log into ClickHouse, and ClickHouse onto the bus. */
const LOG_PART = 'log';
const PROJECTION_PART = 'projection';
/** Two keep a ClickHouse busy; each holds a whole insert in memory, there as here. */
const INSERTS_AT_ONCE = 2;

interface LanePart {
  readonly lane: Lane;
  readonly index: number;
  readonly count: number;
}

/**
 * The writer process: carries the lanes it owns into ClickHouse. One of all writers carries the log
 * there as well, and one projects what others follow (targets, rules) from ClickHouse onto the bus.
 */
export class Writer {
  readonly #options: WriterOptions;
  readonly #component: Component;
  readonly #store: Store;
  readonly #lanes = new WrittenLanes(LANE_TOTALS);

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#component = new Component({ name: 'writer', ...options });
    this.#store = new Store(options.store);
  }

  get failed(): Promise<never> {
    return this.#component.failed;
  }

  async start(): Promise<void> {
    const component = this.#component;
    const bus = await component.connect();
    await this.#migrate();
    const lanes = new Map((await bus.lanes()).map((part) => [part.lane.id, part]));
    const parts = [...lanes.keys(), LOG_PART, PROJECTION_PART];
    const start = this.#starter(bus, lanes);
    const owner = new PartTasks(start, (part, error) => {
      component.fail(`${part}: ${reasonOf(error)}`);
    });
    const membership = await component.join({ role: 'writer', parts, spread: 'even', owner });
    component.ready();
    this.#options.log.info({ parts: [...membership.owned.keys()] }, 'writing');
  }

  async stop(): Promise<void> {
    await this.#component.leave();
    await this.#store.close();
    await this.#component.close();
  }

  /** How the task of each part begins. */
  #starter(bus: Bus, lanes: ReadonlyMap<string, LanePart>) {
    const { log, member, retention, lane: laneOptions } = this.#options;
    const store = this.#store;
    const parking = new Parking(bus, log);
    const slots = new InsertSlots(INSERTS_AT_ONCE);
    const catalogues = new CatalogueBook(store, bus);
    const projector = new Projector(bus, store, [targetTopic, ruleTopic], log);
    const members = new MemberRecord({ bus, store, log });
    const streams = new StreamGauges(bus, log);
    const unparking = new Unparking({ bus, catalogues, parking, log });
    const sweep = new RecentSweep(store, log, retention.samplesMs);
    const projectedLog = new ProjectedLog();
    const rolledUp = rollupCounters();
    const { registry } = this.#component;
    members.register(registry);
    streams.register(registry);
    registerWriterMetrics(registry, {
      bus,
      lanes: this.#lanes,
      bufferBytesMax: laneOptions.bufferBytesMax,
      closingBytesMax: laneOptions.closingBytesMax,
      parking,
      catalogues,
      unparking,
      projector,
      projectedLog,
      rolledUp,
    });
    return (part: string, epoch: number, signal: AbortSignal): Promise<void> => {
      log.info({ part, epoch }, 'part taken');
      if (part === LOG_PART) {
        const projection = new LogProjection({ bus, store, log }, { epoch, writer: member });
        return projectedLog.follow(projection, projection.run(signal));
      }
      if (part === PROJECTION_PART) {
        const options = { epoch, writer: member, kept: retention };
        const rollup = new Rollup(store, log, options, rolledUp);
        return allOf(signal, projector, members, streams, unparking, sweep, rollup);
      }
      const { lane, index, count } = lanes.get(part)!;
      const writer = new LaneWriter(
        { bus, store, catalogues, parking, slots, log },
        { ...laneOptions, epoch, writer: member, lane, laneIndex: index, laneCount: count },
        signal,
      );
      return this.#lanes.follow(writer, writer.run());
    };
  }

  /** ClickHouse may come later than we do. */
  async #migrate(): Promise<void> {
    const { log, retention } = this.#options;
    const applied = await retry(() => migrate(this.#store, retention), {
      signal: this.#component.signal,
      pauseMsMin: 500,
      pauseMsMax: 2000,
      isFinal: (error) => error instanceof RollcallError && error.code.startsWith('migration_'),
      onRetry: (error) => {
        log.warn({ reason: reasonOf(error) }, 'cannot migrate the database yet; trying again');
      },
    });
    for (const { version, name } of applied) log.info({ version, name }, 'migration applied');
  }
}

/** Runs several things as one: what fails ends the others. */
async function allOf(
  signal: AbortSignal,
  ...tasks: readonly { run(signal: AbortSignal): Promise<void> }[]
): Promise<void> {
  const failed = new AbortController();
  const any = AbortSignal.any([signal, failed.signal]);
  const runs = tasks.map((task) => task.run(any));
  try {
    await Promise.all(runs);
  } catch (error) {
    failed.abort();
    await Promise.allSettled(runs);
    throw error;
  }
}
