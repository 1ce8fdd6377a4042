import { Store } from '../pipeline/store/store.ts';
import type { Config } from './config/settings.ts';
import { storeOptionsOf } from './parts.ts';

/** Runs something with a connection to the fleet's database and closes it afterwards. */
export async function withStore<T>(
  config: Pick<Config, 'general' | 'clickhouse'>,
  action: (store: Store) => Promise<T>,
): Promise<T> {
  const store = new Store(storeOptionsOf(config));
  try {
    return await action(store);
  } finally {
    await store.close();
  }
}
