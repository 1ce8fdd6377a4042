import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** USER_HZ, in which proc_stat(5) counts time. */
const NS_PER_TICK = 10_000_000;
const [IDLE, IOWAIT] = [3, 4];
/** user, nice, system, idle, iowait, irq, softirq, steal: what follows is part of the first two. */
const FIELDS = 8;

/** CPU time that all processors of this machine were busy since it started, interrupts included, ns. */
export function machineBusyNs(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1);
  const ticks = line
    .split(/\s+/)
    .slice(1, FIELDS + 1)
    .map(Number);
  const busy = ticks.filter((_, at) => at !== IDLE && at !== IOWAIT);
  return busy.reduce((sum, each) => sum + each, 0) * NS_PER_TICK;
}

export function coreCount(): number {
  return cpus().length;
}
