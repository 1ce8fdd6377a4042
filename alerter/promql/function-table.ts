import type { ValueType } from './expression.ts';

/** How a function is called, and what it gives back. */
export interface Signature {
  readonly args: readonly ValueType[];
  /** How many of the last arguments may be left out; -1: the last one may be repeated or left out. */
  readonly optional: number;
  readonly returns: ValueType;
}

const of = (
  args: readonly ValueType[],
  optional = 0,
  returns: ValueType = 'vector',
): Signature => ({ args, optional, returns });

const VECTOR = of(['vector']);
const MATRIX = of(['matrix']);
/** Of the time of evaluation when it is given nothing. */
const DATE = of(['vector'], 1);

const groups: readonly (readonly [names: readonly string[], signature: Signature])[] = [
  [['abs', 'absent', 'acos', 'acosh', 'asin', 'asinh', 'atan', 'atanh', 'ceil', 'cos'], VECTOR],
  [['cosh', 'deg', 'exp', 'floor', 'ln', 'log10', 'log2', 'rad', 'sgn', 'sin', 'sinh'], VECTOR],
  [['sort', 'sort_desc', 'sqrt', 'tan', 'tanh', 'timestamp'], VECTOR],
  [['absent_over_time', 'avg_over_time', 'changes', 'count_over_time', 'delta', 'deriv'], MATRIX],
  [['idelta', 'increase', 'irate', 'last_over_time', 'max_over_time', 'min_over_time'], MATRIX],
  [['present_over_time', 'rate', 'resets', 'stddev_over_time', 'stdvar_over_time'], MATRIX],
  [['sum_over_time'], MATRIX],
  [['day_of_month', 'day_of_week', 'day_of_year', 'days_in_month', 'hour'], DATE],
  [['minute', 'month', 'year'], DATE],
  [['clamp'], of(['vector', 'scalar', 'scalar'])],
  [['clamp_max', 'clamp_min'], of(['vector', 'scalar'])],
  [['histogram_quantile'], of(['scalar', 'vector'])],
  [['label_join'], of(['vector', 'string', 'string', 'string'], -1)],
  [['label_replace'], of(['vector', 'string', 'string', 'string', 'string'])],
  [['pi', 'time'], of([], 0, 'scalar')],
  [['predict_linear'], of(['matrix', 'scalar'])],
  [['quantile_over_time'], of(['scalar', 'matrix'])],
  [['round'], of(['vector', 'scalar'], 1)],
  [['scalar'], of(['vector'], 0, 'scalar')],
  [['vector'], of(['scalar'])],
];

/** The functions of PromQL that are evaluated, by name. */
export const FUNCTIONS: ReadonlyMap<string, Signature> = new Map(
  groups.flatMap(([names, signature]) => names.map((name) => [name, signature] as const)),
);
