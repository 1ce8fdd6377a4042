import type { Label } from '../../pipeline/wire/catalogue.ts';
import { metricId } from '../../pipeline/wire/catalogue.ts';
import type { Metric, SeriesSink } from '../../agent/source.ts';
import { RollcallError } from '../../pipeline/error.ts';
import { BREACHES } from '../fleet/fleet-source.ts';
import { decimalOf, factorsOf, mantissaOf } from './decimal.ts';
import { doesVary, isWhole } from './recording.ts';
import type { RecordedSeries, Recording } from './recording.ts';

/** The label of the second and further copies of a recorded series. */
const COPY_LABEL = 'copy';

/** A series that every host has under labels of its own; its value is always 1. */
export interface OwnSeries {
  readonly metric: Metric;
  /** Sorted by name. */
  readonly labelsOf: (host: number) => readonly Label[];
}

interface Entry {
  readonly metric: Metric;
  readonly labels: readonly Label[];
  /** Undefined for a gauge that a script sets, and for what is always 1. */
  readonly recorded: RecordedSeries | undefined;
}

/**
 * A recording made ready to be repeated, shared by all hosts of a process. The first series are the `BREACHES`, then
 * those of `own`, as host 0 has them; what follows is whole numbers, a tick's beside each other:
 *
 *     value = (rows[tick] + growth * lap + floor(first * share)) * factor / divisor / second
 *
 * `growth` and `first` are 0 for what does not accumulate. Sums of whole numbers are exact, and
 * then the recorded agent's own steps follow (`decimal.ts`): a value has no more digits than one that was really said.
 */
export class Replay {
  readonly ticks: number;
  /** Series, the breaches included. */
  readonly count: number;
  /** `ticks` times `count` mantissas. */
  readonly rows: Float64Array;
  readonly growth: Float64Array;
  readonly first: Float64Array;
  readonly factor: Float64Array;
  readonly divisor: Float64Array;
  readonly second: Float64Array;
  /** What each series weighs in a checksum: the low half of its metric's id, made odd. */
  readonly weights: Uint32Array;
  /** The values that a host said last; the next host overwrites them. */
  readonly values: Float64Array;
  readonly present: Uint8Array;
  readonly #entries: readonly Entry[];
  readonly #slots = new WeakMap<SeriesSink, Int32Array>();

  /**
   * @param series how many, the breaches and `own` included; recorded ones are repeated if there are fewer
   * @throws RollcallError `recording_invalid` if nothing can be repeated
   */
  constructor(recording: Recording, series: number, own: readonly OwnSeries[] = []) {
    this.#entries = entriesOf(recording, series, own);
    this.ticks = recording.ticks;
    this.count = this.#entries.length;
    this.rows = new Float64Array(this.ticks * this.count);
    this.growth = new Float64Array(this.count);
    this.first = new Float64Array(this.count);
    this.factor = new Float64Array(this.count).fill(1);
    this.divisor = new Float64Array(this.count).fill(1);
    this.second = new Float64Array(this.count).fill(1);
    this.values = new Float64Array(this.count);
    this.present = new Uint8Array(this.count).fill(1);
    this.weights = Uint32Array.from(this.#entries, ({ metric, labels }) =>
      weightOfMetric(metricId(metric.name, labels)),
    );
    for (const [i, { recorded }] of this.#entries.entries()) {
      if (recorded !== undefined) this.#lay(i, recorded);
    }
    const first = BREACHES.length;
    for (let tick = 0; tick < this.ticks; tick += 1) {
      this.rows.fill(1, tick * this.count + first, tick * this.count + first + own.length);
    }
  }

  /** The slots of all series with a sink: hosts that share one declare them once. */
  slotsOf(sink: SeriesSink): Int32Array {
    return this.#slots.get(sink) ?? this.declare(sink);
  }

  /** Asks for the slots again: those that were given out are not good any more. */
  declare(sink: SeriesSink): Int32Array {
    const slots = Int32Array.from(this.#entries, ({ metric, labels }) =>
      sink.declare(metric, labels),
    );
    this.#slots.set(sink, slots);
    return slots;
  }

  #lay(i: number, series: RecordedSeries): void {
    const decimal = decimalOf(series.values);
    let column = series.values;
    if (decimal !== undefined) {
      column = column.map((value) => mantissaOf(value, decimal));
      const { factor, divisor, second } = factorsOf(decimal);
      this.factor[i] = factor;
      this.divisor[i] = divisor;
      this.second[i] = second;
    }
    if (doesAccumulate(series)) {
      column = withoutResets(column);
      this.first[i] = column[0]!;
      this.growth[i] = column.at(-1)! - column[0]!;
    }
    for (let tick = 0; tick < this.ticks; tick += 1) {
      this.rows[tick * this.count + i] = column[tick]!;
    }
  }
}

/** The low half of a metric's id with bit 0 set: a database that has ids has weights. */
export function weightOfMetric(id: bigint): number {
  return Number(id & 0xffff_ffffn) | 1;
}

/**
 * Whether the series goes on growing from lap to lap. The kernel's network and memory statistics do not say what
 * they are (`untyped`): those that only ever grew are taken for counters.
 */
function doesAccumulate(series: RecordedSeries): boolean {
  const { kind, values } = series;
  if (kind !== 'untyped') return kind !== 'gauge';
  return doesVary(series) && values.every((value, i) => i === 0 || value >= values[i - 1]!);
}

/** A counter that began anew goes on from where it was. */
function withoutResets(column: Float64Array): Float64Array {
  let lost = 0;
  return column.map((value, tick) => {
    const before = tick === 0 ? value : column[tick - 1]!;
    if (value < before) lost += before;
    return value + lost;
  });
}

function entriesOf(recording: Recording, series: number, own: readonly OwnSeries[]): Entry[] {
  const wanted = series - BREACHES.length - own.length;
  const chosen = chosenOf(recording, wanted);
  if (chosen.length === 0 || recording.ticks < 2) {
    throw new RollcallError('recording_invalid', 'the recording has nothing that can be repeated');
  }
  const entries: Entry[] = BREACHES.map((name) => ({
    metric: { name, kind: 'gauge', unit: '', help: 'Set by a script.' },
    labels: [],
    recorded: undefined,
  }));
  for (const { metric, labelsOf } of own) {
    entries.push({ metric, labels: labelsOf(0), recorded: undefined });
  }
  for (let i = 0; i < wanted; i += 1) {
    const recorded = chosen[i % chosen.length]!;
    const copy = Math.floor(i / chosen.length) + 1;
    const { name, kind, unit, help } = recorded;
    const labels = copy === 1 ? recorded.labels : withCopy(recorded.labels, copy);
    entries.push({ metric: { name, kind, unit, help }, labels, recorded });
  }
  return entries;
}

function withCopy(labels: readonly Label[], copy: number): Label[] {
  const all: Label[] = [...labels, [COPY_LABEL, String(copy)]];
  return all.toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * The series to repeat, in the order of the recording: those that were there at every tick, and if that is too many,
 * those that vary rather than those that do not, and of these rather those that are not 0.
 */
function chosenOf({ series }: Recording, wanted: number): RecordedSeries[] {
  const whole = series.filter((each) => isWhole(each));
  const ranked = whole.toSorted((a, b) => dullness(a) - dullness(b));
  const chosen = new Set(ranked.slice(0, Math.max(0, wanted)));
  return whole.filter((each) => chosen.has(each));
}

function dullness(series: RecordedSeries): number {
  if (doesVary(series)) return 0;
  return series.values[0] === 0 ? 2 : 1;
}
