import { clickhouseTime } from '../store/clickhouse-time.ts';
import type { PlacedClaim } from './fleet-roster.ts';
import type { Presence } from './presence.ts';

interface HeardMember {
  readonly role: string;
  readonly said: Presence;
  /** By the monotonic clock. */
  readonly atMs: number;
}

const MEMBERS_MAX = 4096;
const CLAIMS_MAX = 65_536;
/** What was heard longer ago is no news: its row would say that the member has just been heard. */
const NEWS_MS = 5000;

/** What waits to be written into ClickHouse: members heard, and claims in the order of the stream. */
export class MemberQueue {
  readonly #members = new Map<string, HeardMember>();
  #claims: PlacedClaim[] = [];
  #dropped = 0;
  #hasDroppedClaims = false;

  get size(): number {
    return this.#members.size + this.#claims.length;
  }

  /** Rows that a full queue dropped, the oldest first. */
  get droppedTotal(): number {
    return this.#dropped;
  }

  hear(role: string, said: Presence): void {
    const key = `${role}/${said.id}`;
    this.#members.delete(key);
    this.#members.set(key, { role, said, atMs: performance.now() });
    if (this.#members.size <= MEMBERS_MAX) return;
    this.#members.delete(this.#members.keys().next().value!);
    this.#dropped += 1;
  }

  claim(placed: PlacedClaim): void {
    this.#claims.push(placed);
    if (this.#claims.length <= CLAIMS_MAX) return;
    const kept = CLAIMS_MAX / 2;
    this.#dropped += this.#claims.length - kept;
    this.#claims = this.#claims.slice(-kept);
    this.#hasDroppedClaims = true;
  }

  /** Whether claims were dropped since this was last asked: what is in force must be written again. */
  takeDropped(): boolean {
    const has = this.#hasDroppedClaims;
    this.#hasDroppedClaims = false;
    return has;
  }

  /** Rows of `members`; `written` takes them out of the queue. */
  members(): { rows: object[]; names: { role: string; name: string }[]; written: () => void } {
    const waiting = [...this.#members];
    const oldestMs = performance.now() - NEWS_MS;
    const news = waiting.filter(([, { said, atMs }]) => said.isLeaving || atMs >= oldestMs);
    return {
      rows: news.map(([, heard]) => memberRow(heard)),
      names: news.map(([, { role, said }]) => ({ role, name: said.name })),
      written: () => {
        // One that has been heard again meanwhile stays.
        for (const [key, heard] of waiting) {
          if (this.#members.get(key) === heard) this.#members.delete(key);
        }
      },
    };
  }

  /** Claims to be written; `written` takes them out of the queue. */
  claims(): { claims: readonly PlacedClaim[]; written: () => void } {
    const claims = [...this.#claims];
    const done = new Set(claims);
    return {
      claims,
      written: () => {
        this.#claims = this.#claims.filter((placed) => !done.has(placed));
      },
    };
  }
}

/** `seen_at` is ClickHouse's clock, which also decides who is gone. */
function memberRow({ role, said }: HeardMember): object {
  return {
    role,
    member: said.id,
    name: said.name,
    started_at: clickhouseTime(said.startedMs),
    offers: said.offers,
    owns: said.owns,
    is_leaving: said.isLeaving,
  };
}
