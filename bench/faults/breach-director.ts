import { setTimeout as sleep } from 'node:timers/promises';
import type { Fleet } from '../fleet/fleet.ts';
import type { SeededRandom } from '../fleet/random.ts';
import type { Breach } from '../fleet/fleet-source.ts';
import type { CaseScale } from './fault-case.ts';

interface ActiveBreach {
  readonly agent: number;
  readonly breach: Breach;
  readonly sinceMs: number;
}

/** Breaches that are told apart by whether their alert has a `for`. */
const KINDS: readonly Breach[] = ['sim_breach', 'sim_breach_held'];
/** A breach lasts at least this many intervals in which nothing is wrong with the system. */
const HOLD_INTERVALS = 10;
const HOLD_INTERVALS_QUICK = 7;
/** At most one agent in so many has a breach. */
const AGENTS_PER_BREACH = 4;

/**
 * Raises and ends breaches at random moments, all the time. One that began while the system was disturbed, or
 * was under way then, does not end before the system has been whole for a while: a breach whose every frame came
 * late is stored, and pages nobody (DESIGN: live before backlog).
 */
export class BreachDirector {
  readonly #fleet: Fleet;
  readonly #random: SeededRandom;
  readonly #intervalMs: number;
  readonly #holdMs: number;
  readonly #active: ActiveBreach[] = [];
  readonly #reserved: ReadonlySet<number>;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #isDisturbed = false;
  #wholeSinceMs = 0;
  #isWindingUp = false;

  /** @param reserved agents that the case provokes by itself */
  constructor(
    fleet: Fleet,
    random: SeededRandom,
    { intervalMs, isQuick }: CaseScale,
    reserved: readonly number[] = [],
  ) {
    this.#fleet = fleet;
    this.#random = random;
    this.#intervalMs = intervalMs;
    this.#holdMs = intervalMs * (isQuick ? HOLD_INTERVALS_QUICK : HOLD_INTERVALS);
    this.#reserved = new Set(reserved);
  }

  get activeCount(): number {
    return this.#active.length;
  }

  start(): void {
    this.#running = this.#run();
  }

  disturbed(): void {
    this.#isDisturbed = true;
  }

  repaired(): void {
    this.#isDisturbed = false;
    this.#wholeSinceMs = performance.now();
  }

  /** No new breaches; resolves when all have ended. */
  async windUp(): Promise<void> {
    this.#isWindingUp = true;
    await this.#running;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running.catch(() => undefined);
  }

  async #run(): Promise<void> {
    while (!this.#isWindingUp || this.#active.length > 0) {
      if (!this.#isWindingUp) await this.#begin();
      await this.#endRipe();
      const pauseMs = this.#intervalMs * this.#random.between(0.4, 1);
      await sleep(pauseMs, undefined, { signal: this.#stop.signal });
    }
  }

  async #begin(): Promise<void> {
    const { agents } = this.#fleet.options;
    if (this.#active.length >= agents / AGENTS_PER_BREACH) return;
    const agent = this.#random.below(agents);
    const breach = KINDS[this.#random.below(KINDS.length)]!;
    const isTaken = this.#active.some((each) => each.agent === agent);
    if (isTaken || this.#reserved.has(agent)) return;
    this.#active.push({ agent, breach, sinceMs: performance.now() });
    await this.#fleet.breach(agent, breach, true);
  }

  async #endRipe(): Promise<void> {
    if (this.#isDisturbed) return;
    const ripeMs = performance.now() - this.#holdMs;
    if (this.#wholeSinceMs > ripeMs) return;
    const ripe = this.#active.filter(({ sinceMs }) => sinceMs <= ripeMs);
    for (const each of ripe) {
      this.#active.splice(this.#active.indexOf(each), 1);
      await this.#fleet.breach(each.agent, each.breach, false);
    }
  }
}
