import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '../pipeline/bus/bus.ts';
import { shelveCatalogue } from '../pipeline/bus/shelved-catalogue.ts';
import { Backoff } from '../pipeline/dial/backoff.ts';
import {
  claimedCatalogueHash,
  decodeCatalogueMessage,
  encodeCatalogueMessage,
} from '../pipeline/wire/catalogue-message.ts';
import type { Catalogue } from '../pipeline/wire/catalogue.ts';
import { reasonOf, RollcallError } from '../pipeline/error.ts';
import type { CatalogueBudget } from './catalogue-budget.ts';
import { reportedCatalogue } from './reported-frame.ts';

export interface RegisteredCatalogue {
  /** As it is on the lanes. */
  readonly hash: bigint;
  /** How many there are of them, in the frames of agents. */
  readonly series: number;
  /** On the lanes there is room for a report behind the series. */
  readonly isReported: boolean;
  /**
   * The CATALOGUE message as it goes in front of its first frame; target 0. Undefined once it has gone: many hosts have
   * catalogues of their own, and from then on the compacted subject is where to find it.
   */
  message: Buffer | undefined;
  /** Resolves when the compacted subject has it; a batch that needs it waits for that. */
  readonly registered: Promise<void>;
  readonly isRegistered: boolean;
}

type PackedCatalogue = Pick<Catalogue, 'hash' | 'payload'>;

const CATALOGUES_MAX = 100_000;

/**
 * The catalogues this worker has verified. Each is published once to its compacted subject, where consumers
 * that begin later find it. Thousands of hosts share a few catalogues, so one that is
 * known is not decoded again.
 */
export class CatalogueRegistry {
  readonly #bus: Bus;
  readonly #signal: AbortSignal;
  readonly #known = new Map<bigint, RegisteredCatalogue>();

  constructor(bus: Bus, signal: AbortSignal) {
    this.#bus = bus;
    this.#signal = signal;
  }

  get size(): number {
    return this.#known.size;
  }

  /** @param hash as the agent gives it */
  get(hash: bigint): RegisteredCatalogue | undefined {
    return this.#known.get(hash);
  }

  /**
   * Takes a CATALOGUE message from an agent.
   *
   * @returns its hash, as the agent gives it
   * @throws RollcallError `bad_message`, `catalogue_invalid`, `limit_exceeded`
   */
  admit(source: Buffer, offset: number, length: number, budget: CatalogueBudget): bigint {
    const claimed = claimedCatalogueHash(source, offset, length);
    if (this.#known.has(claimed)) return claimed;
    budget.spend();
    const catalogue = decodeCatalogueMessage(source, offset, length);
    this.#add(catalogue, reportedCatalogue(catalogue));
    return claimed;
  }

  /** A catalogue of our own. */
  add(catalogue: Catalogue): RegisteredCatalogue {
    return this.#add(catalogue, undefined);
  }

  #add(own: Catalogue, reported: Catalogue | undefined): RegisteredCatalogue {
    const catalogue = reported ?? own;
    if (this.#known.size >= CATALOGUES_MAX) {
      throw new RollcallError('limit_exceeded', `more than ${CATALOGUES_MAX} catalogues`);
    }
    const message = encodeCatalogueMessage(catalogue);
    if (message.length > this.#bus.payloadBytesMax - 65_536) {
      throw new RollcallError(
        'limit_exceeded',
        `a catalogue of ${message.length} bytes does not fit NATS' max_payload of ` +
          `${this.#bus.payloadBytesMax}: raise it, or switch some of the agent's sources off`,
      );
    }
    const entry: RegisteredCatalogue & { registered: Promise<void>; isRegistered: boolean } = {
      hash: catalogue.hash,
      series: own.series.length,
      isReported: reported !== undefined,
      message,
      registered: Promise.resolve(),
      isRegistered: false,
    };
    // What waits is the packed one alone: thousands may come at once, and unpacked they are ten times as large.
    const { hash, payload } = catalogue;
    entry.registered = this.#enter(entry, { hash, payload });
    this.#known.set(own.hash, entry);
    return entry;
  }

  async #enter(entry: { isRegistered: boolean }, catalogue: PackedCatalogue): Promise<void> {
    await this.#register(catalogue);
    entry.isRegistered = true;
  }

  async #register(catalogue: PackedCatalogue): Promise<void> {
    const backoff = new Backoff(50, 2000);
    while (!this.#signal.aborted) {
      try {
        await shelveCatalogue(this.#bus, catalogue);
        return;
      } catch (error) {
        this.#bus.log.debug({ reason: reasonOf(error) }, 'registering a catalogue again');
        const pauseMs = 10 + backoff.nextMs();
        await sleep(pauseMs, undefined, { signal: this.#signal }).catch(() => undefined);
      }
    }
  }
}
