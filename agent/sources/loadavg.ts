import type { Metric, SourceFactory } from '../source.ts';
import { NumberFile } from './number-file.ts';
import { sourceFromParts } from './source-parts.ts';

function load(minutes: number): Metric {
  return {
    name: `node_load${minutes}`,
    kind: 'gauge',
    unit: '',
    help: `Load average over ${minutes} min.`,
  };
}

/** `/proc/loadavg`, see proc_loadavg(5). */
export const loadavgSource: SourceFactory = (paths) =>
  sourceFromParts('loadavg', [
    new NumberFile(
      `${paths.procfs}/loadavg`,
      'loadavg',
      [1, 5, 15].map((minutes) => ({ metric: load(minutes) })),
    ),
  ]);
