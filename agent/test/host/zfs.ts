import type { HostFiles } from './host-files.ts';

/** As kstat_seq_show_named() writes a kstat: `[name, value]`, or `[name, value, type]`. */
function kstat(rows: readonly (readonly [string, number | string, number?])[]): string {
  const lines = rows.map(
    ([name, value, type = 4]) => `${name.padEnd(31)} ${String(type).padEnd(4)} ${value}\n`,
  );
  return (
    `13 1 0x01 ${rows.length} ${rows.length * 272} 8266018193 2024193238312\n` +
    `${'name'.padEnd(31)} type data\n${lines.join('')}`
  );
}

const ARC = kstat([
  ['hits', 8772612],
  ['misses', 604635],
  ['demand_data_hits', 7221032],
  ['demand_data_misses', 73300],
  ['demand_metadata_hits', 1464353],
  ['demand_metadata_misses', 498170],
  ['prefetch_data_hits', 3615],
  ['prefetch_data_misses', 17094],
  ['prefetch_metadata_hits', 83612],
  ['prefetch_metadata_misses', 16071],
  ['mru_hits', 855535],
  ['mru_ghost_hits', 21100],
  ['mfu_hits', 7829854],
  ['mfu_ghost_hits', 821],
  ['deleted', 60403],
  ['mutex_miss', 2],
  ['evict_skip', 2265729],
  ['evict_l2_cached', 0],
  ['evict_l2_eligible', 8992514560],
  ['hash_elements', 42359],
  ['hash_elements_max', 88245],
  ['hash_chain_max', 3],
  ['p', 516395305],
  ['c', 1643208777],
  ['c_min', 33554432],
  ['c_max', '67502735360'],
  ['size', 1603939792],
  ['hdr_size', 16361080],
  ['data_size', 1295836160],
  ['metadata_size', 175298560],
  ['l2_rw_clash', 0],
  ['arc_meta_used', 308103632],
  ['arc_meta_limit', 6275982336],
  ['memory_throttle_count', 0],
  ['memory_direct_count', 542],
  ['memory_available_bytes', 922337203685477, 3],
  ['arc_no_grow', 0],
  ['l2_size', '18446744073709551615'],
]);

/** An objset of OpenZFS 2.x: a mounted filesystem or a volume. */
function objset(dataset: string, factor: number): string {
  return kstat([
    ['dataset_name', dataset, 7],
    ['writes', 4 * factor],
    ['nwritten', 6302720 * factor],
    ['reads', 28 * factor],
    ['nread', 28430848 * factor],
    ['nunlinks', 3 * factor],
    ['nunlinked', 2 * factor],
  ]);
}

const IO = `12 3 0x00 1 80 79205351707403 395818011156865
nread    nwritten reads    writes   wtime    wlentime wupdate  rtime    rlentime rupdate  wcnt     rcnt
1884160  3206144  22       132      7155162  104112268 79210489694949 24168078 104112268 79210489849220 0        1
`;

export const zfsFiles: HostFiles = {
  'proc/spl/kstat/zfs/arcstats': ARC,
  'proc/spl/kstat/zfs/abdstats': kstat([
    ['struct_size', 2520],
    ['linear_cnt', 62],
    ['scatter_cnt', 1],
    ['scatter_order_0', 0],
  ]),
  'proc/spl/kstat/zfs/dbufstats': kstat([
    ['cache_count', 27],
    ['cache_size_bytes', 302080],
    ['hash_chain_max', 0],
    ['cache_level_0', 27],
  ]),
  'proc/spl/kstat/zfs/dmu_tx': kstat([
    ['dmu_tx_assigned', 3532844],
    ['dmu_tx_delay', 0],
    ['dmu_tx_dirty_over_max', 12],
  ]),
  'proc/spl/kstat/zfs/dnodestats': kstat([
    ['dnode_hold_dbuf_hold', 0],
    ['dnode_hold_alloc_hits', 37617],
  ]),
  'proc/spl/kstat/zfs/fm': kstat([
    ['erpt-dropped', 18],
    ['erpt-set-failed', 0],
    ['fmri-set-failed', 0],
    ['payload-set-failed', 0],
  ]),
  'proc/spl/kstat/zfs/vdev_cache_stats': kstat([
    ['delegations', 40],
    ['hits', 0],
    ['misses', 0],
  ]),
  'proc/spl/kstat/zfs/vdev_mirror_stats': kstat([
    ['rotating_linear', 0],
    ['preferred_found', 94],
  ]),
  'proc/spl/kstat/zfs/xuio_stats': kstat([
    ['onloan_read_buf', 32],
    ['read_buf_nocopy', 0],
  ]),
  'proc/spl/kstat/zfs/zfetchstats': kstat([
    ['hits', 7067992],
    ['misses', 11],
    ['max_streams', 5],
  ]),
  'proc/spl/kstat/zfs/zil': kstat([
    ['zil_commit_count', 10],
    ['zil_itx_indirect_bytes', 0],
    ['zil_itx_metaslab_slog_bytes', 0],
  ]),
  'proc/spl/kstat/zfs/dbgmsg': 'timestamp    message \n1700000000   spa_tryimport: tank\n',
  'proc/spl/kstat/zfs/tank/io': IO,
  'proc/spl/kstat/zfs/tank/state': 'DEGRADED\n',
  'proc/spl/kstat/zfs/tank/objset-0x36': objset('tank', 1),
  'proc/spl/kstat/zfs/tank/objset-0x184': objset('tank/home', 1000),
  'proc/spl/kstat/zfs/tank/reads': '19 -1 0x01 7 2208 8266018193 2024193238312\n',
  'proc/spl/kstat/zfs/rpool-2/state': 'ONLINE\n',
  'proc/spl/kstat/zfs/rpool-2/objset-0x9': objset('rpool-2/ROOT/debian', 7),
};
