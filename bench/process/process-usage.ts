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
    cpuNs += threadNs(each) + endedChildrenNs(each);
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

/** Run time in nanoseconds, the first number of `schedstat` (sched-stats.rst). */
function threadNs(pid: number): number {
  return threadsOf(pid)
    .map((thread) => Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]))
    .reduce((sum, ns) => sum + ns, 0);
}

/** `cutime` and `cstime`, fields 16 and 17 of proc_pid_stat(5). */
function endedChildrenNs(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13] ?? 0) + Number(fields[14] ?? 0)) * NS_PER_TICK;
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
