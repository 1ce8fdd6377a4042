import { fileURLToPath } from 'node:url';
import type { AuthorityPaths } from '../system/certificates.ts';
import type {
  CatalogueKind,
  FleetAnswer,
  FleetRequest,
  FleetStatus,
  SimulatedHost,
  SourceKind,
} from './fleet-protocol.ts';
import { ForkedProcess } from './forked-process.ts';
import { joined } from './ledger.ts';
import type { LedgerContent } from './ledger.ts';
import type { Breach } from './fleet-source.ts';

export interface FleetOptions {
  readonly agents: number;
  /** Default `synthetic`. */
  readonly source?: SourceKind;
  readonly series: number;
  /** Whether recorded hosts have series that name them, as real hosts do; default `shared`. */
  readonly catalogues?: CatalogueKind;
  readonly seed: number;
  /**
   * The port of every agent of the first process; each has an address of its own. Further processes have the ports
   * that follow.
   */
  readonly port: number;
  /** Default and limit: 18,000. */
  readonly agentsPerProcess?: number;
  readonly ringBytesMax: number;
  /** Mutual TLS, with certificates that this authority issues; plain if left out. */
  readonly tls?: AuthorityPaths | undefined;
}

const PROCESS = fileURLToPath(new URL('fleet-process.ts', import.meta.url));
/** Each agent has a connection, now and then two; a process may open 20,000 files. */
const AGENTS_PER_PROCESS_MAX = 18_000;
/** 127.1.0.1 and up: 127.0.0.x is left to servers. */
const HOST_AT_FIRST = 0x7f01_0001;

/** The address of an agent: its own within 127.0.0.0/8, which Linux answers for as a whole. */
export function hostOf(index: number): string {
  const host = HOST_AT_FIRST + index;
  return [host >>> 24, (host >>> 16) & 255, (host >>> 8) & 255, host & 255].join('.');
}

export { INSTANCE_PREFIX, instanceOf } from './instance.ts';

/** Simulated servers in processes of their own. Needs no root, but Linux. */
export class Fleet {
  readonly options: FleetOptions;
  readonly #processes: ForkedProcess<FleetRequest, FleetAnswer>[];

  private constructor(
    options: FleetOptions,
    processes: ForkedProcess<FleetRequest, FleetAnswer>[],
  ) {
    this.options = options;
    this.#processes = processes;
  }

  /** Resolves when every agent listens. @throws RollcallError `fleet_failed` */
  static async start(options: FleetOptions): Promise<Fleet> {
    const count = processesOf(options);
    const fleet = new Fleet(
      options,
      Array.from({ length: count }, () => new ForkedProcess(PROCESS, 'the fleet')),
    );
    const { source = 'synthetic', catalogues = 'shared' } = options;
    const { series, seed, ringBytesMax, tls } = options;
    const hosts = hostsOf(options);
    try {
      await fleet.#all((number) => {
        const agents = hosts.filter(({ index }) => index % count === number);
        return { kind: 'start', agents, source, series, catalogues, seed, ringBytesMax, tls };
      });
    } catch (error) {
      await fleet.stop();
      throw error;
    }
    return fleet;
  }

  /** The processes of the agents. */
  get pids(): readonly number[] {
    return this.#processes.map(({ pid }) => pid);
  }

  async breach(agent: number, breach: Breach, isOn: boolean): Promise<void> {
    await this.#processOf(agent).ask({ kind: 'breach', agent, breach, isOn });
  }

  /** Sets clocks wrong: they show `offsetMs` more than the machine's. */
  async skew(agents: readonly number[], offsetMs: number): Promise<void> {
    await this.#split(agents, (agents) => ({ kind: 'skew', agents, offsetMs }));
  }

  async stopAgents(agents: readonly number[]): Promise<void> {
    await this.#split(agents, (agents) => ({ kind: 'stopAgents', agents }));
  }

  async startAgents(agents: readonly number[]): Promise<void> {
    await this.#split(agents, (agents) => ({ kind: 'startAgents', agents }));
  }

  async resetConnections(): Promise<void> {
    await this.#all(() => ({ kind: 'reset' }));
  }

  async setQuiet(isQuiet: boolean): Promise<void> {
    await this.#all(() => ({ kind: 'quiet', isQuiet }));
  }

  async status(): Promise<FleetStatus> {
    const all = (await this.#all(() => ({ kind: 'status' }))) as FleetStatus[];
    const sum = (of: (status: FleetStatus) => number): number =>
      all.reduce((total, status) => total + of(status), 0);
    return {
      ticking: sum(({ ticking }) => ticking),
      connected: sum(({ connected }) => connected),
      frames: sum(({ frames }) => frames),
      unacknowledged: sum(({ unacknowledged }) => unacknowledged),
      dropped: sum(({ dropped }) => dropped),
      skipped: sum(({ skipped }) => skipped),
      bytesSent: sum(({ bytesSent }) => bytesSent),
    };
  }

  async ledger(): Promise<LedgerContent> {
    return joined((await this.#all(() => ({ kind: 'ledger' }))) as LedgerContent[]);
  }

  /** Ends the processes; the ledger must have been fetched. */
  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.stop()));
  }

  #processOf(agent: number): ForkedProcess<FleetRequest, FleetAnswer> {
    return this.#processes[agent % this.#processes.length]!;
  }

  #all(request: (number: number) => FleetRequest): Promise<FleetAnswer[]> {
    return Promise.all(this.#processes.map((each, number) => each.ask(request(number))));
  }

  async #split(
    agents: readonly number[],
    request: (agents: readonly number[]) => FleetRequest,
  ): Promise<void> {
    const count = this.#processes.length;
    await this.#all((number) => request(agents.filter((agent) => agent % count === number)));
  }
}

/** Every agent and where it listens. */
export function hostsOf(
  options: Pick<FleetOptions, 'agents' | 'port' | 'agentsPerProcess'>,
): SimulatedHost[] {
  const processes = processesOf(options);
  return Array.from({ length: options.agents }, (_, index) => ({
    index,
    listen: { host: hostOf(index), port: options.port + (index % processes) },
  }));
}

/** How many processes a fleet has, and so how many ports from its first on. */
export function processesOf(options: Pick<FleetOptions, 'agents' | 'agentsPerProcess'>): number {
  const { agents, agentsPerProcess = AGENTS_PER_PROCESS_MAX } = options;
  return Math.max(1, Math.ceil(agents / Math.min(agentsPerProcess, AGENTS_PER_PROCESS_MAX)));
}
