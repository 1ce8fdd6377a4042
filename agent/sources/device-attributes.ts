import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { Metric, SeriesSink } from '../source.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { KernelFile, SELDOM_READS } from './kernel-file.ts';
import { SHOWN_READS_MAX, type Pace } from './pace.ts';
import { declareRow } from './series-row.ts';
import type { SourcePart } from './source-parts.ts';
import { SysfsAttribute } from './sysfs-attribute.ts';

/** No attribute is larger than a page (the kernel's Documentation/filesystems/sysfs.rst). */
const PAGE_BYTES = 4096;
const UNDECLARED = -2;
const NOT_WANTED = -1;

/** What one of a device's files means; the value is `number * multiplier / divisor`. */
export interface Attribute {
  /** Below the device's directory. */
  readonly file: string;
  readonly metric: Metric;
  /** The device's labels if left out. */
  readonly labels?: readonly Label[];
  /** Finds the number in the file; NaN if it is not there. A plain number if left out. */
  readonly parse?: (scan: ByteScanner) => number;
  /** The number that says that there is none. */
  readonly none?: number;
  readonly multiplier?: number;
  readonly divisor?: number;
  /** Hardly ever changes; the last value is shown in between. */
  readonly seldom?: boolean;
  /** May hold something else than a number, which is not worth a word. */
  readonly lenient?: boolean;
}

/** The numbers of one device: a series for each of its files. */
export class DeviceAttributes implements SourcePart {
  readonly #readings: readonly AttributeReading[];
  readonly #pace: Pace;

  constructor(
    source: string,
    directory: string,
    labels: readonly Label[],
    attributes: readonly Attribute[],
    pace: Pace,
  ) {
    this.#readings = attributes.map((attribute, index) => {
      const own = attribute.labels ?? labels;
      // Not all of them at the same time.
      const firstPeriod = 1 + (index % SELDOM_READS);
      return new AttributeReading(source, directory, own, attribute, firstPeriod);
    });
    this.#pace = pace;
  }

  read(sink: SeriesSink): void {
    for (const reading of this.#readings) reading.read(sink, this.#pace);
  }

  close(): void {
    for (const reading of this.#readings) reading.close();
  }
}

class AttributeReading {
  readonly #source: string;
  readonly #path: string;
  readonly #labels: readonly Label[];
  readonly #attribute: Attribute;
  readonly #factor: number;
  readonly #divisor: number;
  readonly #number: SysfsAttribute | null;
  readonly #file: KernelFile | null;
  #slot = UNDECLARED;
  /** NaN is absent. */
  #value = NaN;
  #round = 0;
  #readAt = 0;
  /** For what is read seldom. */
  #dueAt = 0;
  #period: number;

  /** What is read seldom comes again in `firstPeriod` readings, and then in `SELDOM_READS`. */
  constructor(
    source: string,
    directory: string,
    labels: readonly Label[],
    attribute: Attribute,
    firstPeriod: number,
  ) {
    this.#source = source;
    this.#path = `${directory}/${attribute.file}`;
    this.#labels = labels;
    this.#attribute = attribute;
    this.#period = firstPeriod;
    this.#factor = attribute.multiplier ?? 1;
    this.#divisor = attribute.divisor ?? 1;
    const plain = attribute.parse === undefined;
    this.#number = plain ? new SysfsAttribute(this.#path) : null;
    this.#file = plain ? null : new KernelFile(this.#path, source, { bytesMax: PAGE_BYTES });
  }

  read(sink: SeriesSink, pace: Pace): void {
    if (this.#slot === NOT_WANTED) return;
    if (this.#isDue(pace) && pace.hasTime()) {
      this.#round = pace.round;
      this.#readAt = pace.reading;
      this.#dueAt = pace.reading + this.#period;
      this.#period = SELDOM_READS;
      this.#load(sink);
    }
    if (Number.isNaN(this.#value) || pace.reading - this.#readAt >= SHOWN_READS_MAX) return;
    if (this.#slot === UNDECLARED) this.#declare(sink);
    if (this.#slot >= 0) sink.set(this.#slot, this.#value);
  }

  close(): void {
    this.#number?.close();
    this.#file?.close();
  }

  #isDue(pace: Pace): boolean {
    return this.#attribute.seldom === true
      ? pace.reading >= this.#dueAt
      : this.#round !== pace.round;
  }

  #load(sink: SeriesSink): void {
    const number = this.#number === null ? this.#parse(sink) : this.#number.number();
    const { seldom, none, lenient } = this.#attribute;
    if (seldom === true) this.close();
    const present = number !== undefined && number !== none;
    this.#value = present ? (number * this.#factor) / this.#divisor : NaN;
    if (present && Number.isNaN(number) && lenient !== true) {
      sink.malformed(this.#source, `no number in ${this.#path}`);
    }
  }

  #parse(sink: SeriesSink): number | undefined {
    return this.#file!.load(sink) ? this.#attribute.parse!(this.#file!.scan) : undefined;
  }

  #declare(sink: SeriesSink): void {
    const { metric } = this.#attribute;
    this.#slot = declareRow(sink, this.#source, [metric], this.#labels)?.[0] ?? NOT_WANTED;
    if (this.#slot === NOT_WANTED) this.close();
  }
}
