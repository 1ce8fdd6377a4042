import { isComparison, isSetOperator } from '../expression.ts';
import type {
  Aggregation,
  BinaryExpression,
  Call,
  Expression,
  MatrixSelector,
  Subquery,
  VectorSelector,
} from '../expression.ts';
import { parseRegularExpression } from '../regular-expression.ts';
import type { RegularExpression } from '../regular-expression.ts';
import { typeOf } from '../type-check.ts';
import { aggregate, nanLast } from './aggregate.ts';
import { combine } from './arithmetic.ts';
import { histogramQuantiles } from './histogram.ts';
import {
  clamped,
  DATE_FUNCTIONS,
  greater,
  lesser,
  rounded,
  VALUE_FUNCTIONS,
} from './instant-functions.ts';
import { joinLabels, replaceLabel, unique } from './label-functions.ts';
import { Labels } from './labels.ts';
import { predicted, RANGE_FUNCTIONS } from './range-functions.ts';
import type { RangeFunction } from './range-functions.ts';
import type { SeriesSource, SourceSeries } from './series-source.ts';
import { quantileOf } from './statistics.ts';
import { evaluationError } from './value.ts';
import type { Matrix, VectorSample } from './value.ts';
import { combineSets, combineVectors } from './vector-match.ts';

export interface EngineOptions {
  /** How old the newest sample of a series may be, ms. */
  readonly lookbackMs: number;
  /** The step of a subquery that names none, ms. */
  readonly stepMs: number;
}

/** Evaluates expressions at single instants, as Prometheus does: what everything else is held against. */
export class Engine {
  readonly #source: SeriesSource;
  readonly #options: EngineOptions;

  constructor(source: SeriesSource, options: EngineOptions) {
    this.#source = source;
    this.#options = options;
  }

  /**
   * The samples that an expression comes to; a number is one without labels.
   *
   * @throws RollcallError `evaluation_failed`
   */
  evaluate(expr: Expression, atMs: number): VectorSample[] {
    if (typeOf(expr) === 'scalar')
      return [{ labels: Labels.NONE, value: this.#number(expr, atMs) }];
    return this.#vector(expr, atMs);
  }

  #number(expr: Expression, atMs: number): number {
    switch (expr.kind) {
      case 'number':
        return expr.value;
      case 'negation':
        return -this.#number(expr.expr, atMs);
      case 'binary': {
        const [left, right] = [this.#number(expr.left, atMs), this.#number(expr.right, atMs)];
        return combine(expr.operator, expr.isBool, left, right)!;
      }
      case 'call':
        return this.#numberOfCall(expr, atMs);
      default:
        throw evaluationError('this is no number');
    }
  }

  #numberOfCall({ name, args }: Call, atMs: number): number {
    if (name === 'time') return atMs / 1000;
    if (name === 'pi') return Math.PI;
    const vector = this.#vector(args[0]!, atMs);
    return vector.length === 1 ? vector[0]!.value : NaN;
  }

  #text(expr: Expression): string {
    if (expr.kind === 'string') return expr.value;
    throw evaluationError('this is no string');
  }

  #vector(expr: Expression, atMs: number): VectorSample[] {
    switch (expr.kind) {
      case 'selector':
        return this.#newest(expr, atMs).map(({ labels, value }) => ({ labels, value }));
      case 'negation':
        return unique(mapped(this.#vector(expr.expr, atMs), (value) => -value));
      case 'binary':
        return unique(this.#binary(expr, atMs));
      case 'aggregation':
        return this.#aggregation(expr, atMs);
      case 'call':
        return unique(this.#call(expr, atMs));
      default:
        throw evaluationError('this is no instant vector');
    }
  }

  /** Of each series the newest sample, unless it is too old or the series has ended. */
  #newest(
    selector: VectorSelector,
    atMs: number,
  ): { readonly labels: Labels; readonly value: number; readonly timeMs: number }[] {
    const endMs = atMs - selector.offsetMs;
    const series = this.#source.select(selector, endMs - this.#options.lookbackMs, endMs);
    return series.flatMap(({ labels, samples }) => {
      const { value, timeMs } = samples.at(-1) ?? {};
      return value === undefined ? [] : [{ labels, value, timeMs: timeMs! }];
    });
  }

  #binary(expr: BinaryExpression, atMs: number): VectorSample[] {
    const { operator, left, right, isBool } = expr;
    const isReckoned = isBool || !isComparison(operator);
    if (typeOf(left) === 'scalar') {
      const number = this.#number(left, atMs);
      return kept(this.#vector(right, atMs), isReckoned, (value) => {
        const result = combine(operator, isBool, number, value);
        // Kept is the sample, on whichever side it stands.
        return result === undefined || isReckoned ? result : value;
      });
    }
    if (typeOf(right) === 'scalar') {
      const number = this.#number(right, atMs);
      return kept(this.#vector(left, atMs), isReckoned, (value) => {
        return combine(operator, isBool, value, number);
      });
    }
    const operands = [this.#vector(left, atMs), this.#vector(right, atMs)] as const;
    return isSetOperator(operator) ? combineSets(expr, operands) : combineVectors(expr, operands);
  }

  #aggregation(expr: Aggregation, atMs: number): VectorSample[] {
    const { parameter } = expr;
    const given =
      parameter === undefined
        ? undefined
        : typeOf(parameter) === 'string'
          ? this.#text(parameter)
          : this.#number(parameter, atMs);
    return aggregate(expr, this.#vector(expr.expr, atMs), given);
  }

  #call(call: Call, atMs: number): VectorSample[] {
    const { name, args } = call;
    const [first] = args;
    const ofValue = VALUE_FUNCTIONS.get(name);
    if (ofValue !== undefined) return mapped(this.#vector(first!, atMs), ofValue);
    const ofDate = DATE_FUNCTIONS.get(name);
    if (ofDate !== undefined) {
      return first === undefined
        ? [{ labels: Labels.NONE, value: ofDate(atMs / 1000) }]
        : mapped(this.#vector(first, atMs), ofDate);
    }
    const ofRange = RANGE_FUNCTIONS.get(name);
    if (ofRange !== undefined) return this.#overRange(call, first!, atMs, ofRange);
    return this.#special(call, atMs);
  }

  #special(call: Call, atMs: number): VectorSample[] {
    const { name, args } = call;
    const vector = (i: number): VectorSample[] => this.#vector(args[i]!, atMs);
    const number = (i: number): number => this.#number(args[i]!, atMs);
    const text = (i: number): string => this.#text(args[i]!);
    switch (name) {
      case 'absent':
        return vector(0).length > 0 ? [] : [{ labels: absentLabels(args[0]!), value: 1 }];
      case 'absent_over_time':
        return this.#matrix(args[0]!, atMs).windows.length > 0
          ? []
          : [{ labels: absentLabels(args[0]!), value: 1 }];
      case 'clamp': {
        const [samples, min, max] = [vector(0), number(1), number(2)];
        return min > max ? [] : mapped(samples, (value) => clamped(value, min, max));
      }
      case 'clamp_max': {
        const max = number(1);
        return mapped(vector(0), (value) => lesser(max, value));
      }
      case 'clamp_min': {
        const min = number(1);
        return mapped(vector(0), (value) => greater(min, value));
      }
      case 'histogram_quantile':
        return histogramQuantiles(number(0), vector(1));
      case 'label_join':
        return joinLabels(
          vector(0),
          text(1),
          text(2),
          args.slice(3).map((arg) => this.#text(arg)),
        );
      case 'label_replace':
        return replaceLabel(vector(0), text(1), text(2), text(3), patternOf(text(4)));
      case 'predict_linear': {
        const seconds = number(1);
        return this.#overRange(call, args[0]!, atMs, (window) => predicted(window, atMs, seconds));
      }
      case 'quantile_over_time': {
        const share = number(0);
        return this.#overRange(call, args[1]!, atMs, ({ values }) => quantileOf(share, values));
      }
      case 'round': {
        const to = args.length > 1 ? number(1) : 1;
        return mapped(vector(0), (value) => rounded(value, to));
      }
      case 'sort':
        return vector(0).toSorted((a, b) => nanLast(a.value, b.value));
      case 'sort_desc':
        return vector(0).toSorted((a, b) => nanLast(-a.value, -b.value));
      case 'timestamp':
        return this.#timestamps(args[0]!, atMs);
      default:
        // `vector`: no other is left.
        return [{ labels: Labels.NONE, value: number(0) }];
    }
  }

  /** Of a selector those of its samples; of what is reckoned that of the reckoning. */
  #timestamps(expr: Expression, atMs: number): VectorSample[] {
    if (expr.kind !== 'selector') return mapped(this.#vector(expr, atMs), () => atMs / 1000);
    return this.#newest(expr, atMs).map(({ labels, timeMs }) => {
      return { labels: labels.nameless, value: timeMs / 1000 };
    });
  }

  #overRange(call: Call, range: Expression, atMs: number, of: RangeFunction): VectorSample[] {
    const { windows, startMs, endMs } = this.#matrix(range, atMs);
    // It is the series itself, a little later.
    const keepsName = call.name === 'last_over_time';
    return windows.flatMap((window) => {
      const value = of({ ...window, startMs, endMs });
      const labels = keepsName ? window.labels : window.labels.nameless;
      return value === undefined ? [] : [{ labels, value }];
    });
  }

  #matrix(expr: Expression, atMs: number): Matrix {
    if (expr.kind === 'matrix') return this.#range(expr, atMs);
    if (expr.kind === 'subquery') return this.#subquery(expr, atMs);
    throw evaluationError('this is no range');
  }

  #range({ selector, rangeMs }: MatrixSelector, atMs: number): Matrix {
    const endMs = atMs - selector.offsetMs;
    const startMs = endMs - rangeMs;
    const series = this.#source.select(selector, startMs, endMs);
    const windows = series.map(windowOf).filter(({ values }) => values.length > 0);
    return { windows, startMs, endMs };
  }

  /** At multiples of the step since 1970. */
  #subquery({ expr, rangeMs, stepMs, offsetMs }: Subquery, atMs: number): Matrix {
    const step = stepMs ?? this.#options.stepMs;
    const endMs = atMs - offsetMs;
    const startMs = endMs - rangeMs;
    const windows = new Map<string, { labels: Labels; timesMs: number[]; values: number[] }>();
    for (let timeMs = Math.ceil(startMs / step) * step; timeMs <= endMs; timeMs += step) {
      for (const { labels, value } of this.#vector(expr, timeMs)) {
        const window = windows.get(labels.key) ?? { labels, timesMs: [], values: [] };
        windows.set(labels.key, window);
        window.timesMs.push(timeMs);
        window.values.push(value);
      }
    }
    return { windows: [...windows.values()], startMs, endMs };
  }
}

function mapped(vector: readonly VectorSample[], of: (value: number) => number): VectorSample[] {
  return vector.map(({ labels, value }) => ({ labels: labels.nameless, value: of(value) }));
}

/** Those that have a value, without their name if it is another one than before. */
function kept(
  vector: readonly VectorSample[],
  isReckoned: boolean,
  of: (value: number) => number | undefined,
): VectorSample[] {
  return vector.flatMap(({ labels, value }) => {
    const result = of(value);
    if (result === undefined) return [];
    return [{ labels: isReckoned ? labels.nameless : labels, value: result }];
  });
}

function windowOf({ labels, samples }: SourceSeries): {
  labels: Labels;
  timesMs: number[];
  values: number[];
} {
  const there = samples.filter(({ value }) => value !== undefined);
  return {
    labels,
    timesMs: there.map(({ timeMs }) => timeMs),
    values: there.map(({ value }) => value!),
  };
}

/** What is not there can be known by what it had to be equal to. */
function absentLabels(expr: Expression): Labels {
  const selector = expr.kind === 'matrix' ? expr.selector : expr;
  if (selector.kind !== 'selector') return Labels.NONE;
  const seen = new Set<string>();
  let labels = Labels.NONE;
  for (const { name, operator, value } of selector.matchers) {
    if (name === '__name__') continue;
    labels = labels.with(name, operator === '=' && !seen.has(name) ? value : '');
    if (operator === '=') seen.add(name);
  }
  return labels;
}

/** @throws RollcallError `evaluation_failed` */
function patternOf(text: string): RegularExpression {
  const pattern = parseRegularExpression(text);
  if (pattern.ok) return pattern.value;
  throw evaluationError(`${JSON.stringify(text)}: ${pattern.faults[0]!.message}`);
}
