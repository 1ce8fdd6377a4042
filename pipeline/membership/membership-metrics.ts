import type { Registry } from 'prom-client';
import { ReadMetrics } from '../telemetry/read-metrics.ts';
import type { Membership, MembershipCounters } from './membership.ts';

const COUNTERS: readonly [keyof MembershipCounters, string, string][] = [
  ['claims', 'rollcall_part_claims_total', 'Parts taken.'],
  ['lostRaces', 'rollcall_part_claim_races_lost_total', 'Claims another member was quicker with.'],
  ['moved', 'rollcall_parts_moved_total', 'Parts given to a member that should have them.'],
  ['lost', 'rollcall_parts_lost_total', 'Parts that were taken from us.'],
];

/** `memberships` is read at each scrape: a process may take part in several roles. */
export function registerMembershipMetrics(
  registry: Registry,
  memberships: readonly Membership[],
): void {
  const metrics = new ReadMetrics(registry);
  const byRole = (read: (membership: Membership) => number) => () =>
    memberships.map((membership) => [membership.role, read(membership)] as const);
  metrics.gauges(
    'rollcall_members',
    'Members of the role that are heard, this one included.',
    'role',
    byRole(({ members }) => members),
  );
  metrics.gauges(
    'rollcall_parts_owned',
    'Parts (shards, lanes, receivers) this member owns.',
    'role',
    byRole(({ owned }) => owned.size),
  );
  for (const [field, name, help] of COUNTERS) {
    metrics.counters(
      name,
      help,
      'role',
      byRole(({ counters }) => counters[field]),
    );
  }
}
