import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { ChildServer } from '../../pipeline/embedded/child-server.ts';
import { clickhouseServer } from '../../pipeline/embedded/clickhouse-server.ts';
import { freePort } from '../../pipeline/embedded/free-port.ts';
import { migrate } from '../../pipeline/store/migrate.ts';
import type { Retention } from '../../pipeline/store/migrate.ts';
import { Store } from '../../pipeline/store/store.ts';
import { Rollup, rollupCounters } from '../../pipeline/writer/rollup.ts';
import { quantilesOf } from '../load/quantiles.ts';
import { describeMachine } from '../load/machine.ts';
import { History } from '../peers/history.ts';
import { mergesRest } from '../peers/rollcall-merge.ts';
import { processUsage } from '../process/process-usage.ts';
import { laidOut } from './layout.ts';
import type { Layout } from './layout.ts';
import type { LayoutReport, QueryName, RollupReport, StorageReport } from './storage-report.ts';
import { WrittenHistory } from './written-history.ts';

export interface StorageOptions {
  readonly hosts: number;
  readonly metrics: number;
  readonly intervalMs: number;
  readonly minutes: number;
  readonly slices: number;
  /** The schema's own is measured in any case. */
  readonly layouts: readonly Layout[];
  /** Merges rest when there has been none for so long. */
  readonly stillMs: number;
  readonly seed: number;
  readonly say: (progress: string) => void;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const KEPT: Retention = {
  samplesMs: 7 * DAY_MS,
  framesMs: 7 * DAY_MS,
  rollupMinutesMs: 90 * DAY_MS,
  rollupHoursMs: 1095 * DAY_MS,
};
const RUNS = 10;
const UNTOLD = new AbortController().signal;

/**
 * Has ClickHouse alone keep a history in each layout, and then roll it up.
 *
 * @throws RollcallError `server_failed`, `clickhouse_failed`, `not_started`
 */
export async function benchStorage(options: StorageOptions): Promise<StorageReport> {
  const dataDir = mkdtempSync(join(tmpdir(), 'rollcall-storage-'));
  const [httpPort, tcpPort] = [await freePort(), await freePort()];
  const server = new ChildServer(
    clickhouseServer({ httpPort, tcpPort, dataDir, database: 'default' }),
  );
  try {
    await server.ready();
    return await new StorageBench(options, server.pid!, `http://127.0.0.1:${httpPort}`).run();
  } finally {
    await server.kill();
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}

class StorageBench {
  readonly #options: StorageOptions;
  readonly #pid: number;
  readonly #url: string;
  readonly #endMs: number;

  constructor(options: StorageOptions, pid: number, url: string) {
    this.#options = options;
    this.#pid = pid;
    this.#url = url;
    // Whole hours are rolled up: the last one ends with the history.
    this.#endMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
  }

  async run(): Promise<StorageReport> {
    const { hosts, metrics, intervalMs, minutes, slices, layouts } = this.#options;
    const found: LayoutReport[] = [];
    for (const layout of layouts.slice(1)) {
      found.push(await this.#inDatabase(layout, (store) => this.#kept(store, layout)));
    }
    const [own] = layouts;
    return this.#inDatabase(own!, async (store) => {
      const first = await this.#kept(store, own!);
      return {
        machine: await describeMachine(store, ''),
        hosts,
        metrics,
        interval_ms: intervalMs,
        minutes,
        slices,
        samples: this.#history().samples,
        layouts: [first, ...found],
        frames_bytes_per_sample: await this.#framesBytes(store),
        rollups: await this.#rolledUp(store),
      };
    });
  }

  #history(): History {
    const { hosts, metrics, intervalMs, minutes, seed } = this.#options;
    return new History({
      hosts,
      metrics,
      intervalMs,
      durationMs: minutes * 60_000,
      endMs: this.#endMs,
      seed,
    });
  }

  /** A database of its own with the table as the layout has it, which is dropped afterwards. */
  async #inDatabase<Result>(
    layout: Layout,
    what: (store: Store) => Promise<Result>,
  ): Promise<Result> {
    const database = layout.name.replaceAll('-', '_');
    const store = new Store({
      url: this.#url,
      user: 'default',
      database,
      requestTimeoutMs: 120_000,
    });
    try {
      await migrate(store, KEPT);
      const [row] = await store.rows<{ statement: string }>('SHOW CREATE TABLE series_minutes');
      const statement = laidOut(row!.statement, layout);
      await store.run('DROP TABLE series_minutes SYNC');
      await store.run(statement);
      return await what(store);
    } finally {
      await store.run(`DROP DATABASE ${database} SYNC`);
      await store.close();
    }
  }

  async #kept(store: Store, { name, what }: Layout): Promise<LayoutReport> {
    const { say, slices, stillMs } = this.#options;
    const history = this.#history();
    say(`${what}: ${Math.round(history.samples / 1e6)} million samples`);
    const written = new WrittenHistory(store, history);
    const merged = await mergedRows(store);
    const fromNs = this.#cpuNs();
    await written.write(slices);
    await mergesRest(store, stillMs);
    const cpuNs = this.#cpuNs() - fromNs;
    const rewritten = (await mergedRows(store)) - merged;
    const { parts, bytes } = await sizeOf(store, 'series_minutes');
    const query_ms = await this.#queries(store, written);
    await store.run('OPTIMIZE TABLE series_minutes FINAL');
    const { bytes: mergedBytes } = await sizeOf(store, 'series_minutes');
    return {
      name,
      what,
      cpu_us_per_sample: cpuNs / 1000 / history.samples,
      rewrites: rewritten / written.rows,
      parts_inserted: written.parts,
      parts,
      bytes_per_sample: bytes / history.samples,
      bytes_per_sample_merged: mergedBytes / history.samples,
      query_ms,
    };
  }

  /** The questions of dashboards, asked of the table itself: views plan for longer than any of them takes. */
  async #queries(
    store: Store,
    { metricIds, targetIds }: WrittenHistory,
  ): Promise<Record<QueryName, number>> {
    const end = Math.floor(this.#endMs / 1000);
    const parameters = {
      metric: metricIds[Math.floor(metricIds.length / 2)],
      target: targetIds[Math.floor(targetIds.length / 2)],
      start: end - 3600,
      now: end - 120,
    };
    const hour = 'minute >= {start:DateTime} AND metric_id = {metric:UInt64}';
    const values = 'minute, offsets_ms, arrayCumSum(arrayPushFront(steps, first)) AS values';
    return {
      hour_of_series: await timed(
        store,
        `SELECT ${values} FROM series_minutes WHERE ${hour} AND target_id = {target:UInt64}`,
        parameters,
      ),
      hour_of_metric: await timed(
        store,
        `SELECT target_id, sum(arraySum(arrayCumSum(arrayPushFront(steps, first)))) AS total
         FROM series_minutes WHERE ${hour} GROUP BY target_id`,
        parameters,
      ),
      host_now: await timed(
        store,
        `SELECT metric_id, argMax(first + arraySum(steps), minute) AS last
         FROM series_minutes WHERE minute >= {now:DateTime} AND target_id = {target:UInt64} GROUP BY metric_id`,
        parameters,
      ),
    };
  }

  async #framesBytes(store: Store): Promise<number> {
    await store.run('OPTIMIZE TABLE frames FINAL');
    return (await sizeOf(store, 'frames')).bytes / this.#history().samples;
  }

  async #rolledUp(store: Store): Promise<RollupReport> {
    this.#options.say('rolling up');
    const counters = rollupCounters();
    const options = { epoch: 1, writer: 'bench', kept: KEPT, graceMs: 0 };
    const log = pino({ level: 'silent' });
    const fromNs = this.#cpuNs();
    await new Rollup(store, log, options, counters).look(this.#endMs, UNTOLD);
    const rolledNs = this.#cpuNs() - fromNs;
    await store.run('OPTIMIZE TABLE rollup_minutes FINAL');
    await store.run('OPTIMIZE TABLE rollup_hours FINAL');
    const mergedNs = this.#cpuNs() - fromNs - rolledNs;
    const { samples, seconds } = counters;
    const [row] = await store.rows<{ minutes: string; hours: string }>(
      `SELECT
         (SELECT sum(length(minutes)) FROM rollup_minutes) AS minutes,
         (SELECT count() FROM rollup_hours) AS hours`,
    );
    return {
      samples,
      seconds,
      cpu_us_per_sample: rolledNs / 1000 / samples,
      merge_us_per_sample: mergedNs / 1000 / samples,
      bytes_per_series_minute: (await sizeOf(store, 'rollup_minutes')).bytes / Number(row!.minutes),
      bytes_per_series_hour: (await sizeOf(store, 'rollup_hours')).bytes / Number(row!.hours),
    };
  }

  #cpuNs(): number {
    return processUsage(this.#pid).cpuNs;
  }
}

async function timed(
  store: Store,
  sql: string,
  parameters: Record<string, unknown>,
): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const fromMs = performance.now();
    await store.rows(sql, parameters);
    times.push(performance.now() - fromMs);
  }
  return quantilesOf(times).p50;
}

async function sizeOf(store: Store, table: string): Promise<{ parts: number; bytes: number }> {
  const [row] = await store.rows<{ parts: string; bytes: string }>(
    `SELECT count() AS parts, sum(bytes_on_disk) AS bytes FROM system.parts
     WHERE active AND database = '{database}' AND table = {table:String}`,
    { table },
  );
  return { parts: Number(row!.parts), bytes: Number(row!.bytes) };
}

/** Rows that merges of any table have read since the server began. */
async function mergedRows(store: Store): Promise<number> {
  const [row] = await store.rows<{ value: string }>(
    `SELECT value FROM system.events WHERE event = 'MergedRows'`,
  );
  return Number(row?.value ?? 0);
}
