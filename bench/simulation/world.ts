import { pino } from 'pino';
import type { Logger } from 'pino';
import type { BusOptions } from '../../pipeline/bus/bus.ts';
import { shardOf, targetId } from '../../pipeline/wire/shard.ts';
import type { Target } from '../../pipeline/targets/target.ts';
import { ClickHouseTables } from './clickhouse-tables.ts';
import { JetStreamApi } from './jetstream-api.ts';
import { Ledger } from './ledger.ts';
import { NATS_PORT } from './nats-server.ts';
import { Scheduler } from './scheduler.ts';
import type { TraceSink } from './scheduler.ts';
import { SimulatedNetwork } from './simulated-network.ts';
import { SimulatedDatabase } from './simulated-store.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import { Violation } from './violation.ts';

export const FLEET = 'sim';
/** Ticks of every agent. */
export const INTERVAL_MS = 1000;
const FIRST_AGENT_PORT = 7101;

/** When a writer closes a closing, as its options have it. */
export interface ClosingLimits {
  readonly bytesMax: number;
  readonly spanMs: number;
  readonly idleMs: number;
}

/** How large the simulated fleet is. */
export interface WorldSize {
  readonly targets: number;
  readonly lanes: number;
  readonly laneBytesMax: number;
  readonly collectors: number;
  readonly writers: number;
  readonly closing: ClosingLimits;
  /** How many things go wrong at most. */
  readonly faultsMax: number;
}

/** Everything outside the simulated processes: time, network, NATS' data, the database, the truth. */
export class World {
  readonly size: WorldSize;
  readonly scheduler: Scheduler;
  readonly network: SimulatedNetwork;
  readonly ledger: Ledger;
  readonly jetStream: JetStreamApi;
  readonly database: SimulatedDatabase;
  readonly targets: readonly Target[];
  /** Processes that NATS cuts off in part, see `NatsServer`. */
  readonly unheard = new Set<string>();
  readonly log: Logger;
  /** The first thing that went wrong inside a process. */
  failure: Error | undefined;

  constructor(seed: number, sizeOf: (scheduler: Scheduler) => WorldSize, trace?: TraceSink) {
    this.scheduler = new Scheduler(seed, trace);
    this.size = sizeOf(this.scheduler);
    this.ledger = new Ledger(FLEET, () => this.scheduler.nowMs);
    this.network = new SimulatedNetwork(this.scheduler);
    this.jetStream = new JetStreamApi(this.ledger);
    this.database = new SimulatedDatabase(this.scheduler, new ClickHouseTables(this.ledger.shown));
    this.targets = Array.from({ length: this.size.targets }, (_, i) => target(i));
    this.log =
      trace === undefined
        ? pino({ level: 'silent' })
        : pino({ level: 'debug', base: null }, { write: (line) => trace(`    ${line.trim()}`) });
  }

  /** The shards that have targets, as parts of the collectors. */
  get shards(): string[] {
    return [...new Set(this.targets.map(({ id }) => String(shardOf(id))))];
  }

  targetsOf(shard: number): Target[] {
    return this.targets.filter(({ id }) => shardOf(id) === shard);
  }

  busOptions(name: string): BusOptions {
    const { lanes, laneBytesMax } = this.size;
    return {
      servers: [`127.0.0.1:${NATS_PORT}`],
      fleet: FLEET,
      lanes,
      laneBytesMax,
      logBytesMax: 1024 * 1024,
      duplicateWindowMs: 120_000,
      replicas: 1,
      name,
      log: this.log.child({ process: name }),
    };
  }

  /** Runs as an event of the process; what it throws, now or later, ends the schedule. */
  start(process: SimulatedProcess, work: () => Promise<void>): void {
    this.scheduler.after(0, process, 'starts', () => {
      work().catch((error: unknown) => {
        if (!process.isDead) this.fail(process, error);
      });
    });
  }

  fail(process: SimulatedProcess, error: unknown): void {
    const { stack } = error instanceof Error ? error : { stack: String(error) };
    this.failure ??=
      error instanceof Violation
        ? error
        : new Violation('process_failed', `${process.name}: ${stack ?? String(error)}`);
  }
}

function target(index: number): Target {
  const instance = `host-${index}`;
  const address = `127.0.0.1:${FIRST_AGENT_PORT + index}`;
  return { id: targetId(instance), instance, address, labels: {}, intervalMs: INTERVAL_MS };
}
