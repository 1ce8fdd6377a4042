import type { Bus } from '../bus/bus.ts';
import { shelvedCatalogue } from '../bus/shelved-catalogue.ts';
import { isCode, reasonOf, RollcallError } from '../error.ts';
import type { Store } from '../store/store.ts';
import { decodeCatalogue, metricId, seriesKey } from '../wire/catalogue.ts';
import type { Catalogue, SeriesInfo } from '../wire/catalogue.ts';
import { IdMap } from '../wire/id-map.ts';
import { hexId } from '../wire/shard.ts';
import { DictionaryReload } from './dictionary-reload.ts';
import { MetricNumbers } from './metric-numbers.ts';

/** A catalogue as the writer needs it: which metric each slot is. */
export interface SlotMetrics {
  readonly hash: bigint;
  /** By slot, as `MetricNumbers` has them. */
  readonly metrics: Int32Array;
}

/**
 * Decodes a catalogue that came along.
 *
 * @throws RollcallError `bad_message`, `catalogue_invalid`
 */
export type ReadCatalogue = () => Catalogue;

interface SeriesRow {
  readonly metric_id: string;
  readonly name: string;
  readonly label_names: string[];
  readonly label_values: string[];
}

/** A catalogue on its way into ClickHouse; keys and ids are those of its series, by slot. */
interface Candidate {
  readonly catalogue: Catalogue;
  readonly keys: readonly string[];
  readonly ids: readonly bigint[];
}

/** As parameters of a query, far below ClickHouse's limits. */
const IDS_PER_QUERY_MAX = 4000;
const HASHES_PER_QUERY_MAX = 1000;
const FETCHES_AT_ONCE = 32;
/** Decoded at once: some 100 kB each. */
const REGISTERED_AT_ONCE = 128;
/** 64 MB. */
const SLOTS_MAX = 16_000_000;
const COMPLAINTS_MAX = 10_000;
/** Some 200 bytes each. */
const KNOWN_IDS_MAX = 250_000;

/**
 * The catalogues the writer knows, all of them registered in ClickHouse before a sample that needs them
 * is inserted. One that did not come along the lane is found in ClickHouse or on its compacted subject.
 */
export class CatalogueBook {
  readonly numbers = new MetricNumbers();
  readonly #store: Store;
  readonly #bus: Bus;
  readonly #known = new IdMap<SlotMetrics>();
  /** Ids by series key: hosts of one kind have all but a few series in common, and an id is a cryptographic hash. */
  readonly #ids = new Map<string, bigint>();
  /** Those whose refusal has been logged. */
  readonly #refused = new Set<bigint>();
  readonly #slotsMax: number;
  #slots = 0;
  readonly #reload: DictionaryReload;
  /** Grows with each insert into `series`; a predecessor may have left a reload undone. */
  #seriesRevision = 1;
  #reloadedRevision = 0;

  constructor(store: Store, bus: Bus, slotsMax = SLOTS_MAX) {
    this.#store = store;
    this.#bus = bus;
    this.#slotsMax = slotsMax;
    // An embedded ClickHouse never reads dictionaries again by itself, others after seconds.
    this.#reload = new DictionaryReload(() =>
      store.run('SYSTEM RELOAD DICTIONARY {database}.series_by_id'),
    );
  }

  get size(): number {
    return this.#known.size;
  }

  /** Slots of all catalogues in memory, 4 bytes each. */
  get slots(): number {
    return this.#slots;
  }

  /** A catalogue that has been found before, by the halves of its hash; undefined: `resolve` may know it. */
  known(low: number, high: number): SlotMetrics | undefined {
    return this.#known.get(low, high);
  }

  /**
   * Finds catalogues, and registers those that are not: ones that came along the lane, and ones that only
   * the bus has. What is missing in the answer nobody knows, or it cannot be used (one of its 64-bit
   * ids belongs to another series, or its bytes are no catalogue), which is logged.
   *
   * @throws RollcallError `clickhouse_failed`, or NATS' failures: to be tried again
   */
  async resolve(
    hashes: Iterable<bigint>,
    along: ReadonlyMap<bigint, ReadCatalogue> = new Map(),
  ): Promise<Map<bigint, SlotMetrics>> {
    const found = new Map<bigint, SlotMetrics>();
    const wanted = new Set([...hashes, ...along.keys()]);
    for (const hash of wanted) {
      const known = this.#known.find(hash);
      if (known !== undefined) found.set(hash, known);
    }
    const missing = (): bigint[] => [...wanted].filter((hash) => !found.has(hash));
    if (missing().length === 0) return found;
    await this.#findRegistered(missing(), found);
    const others = missing();
    for (let at = 0; at < others.length; at += REGISTERED_AT_ONCE) {
      const some = others.slice(at, at + REGISTERED_AT_ONCE);
      const arrived = some.flatMap((hash) => this.#read(hash, along.get(hash)) ?? []);
      const read = new Set(arrived.map(({ hash }) => hash));
      const fetched = await this.#fetch(some.filter((hash) => !read.has(hash)));
      await this.#register([...arrived, ...fetched], found);
    }
    await this.#haveReloaded(this.#seriesRevision);
    for (const slots of found.values()) this.#remember(slots);
    return found;
  }

  async #findRegistered(hashes: readonly bigint[], found: Map<bigint, SlotMetrics>): Promise<void> {
    for (let at = 0; at < hashes.length; at += HASHES_PER_QUERY_MAX) {
      const rows = await this.#store.rows<{ hash: string; metric_ids: string[] }>(
        `SELECT hash, any(metric_ids) AS metric_ids FROM catalogues
         WHERE hash IN {hashes:Array(UInt64)} GROUP BY hash`,
        { hashes: hashes.slice(at, at + HASHES_PER_QUERY_MAX) },
      );
      for (const row of rows) {
        const hash = BigInt(row.hash);
        found.set(hash, this.#slotsOf(hash, row.metric_ids.map(BigInt)));
      }
    }
  }

  #read(hash: bigint, read: ReadCatalogue | undefined): Catalogue | undefined {
    try {
      return read?.();
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error;
      this.#refuse(hash, reasonOf(error));
      return undefined;
    }
  }

  /** From the compacted subjects. */
  async #fetch(hashes: readonly bigint[]): Promise<Catalogue[]> {
    const fetched: Catalogue[] = [];
    for (let at = 0; at < hashes.length; at += FETCHES_AT_ONCE) {
      const some = hashes.slice(at, at + FETCHES_AT_ONCE);
      const catalogues = await Promise.all(some.map((hash) => this.#fetchOne(hash)));
      for (const catalogue of catalogues) if (catalogue !== undefined) fetched.push(catalogue);
    }
    return fetched;
  }

  async #fetchOne(hash: bigint): Promise<Catalogue | undefined> {
    try {
      const payload = await shelvedCatalogue(this.#bus, hash);
      if (payload === undefined) return undefined;
      const catalogue = decodeCatalogue(payload);
      if (catalogue.hash === hash) return catalogue;
      this.#refuse(hash, 'its subject holds another one');
    } catch (error) {
      if (!isCode(error, 'catalogue_invalid')) throw error;
      this.#refuse(hash, reasonOf(error));
    }
    return undefined;
  }

  async #register(
    catalogues: readonly Catalogue[],
    found: Map<bigint, SlotMetrics>,
  ): Promise<void> {
    if (catalogues.length === 0) return;
    const candidates = catalogues.map((catalogue) => this.#candidate(catalogue));
    const owners = await this.#owners(new Set(candidates.flatMap(({ ids }) => ids)));
    const series: object[] = [];
    const accepted = candidates.filter((candidate) => this.#accept(candidate, owners, series));
    if (series.length > 0) {
      await this.#store.insertRows('series', series);
      this.#seriesRevision += 1;
    }
    if (accepted.length === 0) return;
    await this.#store.insertRows(
      'catalogues',
      accepted.map(({ catalogue, ids }) => ({
        hash: catalogue.hash.toString(),
        metric_ids: ids.map(String),
      })),
    );
    for (const { catalogue, ids } of accepted) {
      found.set(catalogue.hash, this.#slotsOf(catalogue.hash, ids));
    }
  }

  #candidate(catalogue: Catalogue): Candidate {
    const keys = catalogue.series.map(({ name, labels }) => seriesKey(name, labels));
    const ids = catalogue.series.map(({ name, labels }, slot) => {
      const key = keys[slot]!;
      const known = this.#ids.get(key);
      if (known !== undefined) return known;
      if (this.#ids.size >= KNOWN_IDS_MAX) this.#ids.clear();
      const id = metricId(name, labels);
      this.#ids.set(key, id);
      return id;
    });
    return { catalogue, keys, ids };
  }

  #slotsOf(hash: bigint, ids: readonly bigint[]): SlotMetrics {
    return { hash, metrics: Int32Array.from(ids, (id) => this.numbers.numberOf(id)) };
  }

  /** The series that ids belong to already. */
  async #owners(ids: ReadonlySet<bigint>): Promise<Map<bigint, string>> {
    const owners = new Map<bigint, string>();
    const all = [...ids];
    for (let at = 0; at < all.length; at += IDS_PER_QUERY_MAX) {
      const rows = await this.#store.rows<SeriesRow>(
        `SELECT metric_id, name, label_names, label_values FROM series
         WHERE metric_id IN {ids:Array(UInt64)}`,
        { ids: all.slice(at, at + IDS_PER_QUERY_MAX) },
      );
      for (const row of rows) owners.set(BigInt(row.metric_id), keyOf(row));
    }
    return owners;
  }

  /** Adds the rows of its series that are new, unless one of its ids belongs to another series. */
  #accept(
    { catalogue, keys, ids }: Candidate,
    owners: Map<bigint, string>,
    rows: object[],
  ): boolean {
    const fresh = new Map<bigint, { key: string; row: object }>();
    for (const [slot, info] of catalogue.series.entries()) {
      const id = ids[slot]!;
      const key = keys[slot]!;
      const owner = owners.get(id) ?? fresh.get(id)?.key;
      if (owner === undefined) fresh.set(id, { key, row: rowOf(id, info) });
      else if (owner !== key) {
        this.#refuse(
          catalogue.hash,
          `metric_collision: ${key} has the id of ${owner}: ${hexId(id)}`,
        );
        return false;
      }
    }
    for (const [id, { key, row }] of fresh) {
      owners.set(id, key);
      rows.push(row);
    }
    return true;
  }

  async #haveReloaded(revision: number): Promise<void> {
    if (this.#reloadedRevision >= revision) return;
    await this.#reload.request();
    this.#reloadedRevision = Math.max(this.#reloadedRevision, revision);
  }

  /** What is forgotten for want of room is found again in ClickHouse. */
  #remember(slots: SlotMetrics): void {
    if (this.#known.find(slots.hash) !== undefined) return;
    this.#known.set(slots.hash, slots);
    this.#slots += slots.metrics.length;
    for (const { hash, metrics } of this.#known.values()) {
      if (this.#slots <= this.#slotsMax) return;
      this.#known.delete(hash);
      this.#slots -= metrics.length;
    }
  }

  #refuse(hash: bigint, reason: string): void {
    if (this.#refused.has(hash) || this.#refused.size >= COMPLAINTS_MAX) return;
    this.#refused.add(hash);
    this.#bus.log.error({ catalogue: hexId(hash), reason }, 'catalogue cannot be used');
  }
}

function keyOf(row: SeriesRow): string {
  return seriesKey(
    row.name,
    row.label_names.map((name, i) => [name, row.label_values[i]!] as const),
  );
}

function rowOf(id: bigint, { name, labels, kind, unit, help }: SeriesInfo): object {
  return {
    metric_id: id.toString(),
    name,
    label_names: labels.map(([label]) => label),
    label_values: labels.map(([, value]) => value),
    kind,
    unit,
    help,
  };
}
