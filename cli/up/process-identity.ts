import { readFileSync } from 'node:fs';

/** A process, told apart from a later one with the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** In clock ticks after the machine's start; empty where the system does not say. */
  readonly startTime: string;
}

export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, startTime: statOf(process.pid)?.startTime ?? '' };
}

/** Whether that very process still runs. One that has ended and only waits to be reaped does not. */
export function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  const stat = statOf(pid);
  // Without /proc, or where it hides the processes of others, the pid alone has to do.
  if (stat === undefined) return exists(pid);
  if (stat.state === 'Z' || stat.state === 'X') return false;
  return startTime === '' || stat.startTime === startTime;
}

/**
 * Fields 3 (state) and 22 (starttime) of proc_pid_stat(5). Field 2, the name in parentheses, may
 * itself contain spaces and parentheses.
 */
function statOf(pid: number): { state: string; startTime: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startTime: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
