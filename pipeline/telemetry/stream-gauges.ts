import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '../bus/bus.ts';
import { untilAborted } from '../dial/until-aborted.ts';
import { FailureStreak } from './failure-streak.ts';
import { ReadMetrics } from './read-metrics.ts';

export interface StreamLevel {
  readonly stream: string;
  readonly bytes: number;
  /** The stream's limit; 0 if it has none. */
  readonly bytesMax: number;
  readonly messages: number;
}

const POLL_MS = 5000;

/** How full the fleet's streams are, lanes of former generations included. One process is enough to ask. */
export class StreamGauges {
  readonly #bus: Bus;
  readonly #polling: FailureStreak;
  #levels: readonly StreamLevel[] = [];

  constructor(bus: Bus, log: Logger) {
    this.#bus = bus;
    this.#polling = new FailureStreak(log, 'ask how full the streams are', 'allow STREAM.LIST');
  }

  /** As of the latest poll; empty when that failed, and while `run` does not run. */
  get levels(): readonly StreamLevel[] {
    return this.#levels;
  }

  /** Once a process. */
  register(registry: Registry): void {
    const metrics = new ReadMetrics(registry);
    const gauge = (name: string, help: string, read: (level: StreamLevel) => number): void => {
      metrics.gauges(`rollcall_stream_${name}`, help, 'stream', () =>
        this.#levels.map((level) => [level.stream, read(level)] as const),
      );
    };
    gauge('bytes', 'Bytes the stream holds.', ({ bytes }) => bytes);
    gauge('bytes_max', 'Bytes the stream may hold.', ({ bytesMax }) => bytesMax);
    gauge('messages', 'Messages the stream holds.', ({ messages }) => messages);
    gauge('fill_ratio', 'Bytes of those it may hold, 0 to 1.', ({ bytes, bytesMax }) => {
      return bytesMax > 0 ? bytes / bytesMax : 0;
    });
  }

  /** Polls until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await untilAborted(this.poll(), signal);
        this.#polling.worked();
      } catch (error) {
        this.#levels = [];
        if (!signal.aborted) this.#polling.failed(error);
      }
      await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
    }
    this.#levels = [];
  }

  async poll(): Promise<void> {
    const { topology, manager } = this.#bus;
    const ours = new Set(topology.streams().map(({ name }) => name));
    const levels: StreamLevel[] = [];
    for await (const { config, state } of manager.streams.list(`${topology.fleet}.>`)) {
      const stream = config.name;
      if (!ours.has(stream) && topology.laneOfStream(stream) === undefined) continue;
      const { bytes, messages } = state;
      levels.push({ stream, bytes, bytesMax: Math.max(0, config.max_bytes), messages });
    }
    this.#levels = levels;
  }
}
