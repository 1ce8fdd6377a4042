import type { Metric, SourceFactory } from '../source.ts';
import { KeyValueFile } from './key-value-file.ts';
import { shareProcStat } from './shared-kernel-file.ts';
import { sourceFromParts } from './source-parts.ts';

const METRICS = new Map<string, Metric>([
  [
    'intr',
    {
      name: 'node_intr_total',
      kind: 'counter',
      unit: '',
      help: 'Interrupts that all CPUs have served since boot.',
    },
  ],
  [
    'ctxt',
    {
      name: 'node_context_switches_total',
      kind: 'counter',
      unit: '',
      help: 'Context switches of all CPUs since boot.',
    },
  ],
  [
    'processes',
    {
      name: 'node_forks_total',
      kind: 'counter',
      unit: '',
      help: 'Processes and threads created since boot.',
    },
  ],
  [
    'btime',
    {
      name: 'node_boot_time_seconds',
      kind: 'gauge',
      unit: 'seconds',
      help: 'When the system was booted, in Unix time.',
    },
  ],
  [
    'procs_running',
    {
      name: 'node_procs_running',
      kind: 'gauge',
      unit: '',
      help: 'Threads that run or are ready to run.',
    },
  ],
  [
    'procs_blocked',
    {
      name: 'node_procs_blocked',
      kind: 'gauge',
      unit: '',
      help: 'Threads that wait for a disk or the like to answer.',
    },
  ],
]);

/** The lines of `/proc/stat` that are not about one CPU, see proc_stat(5). */
export const statSource: SourceFactory = (paths) =>
  sourceFromParts('stat', [
    new KeyValueFile(shareProcStat(paths), 'stat', (key) => {
      const metric = METRICS.get(key);
      return metric === undefined ? null : { metric };
    }),
  ]);
