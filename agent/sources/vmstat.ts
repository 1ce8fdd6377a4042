import type { SourceFactory } from '../source.ts';
import { KernelFile } from './kernel-file.ts';
import { KeyValueFile, type KeyedSeries } from './key-value-file.ts';
import { sourceFromParts } from './source-parts.ts';

/** The fields that node_exporter shows unless told otherwise. */
const FIELDS = /^(oom_kill|pgpg|pswp|pg.*fault)/;

function pagingSeries(key: string): KeyedSeries | null {
  if (!FIELDS.test(key)) return null;
  return {
    metric: {
      name: `node_vmstat_${key}`,
      kind: 'untyped',
      unit: '',
      help: `The ${key} field of vmstat.`,
    },
  };
}

/** The paging fields of `/proc/vmstat`, see proc_vmstat(5). */
export const vmstatSource: SourceFactory = (paths) =>
  sourceFromParts('vmstat', [
    new KeyValueFile(new KernelFile(`${paths.procfs}/vmstat`, 'vmstat'), 'vmstat', pagingSeries),
  ]);
