import { statSync } from 'node:fs';
import type { SourceFactory } from '../source.ts';
import { DeviceDirectory } from './device-directory.ts';
import { KstatFile } from './kstat-file.ts';
import { sourceFromParts } from './source-parts.ts';
import { zfsPool } from './zfs-pool.ts';

/** Kstats of the whole module, and what their metrics' names begin with. */
const KSTATS: readonly (readonly [file: string, prefix: string])[] = [
  ['abdstats', 'node_zfs_abd'],
  ['arcstats', 'node_zfs_arc'],
  ['dbufstats', 'node_zfs_dbuf'],
  ['dmu_tx', 'node_zfs_dmu_tx'],
  ['dnodestats', 'node_zfs_dnode'],
  ['fm', 'node_zfs_fm'],
  ['vdev_cache_stats', 'node_zfs_vdev_cache'],
  ['vdev_mirror_stats', 'node_zfs_vdev_mirror'],
  ['xuio_stats', 'node_zfs_xuio'],
  ['zfetchstats', 'node_zfs_zfetch'],
  ['zil', 'node_zfs_zil'],
];
/** A pool's name is no longer; ZFS_MAX_DATASET_NAME_LEN. */
const POOL_NAME = /^(.{1,255})$/s;

/** `/proc/spl/kstat/zfs` of the OpenZFS module: its caches, and a directory for each pool. */
export const zfsSource: SourceFactory = (paths) => {
  const directory = `${paths.procfs}/spl/kstat/zfs`;
  return sourceFromParts('zfs', [
    ...KSTATS.map(
      ([file, prefix]) =>
        new KstatFile(`${directory}/${file}`, { prefix, labels: [], ofDataset: false }),
    ),
    new DeviceDirectory(directory, POOL_NAME, (path, name) =>
      isDirectory(path) ? zfsPool(path, name) : null,
    ),
  ]);
};

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
