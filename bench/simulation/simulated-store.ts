import { RollcallError } from '../../pipeline/error.ts';
import type { Store } from '../../pipeline/store/store.ts';
import { runStatement } from './clickhouse-statements.ts';
import type { ClickHouseTables } from './clickhouse-tables.ts';
import type { ScheduledEvent } from './event-heap.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** How the database behaves towards requests that reach it. */
export interface DatabaseWeather {
  /** `down`: refuses; `hangs`: takes requests and does nothing until it goes on. */
  state: 'up' | 'down' | 'hangs';
  /** Share of requests that fail before anything is done. */
  failShare: number;
  /** Share of requests that are carried out and whose answer is lost. */
  loseShare: number;
  /** Share of requests that take long. */
  slowShare: number;
}

const REQUEST_TIMEOUT_MS = 3000;
const SLOW_MS_MAX = 4000;
/** Share of inserts before which the server merges parts. */
const MERGE_SHARE = 0.2;

/** The simulated ClickHouse: its tables, its weather, and the requests that wait while it hangs. */
export class SimulatedDatabase {
  readonly tables: ClickHouseTables;
  readonly weather: DatabaseWeather = { state: 'up', failShare: 0, loseShare: 0, slowShare: 0 };
  readonly scheduler: Scheduler;
  #hanging: (() => void)[] = [];

  constructor(scheduler: Scheduler, tables: ClickHouseTables) {
    this.scheduler = scheduler;
    this.tables = tables;
  }

  /** Begins to work on a request, now or when the database goes on. */
  accept(work: () => void): void {
    if (this.weather.state === 'hangs') this.#hanging.push(work);
    else work();
  }

  /** All is well from now on; what hung is carried out, whether or not anybody still waits for it. */
  recover(): void {
    Object.assign(this.weather, { state: 'up', failShare: 0, loseShare: 0, slowShare: 0 });
    const hanging = this.#hanging;
    this.#hanging = [];
    for (const work of hanging) work();
  }

  /** A crash: requests that hung are never carried out. */
  crash(): void {
    this.weather.state = 'down';
    this.#hanging = [];
  }
}

type Work<T> = () => T | (() => T);

/**
 * One process' way to the simulated ClickHouse, with the methods of `Store`. Requests and answers travel
 * as events: either may be late or lost, and a process may die in between.
 */
export class SimulatedStore implements Pick<
  Store,
  'database' | 'rows' | 'run' | 'insertRows' | 'insertBlock'
> {
  readonly database = 'simulated';
  readonly #database: SimulatedDatabase;
  readonly #owner: SimulatedProcess;

  constructor(database: SimulatedDatabase, owner: SimulatedProcess) {
    this.#database = database;
    this.#owner = owner;
  }

  /** As what the product's classes take; they use the methods above only. */
  get store(): Store {
    return this as unknown as Store;
  }

  rows<Row>(sql: string, parameters: Record<string, unknown> = {}): Promise<Row[]> {
    return this.#request(sql, () => {
      return runStatement(this.#database.tables, sql, parameters) as Row[] | (() => Row[]);
    });
  }

  run(sql: string, parameters: Record<string, unknown> = {}): Promise<void> {
    return this.#request(sql, () => () => {
      runStatement(this.#database.tables, sql, parameters);
    });
  }

  insertRows(table: string, rows: readonly object[]): Promise<void> {
    return this.#request(`INSERT INTO ${table}`, () => () => {
      if (this.#database.scheduler.random.chance(MERGE_SHARE)) this.#database.tables.mergeRuns();
      this.#database.tables.insertRows(table, rows);
    });
  }

  insertBlock(table: string, chunks: readonly Uint8Array[], token: string): Promise<void> {
    // What was sent is the server's: the caller may use its memory again once it was told how this ended.
    const sent = chunks.map((chunk) => Uint8Array.from(chunk));
    return this.#request(`INSERT INTO ${table} ${token}`, () => () => {
      this.#database.tables.insertBlock(table, sent, token);
    });
  }

  #request<T>(sql: string, work: Work<T>): Promise<T> {
    const { scheduler } = this.#database;
    const { random } = scheduler;
    const { promise, resolve: settle, reject } = Promise.withResolvers<T>();
    const label = sql.trimStart().slice(0, 60).replaceAll(/\s+/g, ' ');
    const fail = (delayMs: number, reason: string): ScheduledEvent =>
      scheduler.after(delayMs, this.#owner, `clickhouse ${reason}: ${label}`, () => {
        const message = `ClickHouse: ${label} …: ${reason}`;
        reject(new RollcallError('clickhouse_failed', message, { retryable: true }));
      });
    const timeout = fail(REQUEST_TIMEOUT_MS, 'timeout');
    const resolve = (value: T): void => {
      timeout.isCancelled = true;
      settle(value);
    };
    scheduler.after(random.between(0.1, 3), undefined, `clickhouse asked: ${label}`, () => {
      const { weather } = this.#database;
      if (weather.state === 'down') fail(0.2, 'refused');
      else if (random.chance(weather.failShare)) fail(random.between(0.1, 50), 'failed');
      else this.#database.accept(() => this.#carryOut(label, work, resolve, fail));
    });
    return promise;
  }

  #carryOut<T>(
    label: string,
    work: Work<T>,
    resolve: (value: T) => void,
    fail: (delayMs: number, reason: string) => ScheduledEvent,
  ): void {
    const { scheduler, weather } = this.#database;
    const { random } = scheduler;
    const isSlow = random.chance(weather.slowShare);
    const answer = (value: T): void => {
      const delayMs = random.between(0.1, 3);
      if (random.chance(weather.loseShare)) fail(delayMs, 'answer lost');
      else
        scheduler.after(delayMs, this.#owner, `clickhouse answers: ${label}`, () => resolve(value));
    };
    scheduler.after(
      random.between(0.1, isSlow ? SLOW_MS_MAX : 5),
      undefined,
      `clickhouse works: ${label}`,
      () => {
        const result = work();
        if (typeof result !== 'function') return answer(result);
        const commit = result as () => T;
        scheduler.after(random.between(0.05, 2), undefined, `clickhouse commits: ${label}`, () => {
          // What had not been committed is gone with a crash.
          if (weather.state === 'down') fail(0.2, 'connection lost');
          else answer(commit());
        });
      },
    );
  }
}
