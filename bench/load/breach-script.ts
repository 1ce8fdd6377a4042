import { setTimeout as sleep } from 'node:timers/promises';
import type { Fleet } from '../fleet/fleet.ts';
import type { SeededRandom } from '../fleet/random.ts';

/** A breach lasts for so many intervals. */
const LASTS_INTERVALS = 3;
const BREACHES_PER_SECOND = 2;
/** At most one agent in so many has a breach. */
const AGENTS_PER_BREACH = 4;

/** Raises breaches of random agents at an even pace; each is over after some intervals. */
export class BreachScript {
  readonly #fleet: Fleet;
  readonly #random: SeededRandom;
  readonly #intervalMs: number;
  readonly #active = new Map<number, number>();
  #isWindingUp = false;
  #running: Promise<void> = Promise.resolve();

  constructor(fleet: Fleet, random: SeededRandom, intervalMs: number) {
    this.#fleet = fleet;
    this.#random = random;
    this.#intervalMs = intervalMs;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** No new breaches; resolves when all are over. */
  async windUp(): Promise<void> {
    this.#isWindingUp = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isWindingUp || this.#active.size > 0) {
      if (!this.#isWindingUp) await this.#begin();
      await this.#endRipe();
      await sleep(1000 / BREACHES_PER_SECOND);
    }
  }

  async #begin(): Promise<void> {
    const { agents } = this.#fleet.options;
    const agent = this.#random.below(agents);
    if (this.#active.has(agent) || this.#active.size >= agents / AGENTS_PER_BREACH) return;
    this.#active.set(agent, performance.now());
    await this.#fleet.breach(agent, 'sim_breach', true);
  }

  async #endRipe(): Promise<void> {
    const ripeMs = performance.now() - LASTS_INTERVALS * this.#intervalMs;
    for (const [agent, sinceMs] of this.#active) {
      if (sinceMs > ripeMs) continue;
      this.#active.delete(agent);
      await this.#fleet.breach(agent, 'sim_breach', false);
    }
  }
}
