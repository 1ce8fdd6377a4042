import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '../../pipeline/bus/bus.ts';
import { numberOf } from '../../pipeline/bus/numbered-value.ts';
import { evaluatedSubject } from '../../pipeline/log/positions.ts';
import { BATCH_HEADER_BYTES, writeBatchHeader } from '../../pipeline/wire/batch.ts';
import { laneOf, shardOf } from '../../pipeline/wire/shard.ts';
import type { RecordedHosts } from './recorded-hosts.ts';

export interface LaneFeederOptions {
  readonly intervalMs: number;
  /** A lane has a batch this often, if there is anything to say. */
  readonly batchMs: number;
  /** A breach of a host begins so often, and is over after three of its intervals. */
  readonly breachesPerSecond: number;
}

/** A batch is published once it is this large. */
const BATCH_BYTES = 500_000;
const BREACH_INTERVALS = 3;
const FAILURES_MAX = 1000;
const TRIM_EVERY_MS = 2000;
const COLLECTOR = 7n;

/**
 * Fills the lanes as a collector does with hosts whose ticks are spread evenly over the interval, and deletes what the
 * alerter has evaluated, as the writer does.
 */
export class LaneFeeder {
  frames = 0;
  /** Acknowledgements that did not come. */
  failures = 0;
  readonly #bus: Bus;
  readonly #hosts: RecordedHosts;
  readonly #options: LaneFeederOptions;
  readonly #laneOfHost: Uint8Array;
  readonly #publishing = new Set<Promise<unknown>>();
  readonly #breaches: { readonly host: number; readonly endMs: number }[] = [];
  #breachesBegun = 0;
  #isStopped = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(bus: Bus, hosts: RecordedHosts, options: LaneFeederOptions) {
    this.#bus = bus;
    this.#hosts = hosts;
    this.#options = options;
    const { lanes } = bus.topology;
    this.#laneOfHost = Uint8Array.from(hosts.targets, ({ id }) => laneOf(shardOf(id), lanes));
  }

  start(): void {
    this.#running = Promise.all([this.#feed(), this.#trim()]);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    await Promise.all(this.#publishing);
  }

  async #feed(): Promise<void> {
    const { intervalMs, batchMs } = this.#options;
    const { length } = this.#hosts.targets;
    const startMs = performance.now();
    let said = 0;
    while (!this.#isStopped) {
      const elapsedMs = performance.now() - startMs;
      this.#breachOne(elapsedMs);
      const due = Math.floor((elapsedMs * length) / intervalMs);
      this.#say(said, due);
      said = due;
      await sleep(batchMs);
    }
  }

  /** What is due: host by host, in the order of their phases. */
  #say(from: number, to: number): void {
    const { lanes } = this.#bus.topology;
    const nowMs = Date.now();
    const parts: Buffer[][] = Array.from({ length: lanes }, () => []);
    const bytes = new Float64Array(lanes);
    for (let at = from; at < to; at += 1) {
      const host = at % this.#hosts.targets.length;
      const lane = this.#laneOfHost[host]!;
      for (const message of this.#messagesOf(host, nowMs)) {
        parts[lane]!.push(message);
        bytes[lane]! += message.length;
      }
      if (bytes[lane]! < BATCH_BYTES) continue;
      this.#publish(lane, parts[lane]!);
      parts[lane] = [];
      bytes[lane] = 0;
    }
    for (const [lane, own] of parts.entries()) if (own.length > 0) this.#publish(lane, own);
    this.frames += to - from;
  }

  #messagesOf(host: number, timestampMs: number): Buffer[] {
    const isFirst = this.#hosts.isFirst(host);
    const frame = this.#hosts.frame(host, timestampMs);
    return isFirst ? [this.#hosts.catalogueMessage(host), frame] : [frame];
  }

  #publish(lane: number, messages: readonly Buffer[]): void {
    const header = Buffer.alloc(BATCH_HEADER_BYTES);
    writeBatchHeader(header, messages.length, COLLECTOR, Date.now());
    const { subject } = this.#bus.topology.lane(lane);
    const batch = Buffer.concat([header, ...messages]);
    const publishing = this.#deliver(subject, batch).finally(() => {
      this.#publishing.delete(publishing);
    });
    this.#publishing.add(publishing);
  }

  /** Until it is there: a batch that is lost would take catalogues along. */
  async #deliver(subject: string, batch: Buffer): Promise<void> {
    const id = randomUUID();
    for (;;) {
      try {
        await this.#bus.publish(subject, batch, { id });
        return;
      } catch {
        this.failures += 1;
        if (this.failures > FAILURES_MAX) return;
      }
    }
  }

  #breachOne(elapsedMs: number): void {
    const { breachesPerSecond, intervalMs } = this.#options;
    while (this.#breaches[0] !== undefined && this.#breaches[0].endMs <= elapsedMs) {
      this.#hosts.breach(this.#breaches.shift()!.host, false);
    }
    const warmMs = 2 * intervalMs;
    if ((elapsedMs - warmMs) * breachesPerSecond < 1000 * this.#breachesBegun) return;
    // A prime step visits hosts of all lanes and phases before it comes back.
    const host = (this.#breachesBegun * 7919) % this.#hosts.targets.length;
    this.#hosts.breach(host, true);
    this.#breaches.push({ host, endMs: elapsedMs + BREACH_INTERVALS * intervalMs });
    this.#breachesBegun += 1;
  }

  async #trim(): Promise<void> {
    const { topology } = this.#bus;
    while (!this.#isStopped) {
      await sleep(TRIM_EVERY_MS);
      for (let index = 0; index < topology.lanes; index += 1) {
        const { id, stream } = topology.lane(index);
        const position = await this.#bus
          .last(topology.stateStream, evaluatedSubject(this.#bus, id))
          .catch(() => undefined);
        const seq = position === undefined ? 0 : numberOf(position.data);
        if (seq > 0) await this.#bus.trim(stream, seq).catch(() => undefined);
      }
    }
  }
}
