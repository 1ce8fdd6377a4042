import type { Store } from '../store/store.ts';

/**
 * Parts of a role that some member has offered to own within a time. Undefined if no member of it was heard
 * in that time: then nothing can be said.
 */
export async function recentOffers(
  store: Store,
  role: string,
  withinMs: number,
): Promise<ReadonlySet<string> | undefined> {
  const rows = await store.rows<{ part: string }>(
    `SELECT DISTINCT arrayJoin(offers) AS part FROM members
     WHERE role = {role:String} AND seen_at > now64(3) - toIntervalSecond({seconds:UInt32})`,
    { role, seconds: Math.round(withinMs / 1000) },
  );
  return rows.length === 0 ? undefined : new Set(rows.map(({ part }) => part));
}
