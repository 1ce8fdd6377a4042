import type { Store } from '../../pipeline/store/store.ts';
import type { Figures } from './figures.ts';

interface FigureRow {
  name: string;
  sum: number;
  rate: number | null;
}

/** Older reports are not the present: then whoever can be asked is asked. */
const FRESH_SECONDS = 15;
const RATE_OVER_SECONDS = 60;
/** Over less a rate jumps: a target speaks once in 5 seconds, and a component of itself too. */
const RATE_OVER_SECONDS_MIN = 10;

/** What every writer says of what all of them share, such as `rollcall_stream_bytes`: it counts once. */
const SHARED = '^rollcall_stream_';

/**
 * What the components of the whole fleet last said, added up; of what they share, what was said last of
 * each series.
 */
export class StoredFigures implements Figures {
  readonly #rows: ReadonlyMap<string, FigureRow>;

  private constructor(rows: readonly FigureRow[]) {
    this.#rows = new Map(rows.map((row) => [row.name, row]));
  }

  /** @throws RollcallError `clickhouse_failed` */
  static async read(store: Store, names: readonly string[]): Promise<StoredFigures> {
    const rows = await store.rows<FigureRow>(
      `WITH
         said AS
         (
           SELECT
             any(series.name) AS name,
             samples.metric_id AS metric_id,
             target_id,
             argMax(value, time) AS last,
             max(time) AS newest,
             deltaSumTimestamp(value, toUnixTimestamp64Milli(time)) AS grown,
             dateDiff('millisecond', min(time), max(time)) / 1000 AS seconds
           FROM samples_between(start = now() - {over:UInt32}, end = now() + 86400) AS samples
           INNER JOIN (SELECT DISTINCT metric_id, name FROM series WHERE name IN {names:Array(String)})
             AS series ON series.metric_id = samples.metric_id
           WHERE samples.metric_id IN
               (SELECT metric_id FROM series WHERE name IN {names:Array(String)})
             AND target_id IN (SELECT id FROM targets WHERE address = '')
           GROUP BY samples.metric_id, target_id
         ),
         counted AS
         (
           SELECT * FROM said
           WHERE newest > now64(3) - toIntervalSecond({fresh:UInt32})
           ORDER BY newest DESC
           LIMIT 1 BY metric_id, if(match(name, {shared:String}), 0, target_id)
         )
       SELECT
         name,
         sum(last) AS sum,
         sumOrNull(if(seconds >= {least:UInt32}, grown / seconds, NULL)) AS rate
       FROM counted
       GROUP BY name`,
      {
        names,
        over: RATE_OVER_SECONDS,
        least: RATE_OVER_SECONDS_MIN,
        fresh: FRESH_SECONDS,
        shared: SHARED,
      },
    );
    return new StoredFigures(rows);
  }

  sum(name: string): number | undefined {
    return this.#rows.get(name)?.sum;
  }

  /** Growth of a counter a second, over the last minute; undefined until that is 10 seconds. */
  rate(name: string): number | undefined {
    return this.#rows.get(name)?.rate ?? undefined;
  }
}
