import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Bus } from '../bus/bus.ts';
import { shelveCatalogue } from '../bus/shelved-catalogue.ts';
import { Backoff } from '../dial/backoff.ts';
import { reasonOf } from '../error.ts';
import { SELF_INTERVAL_MS, selfInstance } from '../targets/self-target.ts';
import { BATCH_HEADER_BYTES, writeBatchHeader } from '../wire/batch.ts';
import { encodeCatalogueMessage } from '../wire/catalogue-message.ts';
import type { Catalogue } from '../wire/catalogue.ts';
import { stampTarget } from '../wire/frame.ts';
import { highOf, lowOf } from '../wire/id-map.ts';
import { hexId, laneOf, shardOf, targetId } from '../wire/shard.ts';
import { RecentIncrease } from './recent-increase.ts';
import { SelfCatalogue } from './self-catalogue.ts';
import { selfSamples } from './self-series.ts';
import type { Metric, SelfSample } from './self-series.ts';

export interface SelfReportOptions {
  readonly bus: Bus;
  /** Such as `writer`. */
  readonly role: string;
  /** The member's name, as in its presence. */
  readonly member: string;
  /** What is reported: the registry's `getMetricsAsJSON`. */
  readonly metrics: () => Promise<readonly Metric[]>;
  readonly log: Logger;
  readonly intervalMs?: number;
}

export interface SelfReportCounters {
  published: number;
  /** Reports that could not be put onto the lane within their interval, or not be made. */
  dropped: number;
}

const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 1000;

/**
 * What a component says of itself: its counters and gauges, every 5 seconds, as frames of the target
 * `role/member`, straight onto the lane of that. So its queues are stored and alerted on as everything
 * else is.
 *
 * There is never more than one report on the way. One that is not on the lane when the next is due is dropped,
 * counted, and missing in the numbers of its frames.
 */
export class SelfReport {
  readonly counters: SelfReportCounters = { published: 0, dropped: 0 };
  readonly #options: SelfReportOptions;
  readonly #intervalMs: number;
  readonly #target: bigint;
  readonly #incarnation = randomBytes(8).readBigUInt64LE(0);
  readonly #subject: string;
  readonly #places = new SelfCatalogue();
  readonly #recent = new RecentIncrease();
  #seq = 0;
  /** The catalogue that is on its compacted subject. */
  #registered: bigint | undefined;
  /** The catalogue that is in the lane. */
  #announced: bigint | undefined;
  #isDropping = false;

  constructor(options: SelfReportOptions) {
    this.#options = options;
    this.#intervalMs = options.intervalMs ?? SELF_INTERVAL_MS;
    const id = targetId(selfInstance({ role: options.role, name: options.member }));
    this.#target = id;
    const { topology } = options.bus;
    this.#subject = topology.lane(laneOf(shardOf(id), topology.lanes)).subject;
  }

  /** Reports until aborted. Never throws: a component works whether it can report or not. */
  async run(signal: AbortSignal): Promise<void> {
    const forget = this.#options.bus.onReconnect(() => {
      // NATS may have come back without its data.
      this.#registered = undefined;
      this.#announced = undefined;
    });
    // A report may hang in NATS for longer than the process wants to wait.
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    let dueMs = performance.now();
    while (!signal.aborted) {
      await Promise.race([this.#reportBefore(dueMs + this.#intervalMs, signal), aborted]);
      dueMs += this.#intervalMs;
      const lateMs = performance.now() - dueMs;
      if (lateMs > this.#intervalMs) {
        const missed = Math.floor(lateMs / this.#intervalMs);
        this.counters.dropped += missed;
        dueMs += missed * this.#intervalMs;
      }
      const pauseMs = Math.max(0, dueMs - performance.now());
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
    forget();
  }

  async #reportBefore(deadlineMs: number, signal: AbortSignal): Promise<void> {
    try {
      const samples = await this.#samples();
      this.#seq += 1;
      const head = { incarnation: this.#incarnation, seq: this.#seq, timestampMs: Date.now() };
      const frame = this.#places.frame(samples, head);
      await this.#publish(frame, this.#places.catalogue, deadlineMs, signal);
      this.counters.published += 1;
      this.#isDropping = false;
    } catch (error) {
      if (signal.aborted) return;
      this.counters.dropped += 1;
      const level = this.#isDropping ? 'debug' : 'warn';
      this.#isDropping = true;
      this.#options.log[level]({ reason: reasonOf(error) }, 'a report on ourselves was dropped');
    }
  }

  async #samples(): Promise<SelfSample[]> {
    const metrics = [...(await this.#options.metrics()), ...this.#ownMetrics()];
    return [...selfSamples(metrics, this.#recent, performance.now())];
  }

  #ownMetrics(): Metric[] {
    const { dropped } = this.counters;
    return [
      counter('reports_dropped_total', 'Reports of the component that did not get out.', dropped),
      counter(
        'series_refused_total',
        'Series that found no place in a report of the component.',
        this.#places.refusedTotal,
      ),
    ];
  }

  /** Tries until the deadline. */
  async #publish(
    frame: Buffer,
    catalogue: Catalogue,
    deadlineMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const backoff = new Backoff(RETRY_MS_MIN, RETRY_MS_MAX);
    const id = `${hexId(this.#incarnation)}-${this.#seq}`;
    for (;;) {
      try {
        await this.#register(catalogue);
        await this.#options.bus.publish(this.#subject, this.#batch(frame, catalogue), { id });
        this.#announced = catalogue.hash;
        return;
      } catch (error) {
        const pauseMs = 10 + backoff.nextMs();
        if (performance.now() + pauseMs >= deadlineMs) throw error;
        await sleep(pauseMs, undefined, { signal });
      }
    }
  }

  #batch(frame: Buffer, catalogue: Catalogue): Buffer {
    const isNew = this.#announced !== catalogue.hash;
    const messages = isNew ? [encodeCatalogueMessage(catalogue), frame] : [frame];
    for (const message of messages) {
      stampTarget(message, 0, lowOf(this.#target), highOf(this.#target));
    }
    const header = Buffer.alloc(BATCH_HEADER_BYTES);
    writeBatchHeader(header, messages.length, this.#incarnation, Date.now());
    return Buffer.concat([header, ...messages]);
  }

  /** Consumers that begin later find the catalogue there. */
  async #register(catalogue: Catalogue): Promise<void> {
    if (this.#registered === catalogue.hash) return;
    await shelveCatalogue(this.#options.bus, catalogue);
    this.#registered = catalogue.hash;
  }
}

function counter(name: string, help: string, value: number): Metric {
  return { name: `rollcall_self_${name}`, help, type: 'counter', values: [{ labels: {}, value }] };
}
