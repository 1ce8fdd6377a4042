import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ, in which proc_pid_stat(5) counts time. */
const NS_PER_TICK = 10_000_000;

/** What a process and its live children have used, by the kernel's own books. */
export interface ProcessUsage {
  /** CPU time of all threads, with that of children that have ended. */
  readonly cpuNs: number;
  readonly rssBytes: number;
  /** Resident memory that belongs to no file: what the program itself has taken. */
  readonly anonBytes: number;
}

/** Reads `/proc/<pid>` of a process and of its live descendants. Zero once it has ended. */
export function processUsage(pid: number): ProcessUsage {
  let [cpuNs, rssBytes, anonBytes] = [0, 0, 0];
  for (const each of [pid, ...descendantsOf(pid)]) {
    const status = read(`/proc/${each}/status`);
    cpuNs += ownNs(each);
    rssBytes += kibibytes(status, 'VmRSS');
    anonBytes += kibibytes(status, 'RssAnon');
  }
  return { cpuNs, rssBytes, anonBytes };
}

function descendantsOf(pid: number): number[] {
  const children = threadsOf(pid)
    .flatMap((thread) => read(`/proc/${pid}/task/${thread}/children`).split(' '))
    .filter((text) => text !== '')
    .map(Number);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

/**
 * Fields 14 to 17 of proc_pid_stat(5) have all threads, those that have ended as well, but in ticks rounded down; the first
 * number of `schedstat` (sched-stats.rst) is exact, for a thread that lives. Neither is ever too large.
 */
function ownNs(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15).map(Number);
  const threadNs = threadsOf(pid)
    .map((thread) => Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]))
    .reduce((sum, ns) => sum + ns, 0);
  return (
    Math.max(threadNs, (user + system) * NS_PER_TICK) + (endedUser + endedSystem) * NS_PER_TICK
  );
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function kibibytes(status: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
