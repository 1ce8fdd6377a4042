import type { Bus } from '../../pipeline/bus/bus.ts';
import { RollcallError } from '../../pipeline/error.ts';
import { decodeCatalogue } from '../../pipeline/wire/catalogue.ts';
import type { Catalogue } from '../../pipeline/wire/catalogue.ts';
import { hexId } from '../../pipeline/wire/shard.ts';
import { LeastRecentlyUsed } from './least-recently-used.ts';

/**
 * Catalogues are looked at when rules are compiled to them, so only their bytes are kept: 200 series are
 * about 16 kB. What does not fit is fetched again.
 */
const BYTES_MAX = 64 * 1024 * 1024;

/** The catalogues of a lane: those that came along it, else from their compacted subjects. */
export class CatalogueCache {
  readonly #bus: Bus;
  readonly #payloads = new LeastRecentlyUsed<bigint, Uint8Array>(BYTES_MAX, ({ length }) => length);

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  get count(): number {
    return this.#payloads.count;
  }

  add({ hash, payload }: Catalogue): void {
    this.#payloads.set(hash, payload);
  }

  /** Undefined if nobody has published it, or what was published is no catalogue. */
  async get(hash: bigint): Promise<Catalogue | undefined> {
    const payload = this.#payloads.get(hash) ?? (await this.#fetch(hash));
    if (payload === undefined) return undefined;
    try {
      return decodeCatalogue(payload);
    } catch (error) {
      if (error instanceof RollcallError && error.code === 'catalogue_invalid') return undefined;
      throw error;
    }
  }

  async #fetch(hash: bigint): Promise<Uint8Array | undefined> {
    const { topology } = this.#bus;
    const subject = topology.catalogueSubject(hexId(hash));
    const found = await this.#bus.last(topology.cataloguesStream, subject);
    if (found === undefined) return undefined;
    const payload = Uint8Array.from(found.data);
    this.#payloads.set(hash, payload);
    return payload;
  }
}
