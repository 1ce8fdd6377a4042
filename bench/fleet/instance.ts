/** Names of agents' targets begin with it. */
export const INSTANCE_PREFIX = 'sim-';

/** The name of an agent's target. */
export function instanceOf(index: number): string {
  return `${INSTANCE_PREFIX}${String(index).padStart(6, '0')}`;
}
