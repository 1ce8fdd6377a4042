import { isCode, reasonOf, RollcallError } from '../pipeline/error.ts';
import { Store } from '../pipeline/store/store.ts';
import type { Config } from './config/settings.ts';
import { storeOptionsOf } from './parts.ts';

/**
 * Runs something with a connection to the fleet's database and closes it afterwards.
 *
 * @throws RollcallError `clickhouse_failed`, with a remedy if nothing answers; whatever `action` throws
 */
export async function withStore<T>(
  config: Pick<Config, 'general' | 'clickhouse'>,
  action: (store: Store) => Promise<T>,
): Promise<T> {
  const store = new Store(storeOptionsOf(config));
  try {
    return await action(store);
  } catch (error) {
    throw isUnreachable(error) ? unreachable(config, error) : error;
  } finally {
    await store.close();
  }
}

/** Nobody answered at all: the statement does not matter, the address does. */
function isUnreachable(error: unknown): error is RollcallError {
  return isCode(error, 'clickhouse_failed') && (error as RollcallError).retryable;
}

function unreachable({ clickhouse }: Pick<Config, 'clickhouse'>, error: RollcallError) {
  const { host } = new URL(clickhouse.url);
  return new RollcallError(
    'clickhouse_failed',
    `ClickHouse does not answer at ${host} (${reasonOf(error.cause)}): ` +
      'is it running? "./rollcall up" starts one, --clickhouse-url names another',
    { cause: error, retryable: true },
  );
}
