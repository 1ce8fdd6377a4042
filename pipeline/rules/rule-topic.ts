import { createHash } from 'node:crypto';
import type { ProjectedTopic } from '../projection/projector.ts';
import type { Store } from '../store/store.ts';
import { pack, unpack } from '../wire/msgpack.ts';
import type { RuleFile } from './rule-store.ts';

/** Rule files, each under a hash of its name: `{fleet}.state.rules.{hash}`. */
export const ruleTopic: ProjectedTopic = {
  name: 'rules',

  async revisions(store: Store): Promise<Map<string, number>> {
    // Two who load a file at once may take the same revision; the count tells them apart.
    const rows = await store.rows<{ name: string; newest: string }>(
      'SELECT name, max(revision) + count() AS newest FROM rule_files GROUP BY name',
    );
    return new Map(rows.map(({ name, newest }) => [ruleKeyOf(name), Number(newest)]));
  },

  async value(store: Store, key: string): Promise<Uint8Array> {
    const rows = await store.rows<RuleFile & { is_deleted: boolean }>(
      'SELECT name, content, is_deleted FROM rule_files_current',
    );
    const row = rows.find(({ name }) => ruleKeyOf(name) === key)!;
    return pack([row.name, row.is_deleted ? null : row.content]);
  },
};

/** A projected rule file; `content` is undefined when it was removed. */
export function decodeRuleFile(value: Uint8Array): { name: string; content: string | undefined } {
  const [name, content] = unpack(value) as [string, string | null];
  return { name, content: content ?? undefined };
}

function ruleKeyOf(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 16);
}
