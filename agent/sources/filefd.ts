import type { SourceFactory } from '../source.ts';
import { NumberFile } from './number-file.ts';
import { sourceFromParts } from './source-parts.ts';

/** `/proc/sys/fs/file-nr` (proc_sys_fs(5)): allocated, always 0, and the maximum. */
export const filefdSource: SourceFactory = (paths) =>
  sourceFromParts('filefd', [
    new NumberFile(`${paths.procfs}/sys/fs/file-nr`, 'filefd', [
      {
        metric: {
          name: 'node_filefd_allocated',
          kind: 'gauge',
          unit: '',
          help: 'File handles in use on the whole system.',
        },
      },
      null,
      {
        metric: {
          name: 'node_filefd_maximum',
          kind: 'gauge',
          unit: '',
          help: 'File handles that the system will hand out at most.',
        },
      },
    ]),
  ]);
