import type { Store } from '../store/store.ts';

/** A rule file as it was loaded: the text itself, so that comments and order survive. */
export interface RuleFile {
  readonly name: string;
  readonly content: string;
}

export async function listRuleFiles(store: Store): Promise<RuleFile[]> {
  return store.rows<RuleFile & { revision: string }>(
    'SELECT name, content FROM rule_files_current WHERE NOT is_deleted ORDER BY name',
  );
}

/** Adds rule files, or replaces those of the same name. The caller has checked them. */
export async function putRuleFiles(store: Store, files: readonly RuleFile[]): Promise<void> {
  await insertRevision(
    store,
    files.map(({ name, content }) => ({ name, content, is_deleted: false })),
  );
}

export async function removeRuleFiles(store: Store, names: readonly string[]): Promise<void> {
  await insertRevision(
    store,
    names.map((name) => ({ name, content: '', is_deleted: true })),
  );
}

async function insertRevision(store: Store, rows: readonly object[]): Promise<void> {
  if (rows.length === 0) return;
  const [next] = await store.rows<{ revision: string }>(
    'SELECT max(revision) + 1 AS revision FROM rule_files',
  );
  await store.insertRows(
    'rule_files',
    rows.map((row) => ({ ...row, revision: next!.revision })),
  );
}
