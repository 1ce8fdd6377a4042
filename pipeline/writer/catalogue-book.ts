import type { Bus } from '../bus/bus.ts';
import { RollcallError } from '../error.ts';
import type { Store } from '../store/store.ts';
import { decodeCatalogue, metricId, seriesKey } from '../wire/catalogue.ts';
import type { Catalogue, SeriesInfo } from '../wire/catalogue.ts';
import { hexId } from '../wire/shard.ts';

/** A catalogue as the writer needs it: which metric each slot is. */
export interface SlotMetrics {
  readonly hash: bigint;
  readonly metricIds: BigUint64Array;
}

interface SeriesRow {
  metric_id: string;
  name: string;
  label_names: string[];
  label_values: string[];
}

/**
 * The catalogues the writer knows, all of them registered in ClickHouse before a sample that needs them
 * is inserted. One that did not come along the lane is fetched from its compacted subject.
 */
export class CatalogueBook {
  readonly #store: Store;
  readonly #bus: Bus;
  readonly #known = new Map<bigint, SlotMetrics>();

  constructor(store: Store, bus: Bus) {
    this.#store = store;
    this.#bus = bus;
  }

  get size(): number {
    return this.#known.size;
  }

  get(hash: bigint): SlotMetrics | undefined {
    return this.#known.get(hash);
  }

  /**
   * Makes a catalogue known and registered.
   *
   * @throws RollcallError `metric_collision` when one of its 64-bit ids belongs to another series;
   *   `clickhouse_failed`
   */
  async register(catalogue: Catalogue): Promise<SlotMetrics> {
    const known = this.#known.get(catalogue.hash);
    if (known !== undefined) return known;
    const ids = catalogue.series.map(({ name, labels }) => metricId(name, labels));
    await this.#registerSeries(catalogue.series, ids);
    await this.#store.insertRows('catalogues', [
      { hash: catalogue.hash.toString(), metric_ids: ids.map(String) },
    ]);
    const slots = { hash: catalogue.hash, metricIds: BigUint64Array.from(ids) };
    this.#known.set(catalogue.hash, slots);
    return slots;
  }

  /** Finds a catalogue that did not come along: on the bus, or among the registered ones. */
  async fetch(hash: bigint): Promise<SlotMetrics | undefined> {
    const known = this.#known.get(hash);
    if (known !== undefined) return known;
    const { topology } = this.#bus;
    const subject = topology.catalogueSubject(hexId(hash));
    const found = await this.#bus.last(topology.cataloguesStream, subject);
    if (found !== undefined) return this.register(decodeCatalogue(Uint8Array.from(found.data)));
    const [row] = await this.#store.rows<{ metric_ids: string[] }>(
      'SELECT metric_ids FROM catalogues WHERE hash = {hash:UInt64} LIMIT 1',
      { hash: hash.toString() },
    );
    if (row === undefined) return undefined;
    const slots = { hash, metricIds: BigUint64Array.from(row.metric_ids, BigInt) };
    this.#known.set(hash, slots);
    return slots;
  }

  async #registerSeries(series: readonly SeriesInfo[], ids: readonly bigint[]): Promise<void> {
    const rows = await this.#store.rows<SeriesRow>(
      `SELECT metric_id, name, label_names, label_values FROM series
       WHERE metric_id IN {ids:Array(UInt64)}`,
      { ids },
    );
    const registered = new Map(rows.map((row) => [BigInt(row.metric_id), keyOf(row)]));
    const missing: object[] = [];
    series.forEach((info, slot) => {
      const id = ids[slot]!;
      const key = seriesKey(info.name, info.labels);
      const owner = registered.get(id);
      if (owner === undefined) {
        registered.set(id, key);
        missing.push(rowOf(id, info));
      } else if (owner !== key) {
        throw new RollcallError('metric_collision', `${key} has the id of ${owner}: ${hexId(id)}`);
      }
    });
    if (missing.length > 0) await this.#store.insertRows('series', missing);
    // An embedded ClickHouse never reads dictionaries again by itself, others after seconds. The first
    // time also makes good what a predecessor may have left undone.
    if (missing.length === 0 && this.#known.size > 0) return;
    await this.#store.run('SYSTEM RELOAD DICTIONARY {database}.series_by_id');
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
