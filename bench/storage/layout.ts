import { RollcallError } from '../../pipeline/error.ts';

/** Another way for the rows of `series_minutes` to lie on disk, as changes of the schema's own statement. */
export interface Layout {
  readonly name: string;
  readonly what: string;
  readonly changes: readonly (readonly [from: string, to: string])[];
}

const BY_SERIES = '(metric_id, target_id, minute)';
const STEPS = 'CODEC(T64, ZSTD(3))';

/** The schema's own is the first. */
export const LAYOUTS: readonly Layout[] = [
  { name: 'schema', what: 'as the schema has it', changes: [] },
  {
    name: 'hour-partition',
    what: 'a partition an hour',
    changes: [['PARTITION BY toDate(minute)', 'PARTITION BY toStartOfHour(minute)']],
  },
  {
    name: 'hour-key',
    what: 'the hour first in the key',
    changes: [[`ORDER BY ${BY_SERIES}`, `ORDER BY (toStartOfHour(minute), ${BY_SERIES.slice(1)}`]],
  },
  {
    name: 'ten-minutes-key',
    what: 'ten minutes first in the key',
    changes: [
      [`ORDER BY ${BY_SERIES}`, `ORDER BY (toStartOfTenMinutes(minute), ${BY_SERIES.slice(1)}`],
    ],
  },
  { name: 'lz4', what: 'LZ4 instead of ZSTD(3)', changes: [['ZSTD(3)', 'LZ4']] },
  { name: 'zstd-1', what: 'ZSTD(1) instead of ZSTD(3)', changes: [['ZSTD(3)', 'ZSTD(1)']] },
  { name: 'zstd-6', what: 'ZSTD(6) instead of ZSTD(3)', changes: [['ZSTD(3)', 'ZSTD(6)']] },
  { name: 'steps-plain', what: 'steps without T64', changes: [[STEPS, 'CODEC(ZSTD(3))']] },
  {
    name: 'steps-by-bit',
    what: "steps under T64('bit')",
    changes: [[STEPS, "CODEC(T64('bit'), ZSTD(3))"]],
  },
];

/**
 * @param names of `LAYOUTS`
 * @throws RollcallError `usage`
 */
export function layoutsNamed(names: readonly string[]): Layout[] {
  return names.map((name) => {
    const layout = LAYOUTS.find((each) => each.name === name);
    if (layout !== undefined) return layout;
    const known = LAYOUTS.map((each) => each.name).join(', ');
    throw new RollcallError('usage', `there is no layout ${name}; there are ${known}`);
  });
}

/**
 * The statement that creates the table as the layout has it.
 *
 * @param create what the database says it was created with
 * @throws RollcallError `clickhouse_failed` if it has not what the layout changes
 */
export function laidOut(create: string, { name, changes }: Layout): string {
  return changes.reduce((statement, [from, to]) => {
    if (statement.includes(from)) return statement.replaceAll(from, to);
    throw new RollcallError('clickhouse_failed', `layout ${name}: the table has no ${from}`);
  }, create);
}
