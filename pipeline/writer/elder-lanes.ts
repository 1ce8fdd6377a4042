import type { Bus } from '../bus/bus.ts';
import type { Lane } from '../bus/topology.ts';
import { RollcallError } from '../error.ts';
import type { Store } from '../store/store.ts';
import { newestIdentity, storedBelow } from './run-ledger.ts';

interface Elder {
  readonly lane: Lane;
  readonly createdMs: number;
  /** Everything up to it is stored. */
  settledSeq: number;
}

/** For each elder lane the last message it held. */
export type ElderMarks = ReadonlyMap<Elder, number>;

/**
 * The lanes of earlier generations (another `nats.lanes`) that the same agents were on. A frame whose
 * acknowledgement was lost with the change is in both, and is judged by what is stored: so what the
 * elder lanes hold is stored first.
 */
export class ElderLanes {
  readonly #bus: Bus;
  readonly #store: Store;
  #elders: readonly Elder[];

  private constructor(bus: Bus, store: Store, elders: readonly Elder[]) {
    this.#bus = bus;
    this.#store = store;
    this.#elders = elders;
  }

  /** Those whose streams are older than the lane's. */
  static async find(
    bus: Bus,
    store: Store,
    lane: { readonly index: number; readonly count: number; readonly createdMs: number },
  ): Promise<ElderLanes> {
    const elders: Elder[] = [];
    for (const other of await bus.lanes()) {
      if (other.count === lane.count || !shareShards(lane, other)) continue;
      const createdMs = Date.parse((await bus.streamInfo(other.lane.stream)).created);
      if (createdMs < lane.createdMs) elders.push({ lane: other.lane, createdMs, settledSeq: 0 });
    }
    return new ElderLanes(bus, store, elders);
  }

  get count(): number {
    return this.#elders.length;
  }

  /** What the elder lanes hold at present: how far `settle` has to wait for them. */
  async marks(): Promise<ElderMarks> {
    const marks = new Map<Elder, number>();
    for (const elder of this.#elders) {
      const held = await this.#heldBy(elder);
      if (held !== undefined) marks.set(elder, held.lastSeq);
    }
    return marks;
  }

  /**
   * @returns whether they have stored anything since this was asked before
   * @throws RollcallError `elder_lanes`, retryable, while something up to the marks is not stored
   */
  async settle(marks: ElderMarks): Promise<boolean> {
    let hasStored = false;
    for (const [elder, toSeq] of marks) {
      if (toSeq <= elder.settledSeq) continue;
      const held = await this.#heldBy(elder);
      // An empty lane was trimmed to what is stored; with one that is gone nobody can do anything.
      if (held !== undefined && !held.isEmpty) await this.#mustReach(elder, toSeq, held.lastSeq);
      elder.settledSeq = toSeq;
      hasStored = true;
    }
    return hasStored;
  }

  async #mustReach({ lane, createdMs }: Elder, toSeq: number, lastSeq: number): Promise<void> {
    const streamId = await newestIdentity(this.#store, lane.id, createdMs);
    const below = await storedBelow(this.#store, { lane: lane.id, streamId });
    if (below > toSeq) return;
    const growth =
      lastSeq > toSeq ? '; somebody still publishes there: stop the collectors that do' : '';
    const reason = `lane ${lane.id} has to be stored up to ${toSeq} first, and is up to ${Math.max(0, below - 1)}`;
    throw new RollcallError('elder_lanes', `${reason}${growth}`, { retryable: true });
  }

  /** Undefined for a lane that is gone. */
  async #heldBy(elder: Elder): Promise<{ lastSeq: number; isEmpty: boolean } | undefined> {
    const found = await this.#bus.findStream(elder.lane.stream);
    if (found !== undefined && Date.parse(found.created) === elder.createdMs) {
      const { messages, last_seq: lastSeq } = found.state;
      return { lastSeq, isEmpty: messages === 0 };
    }
    this.#elders = this.#elders.filter((other) => other !== elder);
    return undefined;
  }
}

/** Lane i of a holds the shards that are i modulo a. */
function shareShards(
  a: { readonly index: number; readonly count: number },
  b: { readonly index: number; readonly count: number },
): boolean {
  const divisor = greatestCommonDivisor(a.count, b.count);
  return a.index % divisor === b.index % divisor;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
