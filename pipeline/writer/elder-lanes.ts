import type { Bus } from '../bus/bus.ts';
import type { Lane } from '../bus/topology.ts';
import { RollcallError } from '../error.ts';
import type { Store } from '../store/store.ts';
import { newestIdentity, storedBelow } from './intent-ledger.ts';

interface Elder {
  readonly lane: Lane;
  readonly createdMs: number;
  /** Everything up to it is stored. */
  settledSeq: number;
}

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

  /**
   * @returns whether they have stored anything since this was asked before
   * @throws RollcallError `elder_lanes`, retryable, while they hold something that is not stored
   */
  async settle(): Promise<boolean> {
    let hasStored = false;
    for (const elder of this.#elders) {
      const lastSeq = await this.#lastSeq(elder);
      if (lastSeq <= elder.settledSeq) continue;
      const streamId = await newestIdentity(this.#store, elder.lane.id, elder.createdMs);
      const below = await storedBelow(this.#store, { lane: elder.lane.id, streamId });
      if (below <= lastSeq) {
        throw new RollcallError('elder_lanes', `lane ${elder.lane.id} has to be stored first`, {
          retryable: true,
        });
      }
      elder.settledSeq = lastSeq;
      hasStored = true;
    }
    return hasStored;
  }

  /** 0 for a lane that is empty, or gone. */
  async #lastSeq(elder: Elder): Promise<number> {
    const found = await this.#bus.findStream(elder.lane.stream);
    if (found !== undefined && Date.parse(found.created) === elder.createdMs) {
      const { messages, last_seq: lastSeq } = found.state;
      // It is trimmed to what is stored.
      return messages === 0 ? 0 : lastSeq;
    }
    this.#elders = this.#elders.filter((other) => other !== elder);
    return 0;
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
