import type { Presence } from './presence.ts';

/** Who has not been heard for so many of our own ticks is gone. */
export const SILENT_TICKS = 3;

interface Heard {
  readonly said: Presence;
  readonly tick: number;
}

/**
 * Which other members of a role live, as far as we can hear. Time is counted in our own ticks, about
 * a second each, during which we listened: a process that was stopped, or cut off from NATS, has not
 * listened and so holds nobody for dead.
 */
export class Roster {
  readonly #members = new Map<string, Heard>();
  #tick = 0;
  #listeningSince = 0;

  /** A member spoke; whether that changes who should own what. */
  hear(said: Presence): boolean {
    const before = this.#members.get(said.id)?.said;
    this.#members.set(said.id, { said, tick: this.#tick });
    if (before === undefined) return true;
    return before.isLeaving !== said.isLeaving || !isSame(before.offers, said.offers);
  }

  /** A tick of listening has passed; whether somebody is gone. */
  tick(): boolean {
    this.#tick += 1;
    let isChanged = false;
    for (const [id, { tick }] of this.#members) {
      if (this.#tick - tick < SILENT_TICKS) continue;
      this.#members.delete(id);
      isChanged = true;
    }
    return isChanged;
  }

  /** We could not listen for a while: nobody's silence counts. */
  restart(): void {
    this.#listeningSince = this.#tick;
    for (const [id, { said }] of this.#members) this.#members.set(id, { said, tick: this.#tick });
  }

  /** The members that live and stay. */
  get staying(): Presence[] {
    return [...this.#members.values()].map(({ said }) => said).filter((said) => !said.isLeaving);
  }

  get size(): number {
    return this.#members.size;
  }

  /** Whether a member surely no longer speaks: who is never heard is gone once we have listened. */
  isGone(id: string): boolean {
    return !this.#members.has(id) && this.#tick - this.#listeningSince >= SILENT_TICKS;
  }
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one, i) => one === b[i]);
}
