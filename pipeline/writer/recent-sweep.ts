import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { untilAborted } from '../dial/until-aborted.ts';
import type { Store } from '../store/store.ts';
import { FailureStreak } from '../telemetry/failure-streak.ts';

const LOOK_EVERY_MS = 15_000;

/**
 * Partitions of closings that nobody has open: committed ones, and those of runs that are over. A run that
 * has not begun has open what it inserts before. All of it is read at once, for a run may begin meanwhile. What is
 * older than samples are kept belongs to streams that are gone with their writers.
 */
const CLOSED = `
  SELECT DISTINCT table, partition_id
  FROM system.parts
  WHERE database = {database:String} AND table IN ('samples_recent', 'frames_recent') AND active
    AND (toDate(extract(partition, '[0-9]{4}-[0-9]{2}-[0-9]{2}')) < toDate(now() - {seconds:UInt64})
      OR toUInt64(extract(partition, '[0-9]+')) NOT IN (
      SELECT arrayJoin([run + newest, run + newest + 1])
      FROM (
        SELECT run, greatest(max(number), 1) AS newest, epoch,
               maxIf(epoch, max(number) > 0) OVER (PARTITION BY lane, stream_id) AS head
        FROM lane_runs
        GROUP BY lane, stream_id, epoch, run
      )
      WHERE epoch >= head))`;

/**
 * Empties `samples_recent` and `frames_recent` of what is stored by the minute by now, or never will be. A query that has begun may
 * still be about to read it, so it goes at the look after the one that found it.
 */
export class RecentSweep {
  readonly #store: Store;
  readonly #keepMs: number;
  readonly #everyMs: number;
  readonly #looking: FailureStreak;
  #found: ReadonlySet<string> = new Set();

  /** `keepMs`: how long samples are kept. */
  constructor(store: Store, log: Logger, keepMs: number, everyMs = LOOK_EVERY_MS) {
    this.#store = store;
    this.#keepMs = keepMs;
    this.#everyMs = everyMs;
    const advice = 'allow SELECT on system.parts and ALTER DELETE, or the disk fills up';
    this.#looking = new FailureStreak(log, 'empty samples_recent', advice);
  }

  /** Runs until aborted, and then resolves. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await untilAborted(this.look(), signal);
        this.#looking.worked();
      } catch (error) {
        if (signal.aborted) return;
        this.#looking.failed(error);
      }
      await sleep(this.#everyMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /**
   * One look.
   *
   * @returns how many partitions were dropped
   * @throws RollcallError `clickhouse_failed`
   */
  async look(): Promise<number> {
    const { database } = this.#store;
    const rows = await this.#store.rows<{ table: string; partition_id: string }>(CLOSED, {
      database,
      seconds: Math.ceil(this.#keepMs / 1000),
    });
    const before = this.#found;
    this.#found = new Set(
      rows.map(({ table, partition_id: id }) => `${table} DROP PARTITION ID '${id}'`),
    );
    let dropped = 0;
    for (const drop of before) {
      if (!this.#found.has(drop)) continue;
      await this.#store.run(`ALTER TABLE ${drop}`);
      dropped += 1;
    }
    return dropped;
  }
}
