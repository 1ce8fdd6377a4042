import type { Claim } from './claim.ts';
import type { Presence } from './presence.ts';
import { Roster } from './roster.ts';

/** A claim and where it lies. */
export interface PlacedClaim {
  readonly role: string;
  readonly part: string;
  /** Its sequence in the stream of states. */
  readonly revision: number;
  /** By JetStream's clock. */
  readonly madeAtMs: number;
  readonly claim: Claim;
}

const ROLES_MAX = 16;
const MEMBERS_PER_ROLE_MAX = 4096;

/** The members of every role and what they have claimed, as somebody sees it who is none of them. */
export class FleetRoster {
  readonly #rosters = new Map<string, Roster>();
  readonly #claims = new Map<string, Map<string, PlacedClaim>>();

  /** Whether there was room to remember the member. */
  hear(role: string, said: Presence): boolean {
    let roster = this.#rosters.get(role);
    if (roster === undefined) {
      if (this.#rosters.size >= ROLES_MAX) return false;
      roster = new Roster();
      this.#rosters.set(role, roster);
    }
    if (roster.size >= MEMBERS_PER_ROLE_MAX && roster.isGone(said.id)) return false;
    roster.hear(said);
    return true;
  }

  /** A tick of about a second has passed, in which we listened. */
  tick(): void {
    for (const roster of this.#rosters.values()) roster.tick();
  }

  /** We could not listen for a while: nobody's silence counts. */
  restart(): void {
    for (const roster of this.#rosters.values()) roster.restart();
  }

  claim(placed: PlacedClaim): void {
    let ofRole = this.#claims.get(placed.role);
    if (ofRole === undefined) {
      ofRole = new Map();
      this.#claims.set(placed.role, ofRole);
      // Its members may all be gone.
      if (!this.#rosters.has(placed.role) && this.#rosters.size < ROLES_MAX) {
        this.#rosters.set(placed.role, new Roster());
      }
    }
    ofRole.set(placed.part, placed);
  }

  /** The newest claim of every part. */
  get claims(): PlacedClaim[] {
    return [...this.#claims.values()].flatMap((ofRole) => [...ofRole.values()]);
  }

  /** Members that live and stay, by role. */
  get members(): Map<string, number> {
    return new Map(Array.from(this.#rosters, ([role, { staying }]) => [role, staying.length]));
  }

  /**
   * How many parts nobody works on, by role. The parts of a role are those that its members offer to own;
   * if there is no member, those that were ever claimed.
   */
  get unowned(): Map<string, number> {
    return new Map(Array.from(this.#rosters, ([role, roster]) => [role, this.#gaps(role, roster)]));
  }

  #gaps(role: string, roster: Roster): number {
    const claims = this.#claims.get(role);
    const offered = new Set(roster.staying.flatMap(({ offers }) => offers));
    const parts = offered.size > 0 || roster.size > 0 ? offered : (claims?.keys() ?? []);
    let gaps = 0;
    for (const part of parts) {
      const claim = claims?.get(part)?.claim;
      if (claim === undefined || claim.isReleased || roster.isGone(claim.member)) gaps += 1;
    }
    return gaps;
  }
}
