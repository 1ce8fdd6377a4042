import { readdirSync, readFileSync } from 'node:fs';
import { MEMBERS } from './load-report.ts';
import type { Descriptors, MemberRole } from './load-report.ts';

/** The processes of each role. */
export type PidsByRole = Readonly<Record<MemberRole, readonly number[]>>;

/** CPU time of every thread of every process, ns, by `pid/tid`. */
export type ThreadTimes = ReadonlyMap<string, number>;

export function threadTimes(pids: readonly number[]): ThreadTimes {
  const times = new Map<string, number>();
  for (const pid of pids) {
    for (const tid of entriesOf(`/proc/${pid}/task`)) {
      // Run time in nanoseconds comes first (sched-stats.rst).
      const [ns] = textOf(`/proc/${pid}/task/${tid}/schedstat`).split(' ');
      times.set(`${pid}/${tid}`, Number(ns));
    }
  }
  return times;
}

/** How much of one core the busiest thread had between two readings, 0 to 1. */
export function busiestShare(before: ThreadTimes, after: ThreadTimes, ns: number): number {
  let most = 0;
  for (const [thread, time] of after) most = Math.max(most, time - (before.get(thread) ?? 0));
  return most / ns;
}

/** Of the process of each role that has most files open. */
export function descriptorsOf(pids: PidsByRole): Record<MemberRole, Descriptors> {
  return perRole((role) => {
    const all = pids[role].map((pid) => ({ open: entriesOf(`/proc/${pid}/fd`).length, pid }));
    const [most] = all.toSorted((a, b) => b.open - a.open);
    return { open: most?.open ?? 0, limit: most === undefined ? 0 : limitOf(most.pid) };
  });
}

export function perRole<T>(of: (role: MemberRole) => T): Record<MemberRole, T> {
  const entries = MEMBERS.map((role) => [role, of(role)] as const);
  return Object.fromEntries(entries) as Record<MemberRole, T>;
}

/** The soft limit (proc_pid_limits(5)). */
function limitOf(pid: number): number {
  const [, soft] = /^Max open files\s+(\S+)/m.exec(textOf(`/proc/${pid}/limits`)) ?? [];
  return soft === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(soft ?? 0);
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
