import type { SimulatedProcess } from './simulated-process.ts';

/** Something that will happen at a time of the simulation. */
export interface ScheduledEvent {
  /** Simulated time, ms. */
  dueMs: number;
  /** Decides between events of the same instant; drawn from the seed. */
  order: number;
  id: number;
  /** Whose event it is: a dead process has none, a stopped one has them later. */
  readonly owner: SimulatedProcess | undefined;
  readonly label: string;
  readonly run: () => void;
  isCancelled: boolean;
}

/** A binary heap: the earliest event first. */
export class EventHeap {
  readonly #events: ScheduledEvent[] = [];

  push(event: ScheduledEvent): void {
    const events = this.#events;
    let at = events.length;
    events.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, events[parent]!)) break;
      events[at] = events[parent]!;
      at = parent;
    }
    events[at] = event;
  }

  pop(): ScheduledEvent | undefined {
    const events = this.#events;
    const first = events[0];
    const last = events.pop();
    if (first === undefined || last === undefined || events.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= events.length) break;
      if (child + 1 < events.length && isBefore(events[child + 1]!, events[child]!)) child += 1;
      if (!isBefore(events[child]!, last)) break;
      events[at] = events[child]!;
      at = child;
    }
    events[at] = last;
    return first;
  }
}

function isBefore(a: ScheduledEvent, b: ScheduledEvent): boolean {
  if (a.dueMs !== b.dueMs) return a.dueMs < b.dueMs;
  return a.order === b.order ? a.id < b.id : a.order < b.order;
}
