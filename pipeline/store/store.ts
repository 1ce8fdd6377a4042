import { Readable } from 'node:stream';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client';
import { reasonOf, RollcallError } from '../error.ts';

export interface StoreOptions {
  readonly url: string;
  readonly user: string;
  readonly password?: string | undefined;
  /** One database per fleet, of the same name. */
  readonly database: string;
  readonly requestTimeoutMs: number;
}

const SETTINGS: ClickHouseSettings = {
  async_insert: 0,
  insert_deduplicate: 1,
  wait_end_of_query: 1,
  output_format_json_quote_64bit_integers: 1,
  date_time_input_format: 'best_effort',
};

/** Names of ClickHouse's errors that are about the data. Source: its ErrorCodes.cpp. */
const DATA_ERRORS: ReadonlySet<string> = new Set([
  'ARGUMENT_OUT_OF_BOUND',
  'CANNOT_CONVERT_TYPE',
  'DECIMAL_OVERFLOW',
  'INCORRECT_DATA',
  'TOO_LARGE_ARRAY_SIZE',
  'TOO_LARGE_STRING_SIZE',
  'TYPE_MISMATCH',
  'VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE',
]);

/** The connection to ClickHouse. Every failure is a RollcallError with the query's beginning. */
export class Store {
  readonly database: string;
  readonly #options: StoreOptions;
  readonly #client: ClickHouseClient;

  constructor(options: StoreOptions) {
    this.database = options.database;
    this.#options = options;
    this.#client = client(options, options.database);
  }

  /** Creates the fleet's database if it is missing; all other calls need it. */
  async createDatabase(): Promise<void> {
    const sql = `CREATE DATABASE IF NOT EXISTS ${this.database}`;
    const outside = client(this.#options, 'system');
    try {
      await outside.command({ query: sql });
    } catch (cause) {
      throw failed(sql, cause);
    } finally {
      await outside.close();
    }
  }

  /** Rows of a SELECT as objects; 64-bit integers come as text. */
  async rows<Row>(sql: string, parameters: Record<string, unknown> = {}): Promise<Row[]> {
    try {
      const result = await this.#client.query({
        query: this.#named(sql),
        format: 'JSONEachRow',
        query_params: parameters,
      });
      return await result.json<Row>();
    } catch (cause) {
      throw failed(sql, cause);
    }
  }

  /** Runs a statement without an answer. */
  async run(sql: string, parameters: Record<string, unknown> = {}): Promise<void> {
    try {
      await this.#client.command({
        query: this.#named(sql),
        query_params: parameters,
      });
    } catch (cause) {
      throw failed(sql, cause);
    }
  }

  async insertRows(table: string, rows: readonly object[], token?: string): Promise<void> {
    try {
      await this.#client.insert({
        table,
        values: [...rows],
        format: 'JSONEachRow',
        clickhouse_settings: token === undefined ? {} : { insert_deduplication_token: token },
      });
    } catch (cause) {
      throw failed(`INSERT INTO ${table}`, cause);
    }
  }

  /**
   * Inserts one block in Native format. A block with a token that the table has seen is dropped by
   * ClickHouse, so the same insert may be repeated until it succeeds.
   */
  async insertBlock(table: string, chunks: readonly Uint8Array[], token: string): Promise<void> {
    const query = `INSERT INTO ${table} FORMAT Native`;
    try {
      const result = await this.#client.exec({
        query,
        values: Readable.from(chunks, { objectMode: false }),
        abort_signal: AbortSignal.timeout(this.#options.requestTimeoutMs),
        clickhouse_settings: { insert_deduplication_token: token },
      });
      for await (const _ of result.stream) {
        // An insert answers nothing; the stream must still be read to its end.
      }
    } catch (cause) {
      throw failed(query, cause);
    }
  }

  async ping(): Promise<boolean> {
    const result = await this.#client.ping();
    return result.success;
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  /** Names belong to the fleet's database; `{database}` names it where that is not enough. */
  #named(sql: string): string {
    return sql
      .replaceAll('{database}', this.database)
      .replaceAll('{credentials}', () => credentials(this.#options));
  }

  /** Whether dictionaries have to be told who we are. */
  get hasCredentials(): boolean {
    return credentials(this.#options) !== '';
  }
}

/**
 * What a dictionary needs to read its own server: without it, it is `default` without a password.
 * ClickHouse hides the password when it shows the dictionary.
 */
function credentials({ user, password }: StoreOptions): string {
  if (user === 'default' && (password ?? '') === '') return '';
  return `USER ${literal(user)} PASSWORD ${literal(password ?? '')}`;
}

function literal(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
}

function client(options: StoreOptions, database: string): ClickHouseClient {
  return createClient({
    url: options.url,
    username: options.user,
    password: options.password ?? '',
    database,
    request_timeout: options.requestTimeoutMs,
    max_open_connections: 16,
    // Shorter than ClickHouse's own, so that a request never meets a connection being closed.
    keep_alive: { enabled: true, idle_socket_ttl: 2000 },
    // Failures come back as errors; the client need not also print them.
    log: { level: ClickHouseLogLevel.OFF },
    clickhouse_settings: SETTINGS,
  });
}

/** Whether ClickHouse refused what the rows of an insert say: trying again cannot help. */
export function refusesData(error: unknown): boolean {
  if (!(error instanceof RollcallError)) return false;
  const { type } = (error.cause ?? {}) as { type?: unknown };
  return typeof type === 'string' && (type.startsWith('CANNOT_PARSE_') || DATA_ERRORS.has(type));
}

function failed(sql: string, cause: unknown): RollcallError {
  const statement = sql.trim().split('\n')[0]!.slice(0, 80);
  const reason = reasonOf(cause);
  // Errors of the server carry its numeric code; anything else is the road there.
  const isServerError = /^(Code: )?\d+|DB::Exception/.test(reason);
  const code = (cause as { code?: unknown }).code;
  return new RollcallError('clickhouse_failed', `ClickHouse: ${statement} …: ${reason}`, {
    cause,
    retryable: !isServerError && !(typeof code === 'string' && /^\d+$/.test(code)),
  });
}
