import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { RollcallError } from '../../pipeline/error.ts';
import type { TlsPaths } from '../../pipeline/dial/tls-files.ts';
import type {
  FleetAnswer,
  FleetRequest,
  FleetStatus,
  NumberedAnswer,
  SimulatedHost,
} from './fleet-protocol.ts';
import { joined } from './ledger.ts';
import type { LedgerContent } from './ledger.ts';
import type { Breach } from './fleet-source.ts';

export interface FleetOptions {
  readonly agents: number;
  readonly series: number;
  readonly seed: number;
  /** The port of every agent; each has an address of its own. */
  readonly port: number;
  readonly ringBytesMax: number;
  readonly tls?: TlsPaths | undefined;
}

const PROCESS = fileURLToPath(new URL('fleet-process.ts', import.meta.url));
/** Each agent has a listener and a connection or two; a process may open 20,000 files. */
const AGENTS_PER_PROCESS_MAX = 6000;
/** 127.1.0.1 and up: 127.0.0.x is left to servers. */
const HOST_AT_FIRST = 0x7f01_0001;

/** The address of an agent: its own within 127.0.0.0/8, which Linux answers for as a whole. */
export function hostOf(index: number): string {
  const host = HOST_AT_FIRST + index;
  return [host >>> 24, (host >>> 16) & 255, (host >>> 8) & 255, host & 255].join('.');
}

/** Names of agents' targets begin with it. */
export const INSTANCE_PREFIX = 'sim-';

/** The name of an agent's target. */
export function instanceOf(index: number): string {
  return `${INSTANCE_PREFIX}${String(index).padStart(6, '0')}`;
}

/** Simulated servers in processes of their own. Needs no root, but Linux. */
export class Fleet {
  readonly options: FleetOptions;
  readonly #processes: FleetProcess[];

  private constructor(options: FleetOptions, processes: FleetProcess[]) {
    this.options = options;
    this.#processes = processes;
  }

  /** Resolves when every agent listens. @throws RollcallError `fleet_failed` */
  static async start(options: FleetOptions): Promise<Fleet> {
    const count = Math.max(1, Math.ceil(options.agents / AGENTS_PER_PROCESS_MAX));
    const fleet = new Fleet(
      options,
      Array.from({ length: count }, () => new FleetProcess()),
    );
    const { series, seed, ringBytesMax, tls } = options;
    try {
      await fleet.#all((number) => {
        const agents = hostsOf(options).filter(({ index }) => index % count === number);
        return { kind: 'start', agents, series, seed, ringBytesMax, tls };
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
    };
  }

  async ledger(): Promise<LedgerContent> {
    return joined((await this.#all(() => ({ kind: 'ledger' }))) as LedgerContent[]);
  }

  /** Ends the processes; the ledger must have been fetched. */
  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.stop()));
  }

  #processOf(agent: number): FleetProcess {
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

export function hostsOf({ agents, port }: Pick<FleetOptions, 'agents' | 'port'>): SimulatedHost[] {
  return Array.from({ length: agents }, (_, index) => ({
    index,
    listen: { host: hostOf(index), port },
  }));
}

/** A child and the questions that it has not answered. */
class FleetProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #waiting = new Map<number, PromiseWithResolvers<FleetAnswer>>();
  #nextId = 1;

  constructor() {
    this.#child = fork(PROCESS, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    this.#exited = once(this.#child, 'exit');
    this.#child.on('message', (message) => this.#take(message as NumberedAnswer));
    this.#child.once('exit', (code, signal) => {
      const error = new RollcallError('fleet_failed', `the fleet ended (${signal ?? code})`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  ask(request: FleetRequest): Promise<FleetAnswer> {
    const id = this.#nextId;
    this.#nextId += 1;
    const waiting = Promise.withResolvers<FleetAnswer>();
    this.#waiting.set(id, waiting);
    this.#child.send({ id, request }, (error) => {
      if (error === null || !this.#waiting.delete(id)) return;
      waiting.reject(new RollcallError('fleet_failed', error.message, { cause: error }));
    });
    return waiting.promise;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.#exited;
  }

  #take(message: NumberedAnswer): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ('error' in message) waiting?.reject(new RollcallError('fleet_failed', message.error));
    else waiting?.resolve(message.answer);
  }
}
