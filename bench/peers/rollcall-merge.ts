import { setTimeout as sleep } from 'node:timers/promises';
import { RollcallError } from '../../pipeline/error.ts';
import type { Store } from '../../pipeline/store/store.ts';
import { standsStill } from './standstill.ts';

const TABLES = `
SELECT DISTINCT table FROM system.parts
WHERE active AND database = '{database}' AND NOT endsWith(table, '_recent') ORDER BY table`;
const STATE = `
SELECT
    (SELECT count() FROM system.merges) AS merges,
    (SELECT groupBitXor(cityHash64(name)) FROM system.parts WHERE active AND database = '{database}') AS parts`;
const LOOK_EVERY_MS = 1000;
const MERGE_MS_MAX = 3_600_000;
/** ClickHouse looks for something to merge every few seconds. */
const STILL_MS_MAX = 20_000;

interface State {
  readonly merges: string;
  readonly parts: string;
}

/** Resolves when ClickHouse has merged what it merges by itself. @throws RollcallError `not_started` after an hour */
export async function mergesRest(store: Store, stillMs: number): Promise<void> {
  await standsStill('ClickHouse', Math.min(stillMs, STILL_MS_MAX), async () => {
    const [state] = await store.rows<State>(STATE);
    return state?.merges === '0' ? state.parts : undefined;
  });
}

/**
 * Merges every table until it has one part a partition. A merge goes on when the request for it has run out of time;
 * then it is asked for again.
 *
 * @throws RollcallError `clickhouse_failed`
 */
export async function mergeAll(store: Store): Promise<void> {
  const endMs = performance.now() + MERGE_MS_MAX;
  for (const { table } of await store.rows<{ table: string }>(TABLES)) {
    while (!(await merge(store, table))) {
      if (performance.now() > endMs) {
        throw new RollcallError('clickhouse_failed', `${table} is not merged after an hour`);
      }
      await mergesEnd(store, endMs);
    }
  }
}

async function merge(store: Store, table: string): Promise<boolean> {
  try {
    await store.run(`OPTIMIZE TABLE ${table} FINAL SETTINGS optimize_skip_merged_partitions = 1`);
    return true;
  } catch (error) {
    if (error instanceof RollcallError && error.retryable) return false;
    throw error;
  }
}

async function mergesEnd(store: Store, endMs: number): Promise<void> {
  while (performance.now() < endMs) {
    const [state] = await store.rows<State>(STATE);
    if (state?.merges === '0') return;
    await sleep(LOOK_EVERY_MS);
  }
}
