import type { LanePlace, Transition } from '../../pipeline/log/transition.ts';
import { entryBytes, RecordRoom } from './record-size.ts';

/** Transitions that have to be recorded together, and the place that they lead to. */
export interface Part {
  readonly transitions: readonly Transition[];
  readonly place: LanePlace;
}

/** Deals transitions onto records, in their order: a part is closed when the next one does not fit. */
export class RecordParts {
  readonly #payloadBytesMax: number;
  readonly #closed: Part[] = [];
  #open: Transition[] = [];
  #room: RecordRoom;

  constructor(payloadBytesMax: number) {
    this.#payloadBytesMax = payloadBytesMax;
    this.#room = new RecordRoom(payloadBytesMax);
  }

  /** @param place where what was added before leads to, if this one has to go into another record */
  add(transitions: readonly Transition[], place: LanePlace): void {
    for (const transition of transitions) {
      const bytes = entryBytes(transition);
      if (!this.#room.take(bytes)) {
        this.#close(place);
        this.#room.take(bytes);
      }
      this.#open.push(transition);
    }
  }

  /** @param place where all of it leads to */
  finish(place: LanePlace): readonly Part[] {
    if (this.#open.length > 0) this.#close(place);
    return this.#closed;
  }

  #close(place: LanePlace): void {
    this.#closed.push({ transitions: this.#open, place });
    this.#open = [];
    this.#room = new RecordRoom(this.#payloadBytesMax);
  }
}
