import { seriesKey } from '../../pipeline/wire/catalogue.ts';
import type { Label, SeriesInfo } from '../../pipeline/wire/catalogue.ts';

/** What a rule may ask of a series. */
export interface KnownSeries {
  /** `name{label="value"}`. */
  readonly key: string;
  readonly name: string;
  readonly labels: readonly Label[];
  /** In how many catalogues it is. */
  uses: number;
}

/**
 * The series of many catalogues, each kept once: hosts of one kind have all but a few in common. A catalogue is then a
 * list of numbers, 4 bytes a series where its packed text is 80.
 */
export class SeriesIndex {
  readonly #numbers = new Map<string, number>();
  readonly #series: (KnownSeries | undefined)[] = [];
  readonly #free: number[] = [];

  /** Different series. */
  get count(): number {
    return this.#numbers.size;
  }

  /** The numbers of a catalogue's series, in its order; good until they are released. */
  add(series: readonly SeriesInfo[]): Uint32Array {
    return Uint32Array.from(series, ({ name, labels }) => {
      const key = seriesKey(name, labels);
      const number = this.#numbers.get(key) ?? this.#place(key, name, labels);
      this.#series[number]!.uses += 1;
      return number;
    });
  }

  /** Says that a catalogue is no more; series that are in no other are forgotten. */
  release(numbers: Uint32Array): void {
    for (const number of numbers) {
      const known = this.#series[number]!;
      known.uses -= 1;
      if (known.uses > 0) continue;
      this.#numbers.delete(known.key);
      this.#series[number] = undefined;
      this.#free.push(number);
    }
  }

  get(number: number): KnownSeries {
    return this.#series[number]!;
  }

  #place(key: string, name: string, labels: readonly Label[]): number {
    const number = this.#free.pop() ?? this.#series.length;
    const ownLabels = labels.map(([label, value]) => [ownText(label), ownText(value)] as const);
    const series = { key: ownText(key), name: ownText(name), labels: ownLabels, uses: 0 };
    this.#series[number] = series;
    this.#numbers.set(series.key, number);
    return number;
  }
}

/** A copy: what was unpacked is a view of the catalogue's whole text, and would keep that (5 kB) in memory. */
function ownText(text: string): string {
  return Buffer.from(text).toString();
}
