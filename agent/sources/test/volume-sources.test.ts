import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import t, { type Test } from 'tap';
import type { HostPaths, SourceFactory } from '../../source.ts';
import { btrfsFiles } from '../../test/host/btrfs.ts';
import { writeHost, type HostFiles } from '../../test/host/host-files.ts';
import { ipvsFiles } from '../../test/host/ipvs.ts';
import { nfsFiles } from '../../test/host/nfs.ts';
import { nfsdFiles } from '../../test/host/nfsd.ts';
import { selinuxFiles } from '../../test/host/selinux.ts';
import { xfsFiles } from '../../test/host/xfs.ts';
import { zfsFiles } from '../../test/host/zfs.ts';
import { btrfsSource } from '../btrfs.ts';
import { parseIpvsAddress } from '../ipvs-service.ts';
import { ipvsSource } from '../ipvs.ts';
import { SELDOM_READS } from '../kernel-file.ts';
import { nfsSource } from '../nfs.ts';
import { nfsdSource } from '../nfsd.ts';
import { selinuxSource } from '../selinux.ts';
import { xfsSource } from '../xfs.ts';
import { zfsSource } from '../zfs.ts';
import { RecordingSink } from './recording-sink.ts';

interface Reading {
  readonly values: Record<string, number>;
  readonly kinds: readonly string[];
  readonly malformations: readonly string[];
}

/** What a source shows of a host, and the same at its next reading. */
function read(t: Test, factory: SourceFactory, files: HostFiles): Reading {
  const sink = new RecordingSink();
  const source = factory(writeHost(t.testdir({}), files));
  const values = sink.tick(source);
  t.same(sink.tick(source), values);
  source.close();
  return { values, kinds: sink.kinds(), malformations: sink.malformations };
}

/** Those of one metric, by its labels' values in the order of their names. */
function ofMetric(values: Record<string, number>, metric: string): Record<string, number> {
  const own = Object.entries(values).filter(([key]) => key.split('{')[0] === metric);
  return Object.fromEntries(
    own.map(([key, value]) => [
      [...key.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, label]) => label).join(' '),
      value,
    ]),
  );
}

await t.test('xfs', (t) => {
  const { values, kinds, malformations } = read(t, xfsSource, xfsFiles);
  const of = (device: string): string[] =>
    Object.entries(values)
      .filter(([key]) => key.endsWith(`{device="${device}"}`))
      .map(([key, value]) => `${key.slice('node_xfs_'.length, key.indexOf('_total{'))} ${value}`);
  t.same(of('dm-1'), [
    'extent_allocation_extents_allocated 92447',
    'extent_allocation_blocks_allocated 97589',
    'extent_allocation_extents_freed 92448',
    'extent_allocation_blocks_freed 93751',
    'allocation_btree_lookups 12',
    'allocation_btree_compares 34',
    'allocation_btree_records_inserted 56',
    'allocation_btree_records_deleted 78',
    'block_mapping_reads 1767055',
    'block_mapping_writes 188820',
    'block_mapping_unmaps 184891',
    'block_mapping_extent_list_insertions 92447',
    'block_mapping_extent_list_deletions 92448',
    'block_mapping_extent_list_lookups 2140766',
    'block_mapping_extent_list_compares 3',
    'block_map_btree_lookups 5',
    'block_map_btree_compares 6',
    'block_map_btree_records_inserted 7',
    'block_map_btree_records_deleted 8',
    'directory_operation_lookup 185039',
    'directory_operation_create 92447',
    'directory_operation_remove 92444',
    'directory_operation_getdents 136422',
    'inode_operation_attempts 185045',
    'inode_operation_found 58807',
    'inode_operation_recycled 2',
    'inode_operation_missed 126238',
    'inode_operation_duplicates 7',
    'inode_operation_reclaims 33637',
    'inode_operation_attribute_changes 22',
    'write_calls 107739',
    'read_calls 94045',
    'vnode_active 92601',
    'vnode_allocate 21',
    'vnode_get 4',
    'vnode_hold 3',
    'vnode_release 92444',
    'vnode_reclaim 92444',
    'vnode_remove 92444',
  ]);
  t.equal(of('nvme0n1p4').length, 39, 'an older kernel');
  t.equal(Object.keys(values).length, 2 * 39);
  t.ok(kinds.every((kind) => kind.endsWith('_total counter ')));
  t.same(malformations, []);
  const odd = read(t, xfsSource, {
    'sys/fs/xfs/sda/stats/stats': 'abt 1 2 3\nrw 1 x\nbmbt\n\ndir 1 2 3 4 5\nextent_alloc',
  });
  t.same(Object.keys(odd.values).length, 4);
  const complaints = ['xfs: abt 1 2 3', 'xfs: rw 1 x', 'xfs: bmbt', 'xfs: extent_alloc'];
  t.same(odd.malformations, [...complaints, ...complaints]);
  t.end();
});

const POOL = '5bdc7b94-7c41-4eb5-83dd-6e3dd5bb8a66';
const ROOT = '90a1c2d3-e4f5-4a6b-8c7d-0e1f2a3b4c5d';
const OLD = 'c0ffee00-0000-4000-8000-000000000001';

await t.test('btrfs', (t) => {
  const { values, kinds, malformations } = read(t, btrfsSource, btrfsFiles);
  const of = (metric: string): Record<string, number> => ofMetric(values, `node_btrfs_${metric}`);
  t.same(of('info'), { [`media pool ${POOL}`]: 1, [` ${ROOT}`]: 1, [`backup ${OLD}`]: 1 });
  t.same(of('global_rsv_size_bytes'), {
    [POOL]: 536_870_912,
    [ROOT]: 536_870_912,
    [OLD]: 536_870_912,
  });
  t.same(of('reserved_bytes'), {
    [`data ${POOL}`]: 49_152,
    [`metadata ${POOL}`]: 0,
    [`system ${POOL}`]: 0,
    [`data ${ROOT}`]: 0,
    [`metadata ${ROOT}`]: 0,
    [`system ${ROOT}`]: 0,
    [`data ${OLD}`]: 4096,
    [`metadata ${OLD}`]: 0,
    [`system ${OLD}`]: 0,
  });
  t.same(of('used_bytes'), {
    [`data raid6 ${POOL}`]: 18_253_611_008_000,
    [`metadata raid1 ${POOL}`]: 0,
    [`metadata raid1c3 ${POOL}`]: 21_474_836_480,
    [`system raid1c3 ${POOL}`]: 1_343_488,
    [`data single ${ROOT}`]: 53_687_091_200,
    [`metadata dup ${ROOT}`]: 805_306_368,
    [`system dup ${ROOT}`]: 16_384,
    [`data raid5 ${OLD}`]: 500,
    [`metadata raid10 ${OLD}`]: 50,
    [`system raid0 ${OLD}`]: 5,
  });
  t.same(of('size_bytes')[`data raid6 ${POOL}`], 21_474_836_480_000);
  t.same(of('allocation_ratio'), {
    [`data raid6 ${POOL}`]: 2,
    [`metadata raid1 ${POOL}`]: 2,
    [`metadata raid1c3 ${POOL}`]: 3,
    [`system raid1c3 ${POOL}`]: 3,
    [`data single ${ROOT}`]: 1,
    [`metadata dup ${ROOT}`]: 2,
    [`system dup ${ROOT}`]: 2,
    [`data raid5 ${OLD}`]: 1.5,
    [`metadata raid10 ${OLD}`]: 2,
    [`system raid0 ${OLD}`]: 1,
  });
  t.same(of('device_size_bytes'), {
    [`sda ${POOL}`]: 8_001_563_222_016,
    [`sdb ${POOL}`]: 8_001_563_222_016,
    [`sdc ${POOL}`]: 8_001_563_222_016,
    [`sdd ${POOL}`]: 6_001_175_126_016,
    [`nvme0n1p3 ${ROOT}`]: 512_000_000_000,
    [`dm_crypt ${OLD}`]: 1_048_576,
    [`sdq ${OLD}`]: 2_097_152,
    [`sdr ${OLD}`]: 2_097_152,
  });
  t.same(of('commits_total'), { [POOL]: 214_748, [ROOT]: 5 });
  t.same(of('last_commit_seconds'), { [POOL]: 0.041, [ROOT]: 0.002 });
  t.same(of('max_commit_seconds'), { [POOL]: 18.234, [ROOT]: 0.003 });
  t.same(of('commit_seconds_total'), { [POOL]: 9876.543, [ROOT]: 1.5 });
  t.same(of('device_errors_total'), {
    [`devid:1 write ${POOL}`]: 0,
    [`devid:1 read ${POOL}`]: 0,
    [`devid:1 flush ${POOL}`]: 0,
    [`devid:1 corruption ${POOL}`]: 0,
    [`devid:1 generation ${POOL}`]: 0,
    [`devid:2 write ${POOL}`]: 7,
    [`devid:2 read ${POOL}`]: 1911,
    [`devid:2 flush ${POOL}`]: 2,
    [`devid:2 corruption ${POOL}`]: 13,
    [`devid:2 generation ${POOL}`]: 1,
    [`nvme0n1p3 write ${ROOT}`]: 1,
    [`nvme0n1p3 read ${ROOT}`]: 2,
    [`nvme0n1p3 flush ${ROOT}`]: 3,
    [`nvme0n1p3 corruption ${ROOT}`]: 4,
    [`nvme0n1p3 generation ${ROOT}`]: 5,
  });
  t.same(kinds.toSorted(), [
    'node_btrfs_allocation_ratio gauge ',
    'node_btrfs_commit_seconds_total counter seconds',
    'node_btrfs_commits_total counter ',
    'node_btrfs_device_errors_total counter ',
    'node_btrfs_device_size_bytes gauge bytes',
    'node_btrfs_global_rsv_size_bytes gauge bytes',
    'node_btrfs_info gauge ',
    'node_btrfs_last_commit_seconds gauge seconds',
    'node_btrfs_max_commit_seconds gauge seconds',
    'node_btrfs_reserved_bytes gauge bytes',
    'node_btrfs_size_bytes gauge bytes',
    'node_btrfs_used_bytes gauge bytes',
  ]);
  t.same(malformations, []);
  t.end();
});

await t.test('btrfs: a device that is added changes the ratio', (t) => {
  const paths = writeHost(t.testdir({}), btrfsFiles);
  const sink = new RecordingSink();
  const source = btrfsSource(paths);
  const ratio = `node_btrfs_allocation_ratio{block_group_type="data",mode="raid5",uuid="${OLD}"}`;
  t.equal(sink.tick(source)[ratio], 1.5);
  mkdirSync(`${paths.sysfs}/fs/btrfs/${OLD}/devices/sds`);
  for (let tick = 1; tick < SELDOM_READS; tick++) sink.tick(source);
  t.equal(sink.tick(source)[ratio], 4 / 3);
  rmSync(`${paths.sysfs}/fs/btrfs/${OLD}`, { recursive: true });
  for (let tick = 1; tick < SELDOM_READS; tick++) sink.tick(source);
  t.notOk(Object.keys(sink.tick(source)).some((key) => key.includes(OLD)));
  source.close();
  t.end();
});

await t.test('zfs', (t) => {
  const { values, kinds, malformations } = read(t, zfsSource, zfsFiles);
  t.match(values, {
    node_zfs_arc_hits: 8_772_612,
    node_zfs_arc_c_max: 67_502_735_360,
    node_zfs_arc_memory_available_bytes: 922_337_203_685_477,
    node_zfs_arc_l2_size: 2 ** 64,
    node_zfs_abd_struct_size: 2520,
    node_zfs_dbuf_cache_level_0: 27,
    node_zfs_dmu_tx_dmu_tx_assigned: 3_532_844,
    node_zfs_dnode_dnode_hold_alloc_hits: 37_617,
    node_zfs_fm_erpt_dropped: 18,
    node_zfs_fm_erpt_set_failed: 0,
    node_zfs_vdev_cache_delegations: 40,
    node_zfs_vdev_mirror_preferred_found: 94,
    node_zfs_xuio_onloan_read_buf: 32,
    node_zfs_zfetch_hits: 7_067_992,
    node_zfs_zil_zil_commit_count: 10,
    'node_zfs_zpool_nread{zpool="tank"}': 1_884_160,
    'node_zfs_zpool_nwritten{zpool="tank"}': 3_206_144,
    'node_zfs_zpool_reads{zpool="tank"}': 22,
    'node_zfs_zpool_writes{zpool="tank"}': 132,
    'node_zfs_zpool_wtime{zpool="tank"}': 7_155_162,
    'node_zfs_zpool_wlentime{zpool="tank"}': 104_112_268,
    'node_zfs_zpool_wupdate{zpool="tank"}': 79_210_489_694_949,
    'node_zfs_zpool_rtime{zpool="tank"}': 24_168_078,
    'node_zfs_zpool_rlentime{zpool="tank"}': 104_112_268,
    'node_zfs_zpool_rupdate{zpool="tank"}': 79_210_489_849_220,
    'node_zfs_zpool_wcnt{zpool="tank"}': 0,
    'node_zfs_zpool_rcnt{zpool="tank"}': 1,
    'node_zfs_zpool_dataset_writes{dataset="tank",zpool="tank"}': 4,
    'node_zfs_zpool_dataset_nwritten{dataset="tank/home",zpool="tank"}': 6_302_720_000,
    'node_zfs_zpool_dataset_nunlinked{dataset="rpool-2/ROOT/debian",zpool="rpool-2"}': 14,
  });
  t.same(
    Object.entries(ofMetric(values, 'node_zfs_zpool_state'))
      .filter(([, value]) => value === 1)
      .map(([key]) => key),
    ['online rpool-2', 'degraded tank'],
  );
  t.same(
    Object.keys(ofMetric(values, 'node_zfs_zpool_state')).filter((key) => key.endsWith('tank')),
    ['online', 'degraded', 'faulted', 'offline', 'removed', 'unavail', 'suspended'].map(
      (state) => `${state} tank`,
    ),
  );
  t.equal(Object.keys(values).length, 112);
  t.same(
    kinds.filter((kind) => !kind.endsWith(' untyped ')),
    ['node_zfs_zpool_state gauge '],
  );
  t.same(malformations, []);
  t.end();
});

const NAMES = 'name type data\n';

await t.test('zfs: odd kstats, and datasets that come and go', (t) => {
  const directory = 'proc/spl/kstat/zfs';
  const objset = (name: string): string => `1\n${NAMES}dataset_name 7 ${name}\nreads 4 5\n`;
  const paths: HostPaths = writeHost(t.testdir({}), {
    [`${directory}/arcstats`]: `1 2\n${NAMES}\nmemory_available_bytes 3 -4096\ntext 7 abc\nhits 4\nbad;name 4 1\nsize 4 x\n`,
    [`${directory}/zil`]: '',
    [`${directory}/fm/directory`]: '',
    [`${directory}/dmu_tx`]: { link: 'nowhere' },
    [`${directory}/p/io`]: `1\n${'nread '.repeat(11)}\n1 2\n`,
    [`${directory}/p/state`]: 'EXPORTED\n',
    [`${directory}/p/objset-0x1`]: objset('p/a b'),
    [`${directory}/p/objset-0x2`]: `1\n${NAMES}reads 4 5\n`,
    [`${directory}/q/io`]: 'no header\n',
  });
  const sink = new RecordingSink();
  const source = zfsSource(paths);
  const states = ofMetric(sink.tick(source), 'node_zfs_zpool_state');
  t.ok(Object.values(states).every((value) => value === 0));
  const rest = (): Record<string, number> =>
    Object.fromEntries(
      Object.entries(sink.tick(source)).filter(([key]) => !key.includes('_zpool_state')),
    );
  const first = {
    node_zfs_arc_memory_available_bytes: -4096,
    'node_zfs_zpool_dataset_reads{dataset="p/a b",zpool="p"}': 5,
  };
  sink.malformations.length = 0;
  t.same(rest(), first);
  t.same(sink.malformations, [
    'zfs: no number: hits 4',
    'zfs: no number: size 4 x',
    `zfs: no numbers in ${paths.procfs}/spl/kstat/zfs/zil`,
    'zfs: no numbers of p: 1 2',
    'zfs: no numbers of q: ',
  ]);
  const path = `${paths.procfs}/spl/kstat/zfs/p`;
  writeFileSync(`${path}/objset-0x1`, objset('p/renamed'));
  t.ok('node_zfs_zpool_dataset_reads{dataset="p/renamed",zpool="p"}' in rest());
  rmSync(`${path}/objset-0x1`);
  writeFileSync(`${path}/objset-0x7`, objset('p/new'));
  for (let tick = 1; tick < SELDOM_READS; tick++) sink.tick(source);
  t.ok('node_zfs_zpool_dataset_reads{dataset="p/new",zpool="p"}' in rest());
  source.close();
  t.end();
});

await t.test('nfs', (t) => {
  const { values, kinds, malformations } = read(t, nfsSource, nfsFiles);
  t.match(values, {
    'node_nfs_packets_total{protocol="udp"}': 3,
    'node_nfs_packets_total{protocol="tcp"}': 18_625,
    node_nfs_connections_total: 6,
    node_nfs_rpcs_total: 4_329_785,
    node_nfs_rpc_retransmissions_total: 17,
    node_nfs_rpc_authentication_refreshes_total: 4_338_291,
    'node_nfs_requests_total{method="Null",proto="3"}': 1,
    'node_nfs_requests_total{method="GetAttr",proto="3"}': 4712,
    'node_nfs_requests_total{method="Commit",proto="3"}': 98_932,
    'node_nfs_requests_total{method="Null",proto="4"}': 100,
    'node_nfs_requests_total{method="LayoutGet",proto="4"}': 44_000_232,
    'node_nfs_requests_total{method="GetDeviceInfo",proto="4"}': 45_000_235,
    'node_nfs_requests_total{method="Clone",proto="4"}': 58_000_274,
  });
  t.equal(Object.keys(values).length, 105);
  t.ok(kinds.every((kind) => kind.endsWith('_total counter ')));
  t.same(malformations, []);
  const odd = read(t, nfsSource, {
    'proc/net/rpc/nfs': 'proc4 3 1 2 3\nproc3 22 x\nnet\nnew 1 2\nrpc 7\n__proto__ 1\n',
  });
  t.same(odd.values, {
    'node_nfs_requests_total{method="Null",proto="4"}': 1,
    'node_nfs_requests_total{method="Read",proto="4"}': 2,
    'node_nfs_requests_total{method="Write",proto="4"}': 3,
    node_nfs_rpcs_total: 7,
  });
  t.same(odd.malformations.slice(2), ['nfs: proc3 22 x', 'nfs: net']);
  t.end();
});

await t.test('nfsd', (t) => {
  const { values, kinds, malformations } = read(t, nfsdSource, nfsdFiles);
  t.match(values, {
    node_nfsd_reply_cache_hits_total: 13,
    node_nfsd_reply_cache_misses_total: 6,
    node_nfsd_reply_cache_nocache_total: 18_622,
    node_nfsd_file_handles_stale_total: 7,
    node_nfsd_disk_bytes_read_total: 157_286_400,
    node_nfsd_disk_bytes_written_total: 72_864,
    node_nfsd_server_threads: 64,
    node_nfsd_read_ahead_cache_size_blocks: 32,
    node_nfsd_read_ahead_cache_not_found_total: 5,
    'node_nfsd_packets_total{proto="udp"}': 3,
    'node_nfsd_packets_total{proto="tcp"}': 18_625,
    node_nfsd_connections_total: 11,
    node_nfsd_server_rpcs_total: 18_628,
    'node_nfsd_rpc_errors_total{error="fmt"}': 1,
    'node_nfsd_rpc_errors_total{error="auth"}': 2,
    'node_nfsd_rpc_errors_total{error="cInt"}': 3,
    'node_nfsd_requests_total{method="GetAttr",proto="2"}': 71,
    'node_nfsd_requests_total{method="Commit",proto="3"}': 2354,
    'node_nfsd_requests_total{method="Access",proto="4"}': 98,
    'node_nfsd_requests_total{method="SetAttr",proto="4"}': 1059,
    // RFC 7530 has SETCLIENTID and SETCLIENTID_CONFIRM between the two.
    'node_nfsd_requests_total{method="Verify",proto="4"}': 1152,
    'node_nfsd_requests_total{method="RelLockOwner",proto="4"}': 1214,
  });
  t.notOk('node_nfsd_requests_total{method="Null",proto="3"}' in values);
  t.equal(Object.keys(values).length, 87);
  t.ok(kinds.includes('node_nfsd_server_threads gauge '));
  t.ok(kinds.includes('node_nfsd_disk_bytes_read_total counter bytes'));
  t.same(malformations, []);
  t.end();
});

await t.test('ipvs', (t) => {
  const { values, kinds, malformations } = read(t, ipvsSource, ipvsFiles);
  t.match(values, {
    node_ipvs_connections_total: 23_765_872,
    node_ipvs_incoming_packets_total: 3_811_989_221,
    node_ipvs_outgoing_packets_total: 0,
    node_ipvs_incoming_bytes_total: 89_991_519_156_915,
    node_ipvs_outgoing_bytes_total: 0,
  });
  t.same(ofMetric(values, 'node_ipvs_backend_connections_inactive'), {
    '192.168.0.22  3306 TCP 192.168.82.22 3306': 2,
    '192.168.0.22  3306 TCP 192.168.83.24 3306': 2,
    '192.168.0.22  3306 TCP 192.168.83.21 3306': 1,
    '192.168.0.57  53 UDP 192.168.0.33 53': 4711,
    '2620::1  80 TCP 2620::2 80': 0,
    '2620::1  80 TCP 2620::a 80': 0,
    ' 10001000 0 FWM 192.168.50.26 3306': 1,
    ' 10001000 0 FWM 192.168.50.21 3306': 5,
  });
  const labels =
    '{local_address="192.168.0.22",local_mark="",local_port="3306",proto="TCP",remote_address="192.168.82.22",remote_port="3306"}';
  t.equal(values[`node_ipvs_backend_weight${labels}`], 100);
  t.equal(values[`node_ipvs_backend_connections_active${labels}`], 248);
  t.equal(Object.keys(values).length, 29);
  t.ok(kinds.includes('node_ipvs_backend_weight gauge '));
  t.same(malformations, []);
  const odd = read(t, ipvsSource, {
    'proc/net/ip_vs_stats': '\n\n1 2 3\n',
    'proc/net/ip_vs': `  -> C0A85216:0CEA Tunnel 1 2 3
TCP
UDP C0A8:0CEA rr
  -> C0A85216:0CEA Tunnel 1 2 3
SCTP C0A80016:0CEA rr
  ->
  -> [::ffff:0a00:0001]:0050 Tunnel 4 5 6
  -> C0A85216:0CEA Tunnel 1 2
  -> [zz]:0050 Tunnel 4 5 6
`,
  });
  t.same(ofMetric(odd.values, 'node_ipvs_backend_weight'), {
    '192.168.0.22  3306 SCTP 10.0.0.1 80': 4,
  });
  t.same(odd.malformations.slice(0, 5), [
    'ipvs: 1 2 3',
    'ipvs: TCP',
    'ipvs: no address: UDP C0A8:0CEA rr',
    'ipvs:   -> C0A85216:0CEA Tunnel 1 2',
    'ipvs: no address:   -> [zz]:0050 Tunnel 4 5 6',
  ]);
  t.equal(parseIpvsAddress('C0A80016'), null);
  t.equal(parseIpvsAddress(''), null);
  t.end();
});

await t.test('selinux', (t) => {
  const { values, kinds, malformations } = read(t, selinuxSource, selinuxFiles);
  t.same(values, {
    node_selinux_enabled: 1,
    node_selinux_config_mode: 0,
    node_selinux_current_mode: 1,
    node_selinux_avc_lookups_total: 174_332_280,
    node_selinux_avc_hits_total: 174_276_787,
    node_selinux_avc_misses_total: 55_493,
    node_selinux_avc_allocations_total: 57_706,
    node_selinux_avc_reclaims_total: 57_706,
    node_selinux_avc_frees_total: 57_854,
    node_selinux_avc_hash_entries: 503,
    node_selinux_avc_hash_buckets_used: 512,
    node_selinux_avc_hash_buckets_available: 512,
    node_selinux_avc_hash_longest_chain: 4,
    node_selinux_avc_threshold: 512,
  });
  t.ok(kinds.includes('node_selinux_avc_lookups_total counter '));
  t.ok(kinds.includes('node_selinux_enabled gauge '));
  t.same(malformations, []);
  const shown = (files: HostFiles): Record<string, number> => read(t, selinuxSource, files).values;
  t.same(shown({ 'sys/fs/cgroup/x': '' }), { node_selinux_enabled: 0 });
  t.same(shown({}), {});
  const enforce = { 'sys/fs/selinux/enforce': '0' };
  t.same(shown({ ...enforce, 'proc/self/attr/current': 'kernel\0' }), { node_selinux_enabled: 0 });
  const config = 'root/etc/selinux/config';
  const permissive = { node_selinux_enabled: 1, node_selinux_current_mode: 0 };
  t.same(shown(enforce), permissive);
  for (const [text, mode] of [
    [' SELINUX = enforcing', 1],
    ['#SELINUX=enforcing\nSELINUX=disabled\n', -1],
    ['SELINUX\nSELINUX=\nSELINUXTYPE=mls', -1],
    ['SELINUX=toString', -1],
  ] as const) {
    t.same(shown({ ...enforce, [config]: text }), {
      ...permissive,
      node_selinux_config_mode: mode,
    });
  }
  const odd = read(t, selinuxSource, {
    ...enforce,
    'sys/fs/selinux/avc/cache_stats': 'lookups hits\n1 2\n',
    'sys/fs/selinux/avc/hash_stats': 'entries: 503\nbuckets used: 512\nlongest chain: 4\n',
  });
  t.same(odd.values, permissive);
  t.same(odd.malformations.slice(2), ['selinux: 1 2', 'selinux: longest chain: 4']);
  t.end();
});

await t.test('hostile contents, and directories in the place of files, never throw', (t) => {
  const hosts: readonly (readonly [SourceFactory, HostFiles])[] = [
    [xfsSource, xfsFiles],
    [btrfsSource, btrfsFiles],
    [zfsSource, zfsFiles],
    [nfsSource, nfsFiles],
    [nfsdSource, nfsdFiles],
    [ipvsSource, ipvsFiles],
    [selinuxSource, selinuxFiles],
  ];
  const hostile = ['', '\n\n', '\0'.repeat(5000), '9'.repeat(20_000), ' 1 '.repeat(9000), '-> '];
  for (const [factory, files] of hosts) {
    const texts = Object.values(files).filter((file) => typeof file === 'string');
    const halves = texts.map((text) => text.slice(0, text.length / 2));
    for (const text of [...hostile, ...new Set(halves), 'name type data\n- 4 1\n\u00e9 4 1']) {
      const all = Object.fromEntries(Object.keys(files).map((path) => [path, text]));
      t.doesNotThrow(() => read(t, factory, all));
    }
    const directory = t.testdir({});
    const paths = writeHost(directory);
    for (const path of Object.keys(files)) {
      mkdirSync(`${directory}/${dirname(path)}`, { recursive: true });
      mkdirSync(`${directory}/${path}`);
    }
    const source = factory(paths);
    t.doesNotThrow(() => new RecordingSink().tick(source));
    source.close();
  }
  t.end();
});
