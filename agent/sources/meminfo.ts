import type { SourceFactory } from '../source.ts';
import { KernelFile } from './kernel-file.ts';
import { KeyValueFile, type KeyedSeries } from './key-value-file.ts';
import { sourceFromParts } from './source-parts.ts';

const BYTES_PER_KIB = 1024;

/**
 * `Active(anon): 12 kB` is `node_memory_Active_anon_bytes`; a number without a unit is a count
 * and keeps its name, such as `node_memory_HugePages_Total`.
 */
function memorySeries(key: string, suffix: string): KeyedSeries {
  const inBytes = suffix === 'kB';
  const field = key.replace(/\((.*)\)/, '_$1') + (inBytes ? '_bytes' : '');
  return {
    metric: {
      name: `node_memory_${field}`,
      kind: field.endsWith('_total') ? 'counter' : 'gauge',
      unit: inBytes ? 'bytes' : '',
      help: `The ${key} line of meminfo${inBytes ? ', in bytes' : ''}.`,
    },
    multiplier: inBytes ? BYTES_PER_KIB : 1,
  };
}

/** Every line of `/proc/meminfo`, see proc_meminfo(5). */
export const meminfoSource: SourceFactory = (paths) =>
  sourceFromParts('meminfo', [
    new KeyValueFile(
      new KernelFile(`${paths.procfs}/meminfo`, 'meminfo', { wholeAtOnce: true }),
      'meminfo',
      memorySeries,
    ),
  ]);
