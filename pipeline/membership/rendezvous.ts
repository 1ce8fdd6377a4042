/** A member as far as sharing out is concerned. */
export interface Candidate {
  readonly id: string;
  /** What it is able to own. */
  readonly offers: readonly string[];
}

/**
 * How evenly parts are shared out.
 *
 * 1. `hashed`: each part goes to the member with the highest hash of both. Shares are about equal
 *    where parts are many, and nothing moves but to who joins and from who leaves.
 * 2. `even`: everybody gets his share, rounded up or down. For few parts, each of them heavy; a part may
 *    then also move between members that stay.
 */
export type Spread = 'hashed' | 'even';

interface Bid {
  readonly part: string;
  readonly id: string;
  readonly score: number;
}

/**
 * Says who should own each part: rendezvous hashing, the same answer for whoever asks with the same
 * members, in whatever order.
 *
 * @returns the member of each part that anybody offers to own
 */
export function shareOut(members: readonly Candidate[], spread: Spread): Map<string, string> {
  return spread === 'hashed' ? highest(members) : bounded(bidsOf(members));
}

function highest(members: readonly Candidate[]): Map<string, string> {
  const best = new Map<string, Bid>();
  for (const { id, offers } of members) {
    const hash = hashOf(id);
    for (const part of offers) {
      const bid = { part, id, score: scoreOf(hash, part) };
      const other = best.get(part);
      if (other === undefined || byScore(bid, other) < 0) best.set(part, bid);
    }
  }
  return new Map([...best].map(([part, { id }]) => [part, id]));
}

/** The highest bid of all first; who has his share is passed over. */
function bounded(bids: readonly Bid[]): Map<string, string> {
  const parts = new Set(bids.map(({ part }) => part)).size;
  const members = new Set(bids.map(({ id }) => id)).size;
  const shareMin = Math.floor(parts / members);
  /** So many members have one more. */
  let remainder = parts % members;
  const owners = new Map<string, string>();
  const shares = new Map<string, number>();
  const give = ({ part, id }: Bid): void => {
    owners.set(part, id);
    shares.set(id, (shares.get(id) ?? 0) + 1);
  };
  for (const bid of bids) {
    if (owners.has(bid.part)) continue;
    const share = shares.get(bid.id) ?? 0;
    if (share > shareMin || (share === shareMin && remainder === 0)) continue;
    if (share === shareMin) remainder -= 1;
    give(bid);
  }
  // What only members offer that have their share already.
  for (const bid of bids) if (!owners.has(bid.part)) give(bid);
  return owners;
}

function bidsOf(members: readonly Candidate[]): Bid[] {
  return members
    .flatMap(({ id, offers }) => {
      const hash = hashOf(id);
      return offers.map((part) => ({ part, id, score: scoreOf(hash, part) }));
    })
    .toSorted(byScore);
}

/** Highest score first; equal ones in the order of their names, so that all agree. */
function byScore(a: Bid, b: Bid): number {
  if (a.score !== b.score) return b.score - a.score;
  if (a.id !== b.id) return a.id < b.id ? -1 : 1;
  return a.part < b.part ? -1 : 1;
}

function scoreOf(memberHash: number, part: string): number {
  return mixed(memberHash ^ Math.imul(hashOf(part), 0x9e3779b1));
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return mixed(hash);
}

/** The finalizer of MurmurHash3: every bit of the input changes half of the output's. */
function mixed(hash: number): number {
  let mixing = hash;
  mixing = Math.imul(mixing ^ (mixing >>> 16), 0x85ebca6b);
  mixing = Math.imul(mixing ^ (mixing >>> 13), 0xc2b2ae35);
  return (mixing ^ (mixing >>> 16)) >>> 0;
}
