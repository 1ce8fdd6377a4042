import type { ScheduledEvent } from './event-heap.ts';

/** A process of the simulation: what events belong to, and dies or stops as a whole. */
export class SimulatedProcess {
  readonly name: string;
  /** Whether it runs the product's code: promises then go on after each of its events. */
  readonly isProduct: boolean;
  state: 'running' | 'stopped' | 'dead' = 'running';
  /** Its wall clock less the simulation's, ms. */
  clockOffsetMs = 0;
  /** What came due while it was stopped. */
  readonly waiting: ScheduledEvent[] = [];
  readonly #onDeath: (() => void)[] = [];

  constructor(name: string, isProduct = true) {
    this.name = name;
    this.isProduct = isProduct;
  }

  get isDead(): boolean {
    return this.state === 'dead';
  }

  /** What the kernel does when a process is gone: close its sockets. */
  onDeath(callback: () => void): void {
    this.#onDeath.push(callback);
  }

  /** SIGKILL: nothing of it goes on. */
  kill(): void {
    if (this.isDead) return;
    this.state = 'dead';
    this.waiting.length = 0;
    for (const callback of this.#onDeath) callback();
  }
}
