import type { ProjectedTopic } from '../projection/projector.ts';
import type { Store } from '../store/store.ts';
import { encodeTargets } from './target.ts';
import { targetsOfShard } from './target-store.ts';

/** The targets of each shard: `{fleet}.state.targets.{shard}`. */
export const targetTopic: ProjectedTopic = {
  name: 'targets',

  async revisions(store: Store): Promise<Map<string, number>> {
    // Two who change targets at once may take the same revision; the count tells them apart.
    const rows = await store.rows<{ shard: number; newest: string }>(
      'SELECT bitAnd(id, 255) AS shard, max(revision) + count() AS newest FROM targets GROUP BY shard',
    );
    return new Map(rows.map(({ shard, newest }) => [String(shard), Number(newest)]));
  },

  /** Names in views come from the dictionary, which an embedded ClickHouse never reads again by itself. */
  async onChange(store: Store): Promise<void> {
    await store.run('SYSTEM RELOAD DICTIONARY {database}.targets_by_id');
  },

  async value(store: Store, key: string): Promise<Uint8Array> {
    return encodeTargets(await targetsOfShard(store, Number(key)));
  },
};
