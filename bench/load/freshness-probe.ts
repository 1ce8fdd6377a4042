import { setTimeout as sleep } from 'node:timers/promises';
import { instanceOf } from '../fleet/fleet.ts';
import type { SeededRandom } from '../fleet/random.ts';
import { RollcallError } from '../../pipeline/error.ts';
import type { Store } from '../../pipeline/store/store.ts';
import { phaseMsOf, targetId } from '../../pipeline/wire/shard.ts';

/** The series that is asked for; every simulated agent has it. */
const METRIC = 'sim_calm';
const QUERY = `
SELECT toUnixTimestamp64Milli(max(time)) AS newest
FROM samples_between(start = now() - 15, end = now() + 60)
WHERE metric_id IN {metrics:Array(UInt64)} AND target_id = {target:UInt64}`;
const METRICS = 'SELECT metric_id FROM series WHERE name = {name:String}';
/** Whether there may be something to see: the rows of frames come last. A collector's own report of a target has four samples. */
const HINT = `
SELECT toUnixTimestamp64Milli(max(timestamp)) AS newest
FROM frames_recent
WHERE target_id = {target:UInt64} AND timestamp > now() - 15 AND samples > 4`;
/** A query through the view costs ClickHouse tens of milliseconds of CPU: there are not many of them. */
const PAUSE_MS_MAX = 5000;
const ASK_EVERY_MS = 200;
const WAIT_MS_MAX = 30_000;
/** A tick that is so near is not chosen: the sample might be there before anybody asks. */
const HEAD_START_MS = 20;
const CANDIDATES = 64;

/**
 * How old samples are when a query first finds them, asked through the view that those of dashboards are made of: of one agent after the other
 * the next sample is waited for. A figure is at most `ASK_EVERY_MS` and one query too large.
 */
export class FreshnessProbe {
  /** Ages in the order they were found, ms. */
  readonly agesMs: number[] = [];
  /** Samples that were given up. */
  overdue = 0;
  readonly #store: Store;
  readonly #agents: number;
  readonly #intervalMs: number;
  readonly #random: SeededRandom;
  /** Ids of the series; none while it is not known. */
  #metrics: readonly bigint[] = [];
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(store: Store, agents: number, intervalMs: number, random: SeededRandom) {
    this.#store = store;
    this.#agents = agents;
    this.#intervalMs = intervalMs;
    this.#random = random;
  }

  /** The age that was found last. */
  get latestMs(): number | undefined {
    return this.agesMs.at(-1);
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#measureOne();
      // Not always equally long: with a multiple of the time between two inserts each would find the same of their phases.
      const pauseMs = Math.min(PAUSE_MS_MAX, this.#intervalMs) * (0.5 + this.#random.next());
      await sleep(pauseMs, undefined, { signal });
    }
  }

  async #measureOne(): Promise<void> {
    const { signal } = this.#stop;
    const { agent, waitMs } = this.#nextToTick();
    await sleep(waitMs, undefined, { signal });
    const fromMs = Date.now() - 2 * HEAD_START_MS;
    const deadlineMs = performance.now() + WAIT_MS_MAX;
    while (performance.now() < deadlineMs) {
      const newestMs = await this.#newestMs(instanceOf(agent), fromMs);
      if (newestMs >= fromMs) {
        this.agesMs.push(Date.now() - newestMs);
        return;
      }
      await sleep(ASK_EVERY_MS, undefined, { signal });
    }
    this.overdue += 1;
    this.agesMs.push(WAIT_MS_MAX);
  }

  /** Of some random agents the one that ticks next, and how long until then. */
  #nextToTick(): { agent: number; waitMs: number } {
    const nowMs = Date.now() + HEAD_START_MS;
    let best = { agent: 0, waitMs: Infinity };
    for (let i = 0; i < CANDIDATES; i += 1) {
      const agent = this.#random.below(this.#agents);
      const phaseMs = phaseMsOf(targetId(instanceOf(agent)), this.#intervalMs);
      const untilMs = (phaseMs - (nowMs % this.#intervalMs) + this.#intervalMs) % this.#intervalMs;
      if (untilMs < best.waitMs) best = { agent, waitMs: untilMs };
    }
    return { ...best, waitMs: best.waitMs + HEAD_START_MS };
  }

  /** Of the agent's newest sample in the view; 0 while there cannot be one since then. */
  async #newestMs(instance: string, sinceMs: number): Promise<number> {
    const target = targetId(instance);
    const hintMs = await this.#ask(HINT, { target });
    if (hintMs < sinceMs) return 0;
    if (this.#metrics.length === 0) {
      const rows = await this.#rows<{ metric_id: string }>(METRICS, { name: METRIC });
      this.#metrics = rows.map(({ metric_id: id }) => BigInt(id));
    }
    return this.#ask(QUERY, { metrics: this.#metrics, target });
  }

  async #ask(sql: string, parameters: Record<string, unknown>): Promise<number> {
    const [row] = await this.#rows<{ newest: string }>(sql, parameters);
    return Number(row?.newest ?? 0);
  }

  /** None while the database does not answer: then nothing is to be seen. */
  async #rows<Row>(sql: string, parameters: Record<string, unknown>): Promise<Row[]> {
    try {
      return await this.#store.rows<Row>(sql, parameters);
    } catch (error) {
      if (error instanceof RollcallError && error.retryable) return [];
      throw error;
    }
  }
}
