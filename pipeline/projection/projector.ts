import type { Logger } from 'pino';
import { setTimeout as sleep } from 'node:timers/promises';
import { reasonOf } from '../error.ts';
import type { Bus } from '../bus/bus.ts';
import { encodeNumbered, numberOf } from '../bus/numbered-value.ts';
import type { Store } from '../store/store.ts';

/** Something in ClickHouse that many processes follow on the bus. */
export interface ProjectedTopic {
  /** Subject token: `{fleet}.state.{name}.{key}`. */
  readonly name: string;
  /** The newest revision of each key; revisions only grow. */
  revisions(store: Store): Promise<ReadonlyMap<string, number>>;
  /** Called before changes are published: what else must know of them. */
  onChange?(store: Store): Promise<void>;
  /** The current value of a key. */
  value(store: Store, key: string): Promise<Uint8Array>;
}

const POLL_MS = 1000;

/**
 * Copies what changed in ClickHouse to compacted subjects, so that its followers need no route to
 * ClickHouse and go on during its outage. Several projectors may run: a revision is published by
 * compare-and-set and never replaced by an older one.
 */
export class Projector {
  readonly #bus: Bus;
  readonly #store: Store;
  readonly #topics: readonly ProjectedTopic[];
  readonly #log: Logger;
  readonly #published = new Map<string, number>();
  #lastRunMs: number | undefined;

  constructor(bus: Bus, store: Store, topics: readonly ProjectedTopic[], log: Logger) {
    this.#bus = bus;
    this.#store = store;
    this.#topics = topics;
    this.#log = log;
  }

  /** Seconds since everything was last up to date; undefined before the first time and when another process projects. */
  get ageSeconds(): number | undefined {
    return this.#lastRunMs === undefined ? undefined : (performance.now() - this.#lastRunMs) / 1000;
  }

  /** Projects once a second until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.projectOnce();
      } catch (error) {
        this.#log.warn({ reason: reasonOf(error) }, 'projection failed; trying again');
      }
      await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
    }
    this.#lastRunMs = undefined;
  }

  async projectOnce(): Promise<void> {
    for (const topic of this.#topics) {
      const changed = [...(await topic.revisions(this.#store))].filter(([key, revision]) => {
        return (this.#published.get(this.#subject(topic, key)) ?? -1) < revision;
      });
      if (changed.length > 0) await topic.onChange?.(this.#store);
      for (const [key, revision] of changed) {
        await this.#publish(topic, key, this.#subject(topic, key), revision);
      }
    }
    this.#lastRunMs = performance.now();
  }

  #subject(topic: ProjectedTopic, key: string): string {
    return this.#bus.topology.stateSubject(topic.name, key);
  }

  async #publish(
    topic: ProjectedTopic,
    key: string,
    subject: string,
    revision: number,
  ): Promise<void> {
    const current = await this.#bus.last(this.#bus.topology.stateStream, subject);
    if (current !== undefined && numberOf(current.data) >= revision) {
      this.#published.set(subject, numberOf(current.data));
      return;
    }
    const value = await topic.value(this.#store, key);
    await this.#bus.publish(subject, encodeNumbered(revision, value), {
      lastSeq: current?.seq ?? 0,
    });
    this.#published.set(subject, revision);
    this.#log.info({ topic: topic.name, key, revision }, 'projected');
  }
}
