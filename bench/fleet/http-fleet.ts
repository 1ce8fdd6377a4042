import { fileURLToPath } from 'node:url';
import { hostsOf, processesOf } from './fleet.ts';
import type { FleetOptions } from './fleet.ts';
import { ForkedProcess } from './forked-process.ts';
import type { HttpFleetAnswer, HttpFleetRequest, HttpFleetStatus } from './http-fleet-protocol.ts';

/** As those of a `Fleet` that repeats the recording. */
export type HttpFleetOptions = Pick<FleetOptions, 'agents' | 'series' | 'seed' | 'port'>;

const PROCESS = fileURLToPath(new URL('http-fleet-process.ts', import.meta.url));

/**
 * The hosts of a `Fleet`, with the same addresses, series and values, for those who scrape: what a subscriber is sent
 * at the n-th tick is what the n-th scrape says.
 */
export class HttpFleet {
  readonly options: HttpFleetOptions;
  readonly #processes: readonly ForkedProcess<HttpFleetRequest, HttpFleetAnswer>[];

  private constructor(
    options: HttpFleetOptions,
    processes: readonly ForkedProcess<HttpFleetRequest, HttpFleetAnswer>[],
  ) {
    this.options = options;
    this.#processes = processes;
  }

  /** Resolves when every host listens. @throws RollcallError `fleet_failed` */
  static async start(options: HttpFleetOptions): Promise<HttpFleet> {
    const count = processesOf(options);
    const { series, seed } = options;
    const hosts = hostsOf(options);
    const fleet = new HttpFleet(
      options,
      Array.from({ length: count }, () => new ForkedProcess(PROCESS, 'the fleet')),
    );
    try {
      await fleet.#all((number) => ({
        kind: 'start',
        hosts: hosts.filter(({ index }) => index % count === number),
        series,
        seed,
      }));
    } catch (error) {
      await fleet.stop();
      throw error;
    }
    return fleet;
  }

  get pids(): readonly number[] {
    return this.#processes.map(({ pid }) => pid);
  }

  async status(): Promise<HttpFleetStatus> {
    const all = (await this.#all(() => ({ kind: 'status' }))) as HttpFleetStatus[];
    const sum = (of: (status: HttpFleetStatus) => number): number =>
      all.reduce((total, status) => total + of(status), 0);
    return {
      reached: sum(({ reached }) => reached),
      scrapes: sum(({ scrapes }) => scrapes),
      bytesSent: sum(({ bytesSent }) => bytesSent),
    };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.stop()));
  }

  #all(request: (number: number) => HttpFleetRequest): Promise<HttpFleetAnswer[]> {
    return Promise.all(this.#processes.map((each, number) => each.ask(request(number))));
  }
}
