import { setTimeout as sleep } from 'node:timers/promises';
import type { Store } from '../../pipeline/store/store.ts';

const QUERY = `
SELECT
    (SELECT count() FROM system.merges) AS merges,
    (SELECT groupBitXor(cityHash64(name)) FROM system.parts WHERE active AND database = '{database}') AS parts`;
const ASK_EVERY_MS = 2000;
const DRAIN_MS_MAX = 15 * 60_000;

/**
 * Resolves when ClickHouse has nothing left to merge, or after a quarter of an hour.
 *
 * @param stillMs nothing must have been merged for so long: ClickHouse looks for something to merge every few seconds
 * @returns seconds until the last merge had ended
 */
export async function mergesDrain(store: Store, stillMs: number): Promise<number> {
  const startMs = performance.now();
  let [stillSinceMs, before] = [startMs, ''];
  for (;;) {
    const [row] = await store.rows<{ merges: string; parts: string }>(QUERY);
    const nowMs = performance.now();
    const state = `${row?.parts}`;
    if (row?.merges !== '0' || state !== before) stillSinceMs = nowMs;
    before = state;
    const isOver = nowMs - stillSinceMs >= stillMs || nowMs - startMs >= DRAIN_MS_MAX;
    if (isOver) return (stillSinceMs - startMs) / 1000;
    await sleep(ASK_EVERY_MS);
  }
}
