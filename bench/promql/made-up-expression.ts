import type { SeededRandom } from '../fleet/random.ts';

const SELECTORS = [
  'cpu_total',
  'mem',
  'odd',
  'info',
  'lat_bucket',
  'cpu_total{mode="idle"}',
  'cpu_total{instance=~"a|b"}',
  'mem{instance!="a"}',
  '{__name__=~"mem|odd"}',
  'nothing',
  'mem{instance="a"}',
];
const OVER_RANGE = `rate increase delta irate idelta changes resets deriv avg_over_time
  sum_over_time min_over_time max_over_time count_over_time last_over_time
  present_over_time stddev_over_time stdvar_over_time absent_over_time`.split(/\s+/);
const OF_VALUE = `abs ceil floor exp sqrt ln log2 log10 sgn sort sort_desc absent timestamp sin
  atan deg rad`.split(/\s+/);
/** Of numbers that are times: what NaN is a date of is nobody's business. */
const OF_DATE = 'hour minute day_of_week year month days_in_month day_of_year day_of_month'.split(
  ' ',
);
const GROUPINGS = [
  '',
  ' by (instance)',
  ' by (job, mode)',
  ' without (mode)',
  ' by (nope)',
  ' without (instance, __name__)',
];
const MATCHINGS = [
  '',
  ' on (instance)',
  ' ignoring (mode)',
  ' on (instance) group_left (version)',
  ' on (instance, job) group_right ()',
  ' ignoring (mode, le) group_left ()',
];
const COMPARISONS = ['==', '!=', '<', '<=', '>', '>='];
const SETS = ['and', 'or', 'unless'];

/** Expressions of everything that rules are made of, most of which mean something to `MadeUpSeries`. */
export class MadeUpExpressions {
  readonly #random: SeededRandom;
  readonly #kinds: readonly (readonly [weight: number, make: (depth: number) => string])[];

  constructor(random: SeededRandom) {
    this.#random = random;
    const vector = (depth: number): string => this.#vector(depth);
    this.#kinds = [
      [18, () => this.#selector()],
      [20, (depth) => `${this.#pick(OVER_RANGE)}(${this.#range(depth)})`],
      [4, () => `quantile_over_time(${this.#pick(['0.5', '0.9', '-1', '2'])}, ${this.#span()})`],
      [3, () => `predict_linear(${this.#span()}, ${this.#pick(['60', '3600', '-30'])})`],
      [17, (depth) => this.#aggregation(depth)],
      [2, (depth) => `count_values("v", ${vector(depth)})`],
      [9, (depth) => this.#withNumber(depth)],
      [8, (depth) => this.#withVector(depth)],
      [4, (depth) => `${this.#pick(OF_VALUE)}(${vector(depth)})`],
      [2, (depth) => `round(${vector(depth)}${this.#pick(['', ', 0.5', ', 10'])})`],
      [
        2,
        (depth) =>
          `${this.#pick(['clamp_min', 'clamp_max'])}(${vector(depth)}, ${this.#pick(['0', '10', 'NaN'])})`,
      ],
      [1, (depth) => `clamp(${vector(depth)}, ${this.#pick(['0, 10', '5, 1', '-1, 1'])})`],
      [
        1,
        () =>
          `${this.#pick(OF_DATE)}(timestamp(${this.#selector()}) * ${this.#pick(['1', '1e6', '-3e5'])})`,
      ],
      [1, () => this.#histogram()],
      [1, (depth) => `label_replace(${vector(depth)}, "new", "x-$1", "instance", "(a|b).*")`],
      [1, (depth) => `label_join(${vector(depth)}, "new", "-", "instance", "mode")`],
      [2, (depth) => `-${vector(depth)}`],
    ];
  }

  next(): string {
    return this.#vector(this.#random.below(4));
  }

  #pick<T>(all: readonly T[]): T {
    return all[this.#random.below(all.length)]!;
  }

  #vector(depth: number): string {
    if (depth <= 0) return this.#selector();
    let left = this.#random.next() * this.#kinds.reduce((sum, [weight]) => sum + weight, 0);
    const kind = this.#kinds.find(([weight]) => (left -= weight) < 0);
    return kind![1](depth - 1);
  }

  #selector(): string {
    const offset = this.#random.next() < 0.15 ? ` offset ${this.#pick(['1m', '37s', '5m'])}` : '';
    return `${this.#pick(SELECTORS)}${offset}`;
  }

  #range(depth: number): string {
    if (this.#random.next() < 0.8) return this.#span();
    const step = this.#pick(['', '30s', '1m']);
    return `(${this.#vector(depth)})[${this.#pick(['2m', '5m'])}:${step}]`;
  }

  #span(): string {
    const [selector, offset] = this.#selector().split(' offset ');
    const span = `${selector}[${this.#pick(['1m', '2m', '5m', '47s', '10m'])}]`;
    return offset === undefined ? span : `${span} offset ${offset}`;
  }

  #aggregation(depth: number): string {
    const operator = this.#pick(
      'sum avg min max count group stddev stdvar quantile topk bottomk'.split(' '),
    );
    const parameters: Readonly<Record<string, readonly string[]>> = {
      quantile: ['0', '0.5', '0.99', '1', '1.5'],
      topk: ['1', '2', '0', '-1'],
      bottomk: ['1', '2', '0', '-1'],
    };
    const parameter = parameters[operator];
    const given = parameter === undefined ? '' : `${this.#pick(parameter)}, `;
    return `${operator}${this.#pick(GROUPINGS)} (${given}${this.#vector(depth)})`;
  }

  #withNumber(depth: number): string {
    const operator = this.#pick(['+', '-', '*', '/', '%', '^', ...COMPARISONS]);
    const bool = COMPARISONS.includes(operator) && this.#random.next() < 0.3 ? ' bool' : '';
    const number = this.#pick([
      '0',
      '1',
      '2.5',
      '-3',
      'time()',
      'scalar(mem{instance="a"})',
      'Inf',
    ]);
    const sides = [this.#vector(depth), number];
    if (this.#random.next() < 0.5) sides.reverse();
    return `(${sides.join(` ${operator}${bool} `)})`;
  }

  #withVector(depth: number): string {
    const operator = this.#pick(['+', '-', '*', '/', '==', '!=', '<', '>', ...SETS]);
    const matching = this.#pick(MATCHINGS);
    const isRight = SETS.includes(operator) && matching.includes('group');
    const [left, right] = [this.#vector(depth), this.#vector(depth)];
    return `(${left} ${operator}${isRight ? '' : matching} ${right})`;
  }

  #histogram(): string {
    const buckets = ['lat_bucket', 'rate(lat_bucket[5m])', 'sum by (le) (rate(lat_bucket[2m]))'];
    return `histogram_quantile(${this.#pick(['0.5', '0.9', '0', '1', '2'])}, ${this.#pick(buckets)})`;
  }
}
