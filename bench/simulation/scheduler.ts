import { EventHeap } from './event-heap.ts';
import type { ScheduledEvent } from './event-heap.ts';
import { Random } from './random.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/**
 * The simulation begins at this time of the wall clock, 8 seconds before midnight UTC: what a schedule stores is of
 * two days, and each day has blocks of its own.
 */
export const EPOCH_MS = Date.UTC(2026, 0, 1) - 8000;
/** What is shown of a schedule that failed. */
const RECENT_EVENTS = 400;

export type TraceSink = (line: string) => void;

/**
 * The only clock and the only source of events: it jumps from one event to the next. Between two events
 * of the product all promises run until nothing is left to do.
 */
export class Scheduler {
  readonly random: Random;
  /** Simulated time since the beginning, ms. */
  nowMs = 0;
  steps = 0;
  /** The process whose code runs. */
  current: SimulatedProcess | undefined;
  readonly #heap = new EventHeap();
  readonly #trace: TraceSink | undefined;
  readonly #recent: string[] = [];
  #nextId = 1;
  #hash = 0x811c9dc5;

  constructor(seed: number, trace?: TraceSink) {
    this.random = new Random(seed);
    this.#trace = trace;
  }

  /** Names all that has happened, in order: equal for equal schedules. */
  get traceHash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  /** What happened last. */
  get recent(): readonly string[] {
    return this.#recent;
  }

  /** Wall clock of the process that runs, ms. */
  get wallMs(): number {
    return EPOCH_MS + this.nowMs + (this.current?.clockOffsetMs ?? 0);
  }

  after(
    delayMs: number,
    owner: SimulatedProcess | undefined,
    label: string,
    run: () => void,
  ): ScheduledEvent {
    return this.at(this.nowMs + delayMs, owner, label, run);
  }

  /** With `isInOrder` it comes after those of its instant that were scheduled so before. */
  at(
    dueMs: number,
    owner: SimulatedProcess | undefined,
    label: string,
    run: () => void,
    isInOrder = false,
  ): ScheduledEvent {
    const order = isInOrder ? 0 : this.random.word();
    const event = { dueMs, order, id: this.#nextId, owner, label, run, isCancelled: false };
    this.#nextId += 1;
    this.#heap.push(event);
    return event;
  }

  /** Takes time up to the next event and runs it; false if there is none. */
  step(): boolean {
    const event = this.#nextRunnable();
    if (event === undefined) return false;
    this.nowMs = Math.max(this.nowMs, event.dueMs);
    this.steps += 1;
    this.note(event.owner === undefined ? event.label : `${event.owner.name}: ${event.label}`);
    this.current = event.owner;
    event.run();
    return true;
  }

  /** SIGCONT: what came due meanwhile happens now, in its order. */
  resume(process: SimulatedProcess): void {
    if (process.state !== 'stopped') return;
    process.state = 'running';
    for (const event of process.waiting) {
      Object.assign(event, { dueMs: this.nowMs, order: 0, id: this.#nextId });
      this.#nextId += 1;
      this.#heap.push(event);
    }
    process.waiting.length = 0;
  }

  /** Records that something happened. */
  note(what: string): void {
    const micros = Math.round(this.nowMs * 1000);
    let hash = this.#hash ^ micros;
    for (let i = 0; i < what.length; i += 1) {
      hash = Math.imul(hash ^ what.charCodeAt(i), 0x01000193);
    }
    this.#hash = hash;
    if (this.#trace !== undefined) this.#trace(`${(micros / 1000).toFixed(3)} ${what}`);
    if (this.#recent.length === 2 * RECENT_EVENTS) this.#recent.splice(0, RECENT_EVENTS);
    this.#recent.push(`${(micros / 1000).toFixed(3)} ${what}`);
  }

  #nextRunnable(): ScheduledEvent | undefined {
    for (;;) {
      const event = this.#heap.pop();
      if (event === undefined) return undefined;
      if (event.isCancelled || event.owner?.state === 'dead') continue;
      if (event.owner?.state !== 'stopped') return event;
      event.owner.waiting.push(event);
    }
  }
}
