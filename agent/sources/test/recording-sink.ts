import { seriesKey, type Label } from '../../../pipeline/wire/catalogue.ts';
import type { Metric, SeriesSink, Source } from '../../source.ts';

/** Remembers what was declared, set and found malformed, so that a test can look at it. */
export class RecordingSink implements SeriesSink {
  /** By slot. */
  readonly keys: string[] = [];
  readonly metrics: Metric[] = [];
  readonly malformations: string[] = [];
  readonly #values = new Map<number, number>();

  declare(metric: Metric, labels: readonly Label[] = []): number {
    const key = seriesKey(
      metric.name,
      labels.toSorted(([a], [b]) => (a < b ? -1 : 1)),
    );
    const known = this.keys.indexOf(key);
    if (known !== -1) return known;
    this.metrics.push(metric);
    return this.keys.push(key) - 1;
  }

  set(slot: number, value: number): void {
    if (this.keys[slot] === undefined) throw new RangeError(`no slot ${slot}`);
    this.#values.set(slot, value);
  }

  malformed(source: string, detail: string): void {
    this.malformations.push(`${source}: ${detail}`);
  }

  /** Reads a source once and returns what it set, by series. */
  tick(source: Source): Record<string, number> {
    this.#values.clear();
    source.read(this);
    return Object.fromEntries([...this.#values].map(([slot, value]) => [this.keys[slot], value]));
  }

  /** As `name kind unit`, once a metric. */
  kinds(): string[] {
    return [...new Set(this.metrics.map(({ name, kind, unit }) => `${name} ${kind} ${unit}`))];
  }
}
