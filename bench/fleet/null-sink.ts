import { fileURLToPath } from 'node:url';
import type { TlsPaths } from '../../pipeline/dial/tls-files.ts';
import type { SimulatedHost } from './fleet-protocol.ts';
import { ForkedProcess } from './forked-process.ts';
import type { SinkAnswer, SinkRequest, SinkStatus } from './null-sink-protocol.ts';

export interface NullSinkOptions {
  /** `hostsOf` the fleet. */
  readonly hosts: readonly SimulatedHost[];
  readonly intervalMs: number;
  /** Over all processes together; default 1000, as a collector dials. */
  readonly dialsPerSecond?: number;
  readonly tls?: TlsPaths | undefined;
}

const PROCESS = fileURLToPath(new URL('null-sink-process.ts', import.meta.url));
/** A process may open 20,000 files. */
const HOSTS_PER_PROCESS_MAX = 18_000;
const DIALS_PER_SECOND = 1000;

/**
 * What the simulated fleet talks to when only the fleet is to be measured: it dials every agent, subscribes,
 * acknowledges each frame as it comes, and throws it away.
 */
export class NullSink {
  readonly #processes: readonly ForkedProcess<SinkRequest, SinkAnswer>[];

  private constructor(processes: readonly ForkedProcess<SinkRequest, SinkAnswer>[]) {
    this.#processes = processes;
  }

  /** Resolves when dialling has begun; `status` tells how far it is. @throws RollcallError `fleet_failed` */
  static async start(options: NullSinkOptions): Promise<NullSink> {
    const { hosts, intervalMs, tls, dialsPerSecond = DIALS_PER_SECOND } = options;
    const count = Math.max(1, Math.ceil(hosts.length / HOSTS_PER_PROCESS_MAX));
    const sink = new NullSink(
      Array.from({ length: count }, () => new ForkedProcess(PROCESS, 'the null sink')),
    );
    try {
      await sink.#all((number) => ({
        kind: 'start',
        hosts: hosts.filter((_, index) => index % count === number),
        intervalMs,
        dialsPerSecond: Math.max(1, Math.floor(dialsPerSecond / count)),
        tls,
      }));
    } catch (error) {
      await sink.stop();
      throw error;
    }
    return sink;
  }

  get pids(): readonly number[] {
    return this.#processes.map(({ pid }) => pid);
  }

  async status(): Promise<SinkStatus> {
    const all = (await this.#all(() => ({ kind: 'status' }))) as SinkStatus[];
    const sum = (of: (status: SinkStatus) => number): number =>
      all.reduce((total, status) => total + of(status), 0);
    return {
      connected: sum(({ connected }) => connected),
      frames: sum(({ frames }) => frames),
      missed: sum(({ missed }) => missed),
      bytes: sum(({ bytes }) => bytes),
    };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.stop()));
  }

  #all(request: (number: number) => SinkRequest): Promise<SinkAnswer[]> {
    return Promise.all(this.#processes.map((each, number) => each.ask(request(number))));
  }
}
