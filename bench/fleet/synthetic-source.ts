import type { Metric, SeriesSink, Source } from '../../agent/source.ts';
import { weightOf } from './checksum.ts';
import { BREACHES } from './fleet-source.ts';
import type { Breach, FleetSource } from './fleet-source.ts';
import { mixed, SeededRandom } from './random.ts';

/** The label by which a series is known; its weight in a checksum follows from it. */
export const SERIES_LABEL = 'series';
export const SERIES_MIN = BREACHES.length + 4;

const metric = (name: string, kind: Metric['kind'], help: string): Metric => ({
  name,
  kind,
  unit: '',
  help,
});

const COUNTER = metric('sim_work_total', 'counter', 'Grows at every tick.');
const LEVEL = metric('sim_level', 'gauge', 'Wanders.');
const CONSTANT = metric('sim_capacity', 'gauge', 'Never changes.');
const GAPPED = metric('sim_gapped', 'gauge', 'Absent at every third tick.');
const NOT_A_NUMBER = metric('sim_not_a_number', 'gauge', 'NaN at every fourth tick.');

/** Of every so many series: two counters, one wandering gauge, one constant. */
const MIX = [COUNTER, LEVEL, COUNTER, CONSTANT] as const;

/**
 * Readings of a host that does not exist: a given number of series whose values follow from a seed.
 */
export class SyntheticSource implements FleetSource {
  readonly name = 'synthetic';
  readonly values: Float64Array;
  readonly present: Uint8Array;
  readonly weights: Uint32Array;
  readonly #random: SeededRandom;
  readonly #metrics: readonly Metric[];
  #slots: number[] = [];
  #reads = 0;

  /** @param series how many, at least `SERIES_MIN` */
  constructor(series: number, seed: number) {
    this.#random = new SeededRandom(mixed(seed));
    this.values = new Float64Array(series);
    this.present = new Uint8Array(series).fill(1);
    this.weights = Uint32Array.from({ length: series }, (_, i) => weightOf(i));
    this.#metrics = metricsOf(series);
    for (let i = BREACHES.length; i < series; i += 1) this.values[i] = this.#random.below(1000);
  }

  readonly open = (): Source => {
    this.#slots = [];
    return this;
  };

  set(breach: Breach, isOn: boolean): void {
    this.values[BREACHES.indexOf(breach)] = isOn ? 1 : 0;
  }

  read(sink: SeriesSink): void {
    if (this.#slots.length === 0) this.#declare(sink);
    this.#reads += 1;
    this.#advance();
    const { length } = this.values;
    for (let i = 0; i < length; i += 1) {
      if (this.present[i] === 1) sink.set(this.#slots[i]!, this.values[i]!);
    }
  }

  close(): void {}

  #declare(sink: SeriesSink): void {
    this.#slots = this.#metrics.map((each, i) => sink.declare(each, [[SERIES_LABEL, String(i)]]));
  }

  #advance(): void {
    const { values } = this;
    const metrics = this.#metrics;
    for (let i = BREACHES.length; i < values.length; i += 1) {
      const each = metrics[i];
      if (each === COUNTER) values[i]! += this.#random.bits() & 0xff;
      else if (each === LEVEL) values[i]! += this.#random.next() - 0.5;
      else if (each === NOT_A_NUMBER) values[i] = this.#reads % 4 === 0 ? NaN : this.#reads;
      else if (each === GAPPED) this.present[i] = this.#reads % 3 === 0 ? 0 : 1;
    }
  }
}

function metricsOf(series: number): Metric[] {
  const metrics: Metric[] = BREACHES.map((name) => metric(name, 'gauge', 'Set by a script.'));
  metrics.push(GAPPED, NOT_A_NUMBER);
  while (metrics.length < series) metrics.push(MIX[metrics.length % MIX.length]!);
  return metrics;
}
