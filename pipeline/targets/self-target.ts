import type { Store } from '../store/store.ts';
import { insertTargets, removeTargets } from './target-store.ts';
import type { NewTarget } from './target-store.ts';
import type { Target } from './target.ts';

/** A component as it is known to the fleet: its role and its name within that. */
export interface ComponentName {
  readonly role: string;
  readonly name: string;
}

/** Roles that are processes; members of others, such as `notifier`, report as part of theirs. */
const SELF_ROLES: ReadonlySet<string> = new Set(['collector', 'writer', 'alerter']);

/** How often a component reports on itself. */
export const SELF_INTERVAL_MS = 5000;

/**
 * The instance of a component as a target of its own, such as `writer/host-a`. Its address is empty:
 * nobody dials it, it puts its report on the lane itself.
 */
export function selfInstance({ role, name }: ComponentName): string {
  return `${role}/${name}`;
}

/** Whether a target reports by itself: nobody dials it. */
export function isSelfTarget({ address }: Pick<Target, 'address'>): boolean {
  return address === '';
}

/**
 * Makes targets of the components that are none yet; those that exist are left as they are. Members of roles
 * that are no process of their own are passed over.
 */
export async function putSelfTargets(
  store: Store,
  components: readonly ComponentName[],
): Promise<void> {
  const processes = components.filter(({ role }) => SELF_ROLES.has(role));
  if (processes.length === 0) return;
  const rows = await store.rows<{ instance: string }>(
    'SELECT instance FROM targets_current WHERE NOT is_deleted AND instance IN {names:Array(String)}',
    { names: processes.map(selfInstance) },
  );
  const known = new Set(rows.map(({ instance }) => instance));
  const missing = processes.filter((component) => !known.has(selfInstance(component)));
  await insertTargets(store, missing.map(selfTarget));
}

/**
 * Removes the components that `members` has not heard for an hour. One whose name was never heard, or so
 * long ago that it has expired there, goes too.
 *
 * @returns the instances that were removed
 */
export async function removeSilentSelfTargets(store: Store): Promise<string[]> {
  const rows = await store.rows<{ instance: string }>(
    `SELECT instance FROM targets_current
     WHERE NOT is_deleted AND address = '' AND instance NOT IN (
       SELECT concat(role, '/', name) FROM members WHERE seen_at > now64(3) - INTERVAL 1 HOUR)`,
  );
  const silent = rows.map(({ instance }) => instance);
  if (silent.length > 0) await removeTargets(store, silent);
  return silent;
}

function selfTarget(component: ComponentName): NewTarget {
  return {
    instance: selfInstance(component),
    address: '',
    labels: { job: 'rollcall', role: component.role },
    intervalMs: SELF_INTERVAL_MS,
  };
}
