import { seriesKey, type Label, type SeriesKind } from '../../pipeline/wire/catalogue.ts';
import { goNumber, parseNumber } from './prom-number.ts';

/** One series of a family and its value. */
export interface PromSeries {
  readonly name: string;
  readonly labels: readonly Label[];
  readonly value: number;
}

/** The samples of a histogram or a summary that share all other labels. */
interface Distribution {
  readonly labels: readonly Label[];
  /** Values by upper bound or by quantile. */
  readonly parts: Map<number, number>;
  sum: number;
  count: number;
}

/** All samples of one metric name; of a histogram or a summary also those of its components. */
export class PromFamily {
  readonly name: string;
  help: string | undefined;
  kind: SeriesKind | undefined;
  readonly #samples: PromSeries[] = [];
  readonly #distributions = new Map<string, Distribution>();

  constructor(name: string) {
    this.name = name;
  }

  get empty(): boolean {
    return this.#samples.length === 0 && this.#distributions.size === 0;
  }

  /** Null, or what is wrong with the sample. */
  add(name: string, labels: readonly Label[], value: number): string | null {
    if (this.kind === 'histogram') return this.#addTo('le', name, labels, value);
    if (this.kind === 'summary') return this.#addTo('quantile', name, labels, value);
    this.#samples.push({ name, labels, value });
    return null;
  }

  /** A histogram always has its sum, its count and the bucket that holds everything. */
  series(): PromSeries[] {
    const all = [...this.#samples];
    for (const distribution of this.#distributions.values()) {
      if (this.kind === 'histogram') this.#addBuckets(all, distribution);
      else this.#addQuantiles(all, distribution);
      const { labels, sum, count } = distribution;
      all.push({ name: `${this.name}_sum`, labels, value: sum });
      all.push({ name: `${this.name}_count`, labels, value: count });
    }
    return all;
  }

  #addTo(partLabel: string, name: string, labels: readonly Label[], value: number): string | null {
    const others = labels.filter(([label]) => label !== partLabel);
    const text = labels.find(([label]) => label === partLabel)?.[1];
    const part = text === undefined ? NaN : parseNumber(text);
    if (part === null) return `no number in ${partLabel}`;
    const distribution = this.#distribution(others);
    if (name === `${this.name}_count`) distribution.count = Math.trunc(value);
    else if (name === `${this.name}_sum`) distribution.sum = value;
    else if (!Number.isNaN(part)) {
      distribution.parts.set(part, this.kind === 'histogram' ? Math.trunc(value) : value);
    }
    return null;
  }

  #distribution(labels: readonly Label[]): Distribution {
    const key = seriesKey('', sortedLabels(labels));
    let distribution = this.#distributions.get(key);
    if (distribution === undefined) {
      distribution = { labels, parts: new Map(), sum: 0, count: 0 };
      this.#distributions.set(key, distribution);
    }
    return distribution;
  }

  #addBuckets(into: PromSeries[], { labels, parts, count }: Distribution): void {
    const name = `${this.name}_bucket`;
    for (const bound of [...parts.keys()].toSorted((a, b) => a - b)) {
      into.push({ name, labels: [...labels, ['le', goNumber(bound)]], value: parts.get(bound)! });
    }
    if (parts.has(Infinity)) return;
    into.push({ name, labels: [...labels, ['le', '+Inf']], value: count });
  }

  #addQuantiles(into: PromSeries[], { labels, parts }: Distribution): void {
    for (const [quantile, value] of parts) {
      into.push({ name: this.name, labels: [...labels, ['quantile', goNumber(quantile)]], value });
    }
  }
}

export function sortedLabels(labels: readonly Label[]): Label[] {
  return labels.toSorted(([a], [b]) => (a < b ? -1 : 1));
}
