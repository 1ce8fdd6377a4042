import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ, in which proc_pid_stat(5) counts time. */
const NS_PER_TICK = 10_000_000;

/** CPU time of all threads of a process, in itself and in the kernel: `utime` and `stime` of proc_pid_stat(5). */
export function userAndSystemNs(pid: number): { userNs: number; systemNs: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { userNs: Number(fields[11]) * NS_PER_TICK, systemNs: Number(fields[12]) * NS_PER_TICK };
}

/** Times that a thread of the process gave up its processor, or lost it, since each began. */
export function threadSwitches(pid: number): number {
  let total = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    for (const [, count] of status.matchAll(/^(?:non)?voluntary_ctxt_switches:\s+(\d+)$/gm)) {
      total += Number(count);
    }
  }
  return total;
}

/** CPU time of the threads in which V8 marks, sweeps and compiles beside the program. */
export function helperThreadsNs(pid: number): number {
  let total = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${thread}`;
    if (!readFileSync(`${folder}/comm`, 'utf8').startsWith('V8Worker')) continue;
    total += Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ')[0]);
  }
  return total;
}
