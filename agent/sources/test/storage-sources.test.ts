import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import type { HostPaths, Source, SourceFactory } from '../../source.ts';
import { attributes } from '../../test/host/attributes.ts';
import { bcacheFiles } from '../../test/host/bcache.ts';
import { cpufreqFiles } from '../../test/host/cpufreq.ts';
import { diskstatsFiles } from '../../test/host/diskstats.ts';
import { edacFiles } from '../../test/host/edac.ts';
import { fibrechannelFiles } from '../../test/host/fibrechannel.ts';
import { writeHost, type HostFiles } from '../../test/host/host-files.ts';
import { hwmonFiles } from '../../test/host/hwmon.ts';
import { infinibandFiles } from '../../test/host/infiniband.ts';
import { mdadmFiles } from '../../test/host/mdadm.ts';
import { nvmeFiles } from '../../test/host/nvme.ts';
import { powersupplyclassFiles } from '../../test/host/powersupplyclass.ts';
import { raplFiles } from '../../test/host/rapl.ts';
import { tapestatsFiles } from '../../test/host/tapestats.ts';
import { thermalZoneFiles } from '../../test/host/thermal-zone.ts';
import { bcacheSource } from '../bcache.ts';
import { cpufreqSource } from '../cpufreq.ts';
import { diskstatsSource } from '../diskstats.ts';
import { edacSource } from '../edac.ts';
import { fibrechannelSource } from '../fibrechannel.ts';
import { hwmonSource } from '../hwmon.ts';
import { infinibandSource } from '../infiniband.ts';
import { mdadmSource } from '../mdadm.ts';
import { nvmeSource } from '../nvme.ts';
import { powersupplyclassSource } from '../powersupplyclass.ts';
import { raplSource } from '../rapl.ts';
import { tapestatsSource } from '../tapestats.ts';
import { thermalZoneSource } from '../thermal-zone.ts';
import { fixture } from './fixture.ts';
import { RecordingSink } from './recording-sink.ts';

function host(t: Test, ...files: readonly HostFiles[]): HostPaths {
  return writeHost(t.testdir({}), ...files);
}

/** As `active failed spare/required synced/blocks state`. */
function arrays(values: Readonly<Record<string, number>>): Record<string, string> {
  const devices = Object.keys(values).flatMap(
    (key) => /^node_md_blocks\{device="(.*)"\}$/.exec(key)?.[1] ?? [],
  );
  return Object.fromEntries(
    devices.map((device) => {
      const of = (metric: string, state?: string): number =>
        values[
          `node_md_${metric}{device="${device}"${state === undefined ? '' : `,state="${state}"`}}`
        ]!;
      const states = ['active', 'inactive', 'recovering', 'resync', 'check'];
      const disks = ['active', 'failed', 'spare'].map((state) => of('disks', state));
      const state = states.filter((state) => of('state', state) === 1).join('+') || 'none';
      const blocks = `${of('blocks_synced')}/${of('blocks')}`;
      return [device, `${disks.join(' ')}/${of('disks_required')} ${blocks} ${state}`];
    }),
  );
}

await t.test('mdadm: arrays of all levels and in all states', (t) => {
  const sink = new RecordingSink();
  const values = sink.tick(mdadmSource(host(t, mdadmFiles)));
  t.equal(Object.keys(values).length, 15 * 11);
  t.same(arrays(values), {
    md0: '2 0 0/2 1046528/1046528 active',
    md1: '2 0 0/2 88722688/487104512 check',
    md2: '3 0 0/4 500001024/23437503488 recovering',
    md3: '4 2 2/6 31250001920/31250001920 active',
    md4: '4 0 0/4 945152768/7501212672 resync',
    md5: '4 0 0/4 5860270080/5860270080 active',
    md6: '2 0 0/2 0/4190208 resync',
    md7: '2 0 0/2 0/8380416 resync',
    md8: '2 0 0/2 3906762752/3906762752 active',
    md9: '2 0 0/2 209584128/209584128 active',
    md10: '2 1 0/2 976502784/976502784 none',
    md11: '0 1 1/0 1953381488/1953381488 inactive',
    md126: '2 0 0/2 468848640/468848640 active',
    md127: '0 0 2/0 10402/10402 inactive',
    md_home: '2 0 0/3 15628048384/15628048384 active',
  });
  t.same(sink.malformations, []);
  t.end();
});

await t.test('mdadm: what is not an array does not disturb the others', (t) => {
  const mdstat = [
    'Personalities : ',
    'read_ahead not set',
    'md0 : active raid1 sdb1[1] sda1[0]',
    '      100 blocks [2/1] [_U]',
    '      bitmap: 0/1 pages [0KB], 65536KB chunk',
    '      [>....................]  recovery =  0.0% (0/100) finish=9.9min speed=1K/sec',
    '',
    'md1 : active raid1 sdb1[1] sda1[0]',
    'md2 : active raid1 sdb2[1] sda2[0]',
    '      200 blocks [2',
    '',
    'md3 : active faulty sdc1[0]',
    '      300 blocks WriteTransient=1(100)',
    '      \tresync=REMOTE',
    'md4 :',
    'md5 : active raid1 sdb3[1] sda3[0]',
    '      x blocks [2/2] [UU]',
    'md6 : active raid1 sdb4[1] sda4[0]',
    '      600 blocks [2/2] [UU]',
    'md7 : inactive ',
    '       ',
  ].join('\n');
  const sink = new RecordingSink();
  t.same(arrays(sink.tick(mdadmSource(fixture(t, { proc: { mdstat } })))), {
    md0: '1 0 0/2 0/100 recovering',
    md3: '1 0 0/1 0/300 resync',
    md6: '2 0 0/2 600/600 active',
    md7: '0 0 0/0 0/0 inactive',
  });
  t.same(sink.malformations, [
    'mdadm: read_ahead not set',
    'mdadm: md1 : active raid1 sdb1[1] sda1[0]',
    'mdadm: md2 : active raid1 sdb2[1] sda2[0]',
    'mdadm: md4 :',
    'mdadm: md5 : active raid1 sdb3[1] sda3[0]',
  ]);
  t.end();
});

function idleArray(name: string): string {
  return `${name} : active raid1 b[1] a[0]\n      1 blocks [2/2] [UU]\n      \n`;
}

await t.test('mdadm: arrays come and go', (t) => {
  const paths = fixture(t, { proc: { mdstat: idleArray('md0') } });
  const sink = new RecordingSink();
  const source = mdadmSource(paths);
  t.same(Object.keys(arrays(sink.tick(source))), ['md0']);
  writeFileSync(`${paths.procfs}/mdstat`, idleArray('md1') + idleArray('md0'));
  t.same(Object.keys(arrays(sink.tick(source))), ['md1', 'md0']);
  rmSync(`${paths.procfs}/mdstat`);
  source.close();
  t.same(sink.tick(source), {});
  t.end();
});

await t.test('bcache: numbers for people become bytes again', (t) => {
  const uuid = '8f6f2a0e-5d1e-4b1c-9c3a-2f4b6d8e0a12';
  const set = (metric: string): string => `node_bcache_${metric}{uuid="${uuid}"}`;
  const backing = (metric: string): string =>
    `node_bcache_${metric}{backing_device="bdev0",uuid="${uuid}"}`;
  const cache = (metric: string): string =>
    `node_bcache_${metric}{cache_device="cache0",uuid="${uuid}"}`;
  const sink = new RecordingSink();
  t.same(sink.tick(bcacheSource(host(t, bcacheFiles))), {
    [set('average_key_size_sectors')]: 11_564,
    [set('btree_cache_size_bytes')]: 525_188,
    [set('cache_available_percent')]: 97,
    [set('congested')]: 0,
    [set('root_usage_percent')]: 3,
    [set('tree_depth')]: 1,
    [set('active_journal_entries')]: 2,
    [set('btree_nodes')]: 1024,
    [set('btree_read_average_duration_seconds')]: 0.000001305,
    [set('cache_read_races_total')]: 6,
    [backing('dirty_data_bytes')]: 1_001_058_304,
    [backing('dirty_target_bytes')]: 39_388_708_864,
    [backing('writeback_rate')]: 4_194_304,
    [backing('writeback_rate_proportional_term')]: -965_406_720,
    [backing('writeback_rate_integral_term')]: -17_928_192,
    [backing('writeback_change')]: 0,
    [backing('bypassed_bytes_total')]: 13_618_905_088,
    [backing('cache_bypass_hits_total')]: 2041,
    [backing('cache_bypass_misses_total')]: 2042,
    [backing('cache_hits_total')]: 2043,
    [backing('cache_miss_collisions_total')]: 2044,
    [backing('cache_misses_total')]: 2045,
    [backing('cache_readaheads_total')]: 2046,
    [cache('io_errors')]: 0,
    [cache('metadata_written_bytes_total')]: 5_133_828_096,
    [cache('written_bytes_total')]: 1_421_634_174_976,
  });
  t.same(sink.malformations, []);
  const odd = ['1.5', '-2k', '3.k', 'k', '4.1Q', '5.1kB', '6 7'].map((text, i) => [
    ['tree_depth', 'congested', 'root_usage_percent', 'average_key_size'][i] ?? `internal/${i}`,
    text,
  ]);
  const oddSink = new RecordingSink();
  const files = attributes('sys/fs/bcache/a-b', Object.fromEntries(odd));
  t.same(oddSink.tick(bcacheSource(host(t, files))), {
    'node_bcache_tree_depth{uuid="a-b"}': 1,
    'node_bcache_congested{uuid="a-b"}': -2048,
  });
  t.equal(oddSink.malformations.length, 2);
  t.end();
});

await t.test('tapestats shows each drive once', (t) => {
  const sink = new RecordingSink();
  const values = sink.tick(tapestatsSource(host(t, tapestatsFiles)));
  t.equal(Object.keys(values).length, 20);
  t.same(
    Object.entries(values)
      .slice(0, 10)
      .map(([key, value]) => `${key} ${value}`),
    [
      'node_tape_io_now{device="st0"} 1',
      'node_tape_io_time_seconds_total{device="st0"} 9247.01108772',
      'node_tape_io_others_total{device="st0"} 1409',
      'node_tape_read_bytes_total{device="st0"} 979383912',
      'node_tape_reads_completed_total{device="st0"} 3741',
      'node_tape_read_time_seconds_total{device="st0"} 33.788355744',
      'node_tape_residual_total{device="st0"} 19',
      'node_tape_written_bytes_total{device="st0"} 1496246784000',
      'node_tape_writes_completed_total{device="st0"} 53772916',
      'node_tape_write_time_seconds_total{device="st0"} 5233.597394395',
    ],
  );
  t.equal(values['node_tape_residual_total{device="st1"}'], 20);
  t.ok(sink.kinds().includes('node_tape_io_now gauge '));
  t.ok(sink.kinds().includes('node_tape_written_bytes_total counter bytes'));
  t.end();
});

await t.test('fibrechannel leaves out what the firmware does not count', (t) => {
  const sink = new RecordingSink();
  const values = sink.tick(fibrechannelSource(host(t, fibrechannelFiles)));
  const of = (port: string): string[] =>
    Object.entries(values)
      .filter(([key]) => key.endsWith(`{fc_host="${port}"}`))
      .map(
        ([key, value]) => `${key.slice('node_fibrechannel_'.length, key.indexOf('{'))} ${value}`,
      );
  t.same(of('host1'), [
    'error_frames_total 0',
    'fcp_packet_aborts_total 19',
    'invalid_crc_total 2',
    'invalid_tx_words_total 8',
    'link_failure_total 9',
    'loss_of_signal_total 17',
    'loss_of_sync_total 16',
    'nos_total 18',
    'rx_frames_total 3',
    'rx_words_total 135534501179',
    'seconds_since_last_reset_total 7',
    'tx_frames_total 5',
    'tx_words_total 68719476735',
  ]);
  t.equal(of('host2').length, 12);
  t.same(
    Object.keys(values).filter((key) => key.includes('_info{')),
    [
      'node_fibrechannel_info{dev_loss_tmo="30",fabric_name="100000051ed60cde",fc_host="host1",port_id="000002",port_name="1000e0071bce95f2",port_state="Online",port_type="Point-To-Point (direct nport connection)",speed="16 Gbit",supported_classes="Class 3",supported_speeds="4 Gbit, 8 Gbit, 16 Gbit",symbolic_name="QLE2692 FW:v9.08.02 DVR:v10.02.07.800-k"}',
      'node_fibrechannel_info{dev_loss_tmo="30",fabric_name="ffffffffffffffff",fc_host="host2",port_id="000000",port_name="1000e0071bce95f3",port_state="Linkdown",port_type="Unknown",speed="unknown",supported_classes="Class 3",supported_speeds="4 Gbit, 8 Gbit, 16 Gbit",symbolic_name="QLE2692 FW:v9.08.02 DVR:v10.02.07.800-k"}',
    ],
  );
  t.same(sink.malformations, []);
  t.end();
});

await t.test('diskstats: udev tells what the disks of a server are', (t) => {
  const sink = new RecordingSink();
  const values = sink.tick(diskstatsSource(host(t, diskstatsFiles)));
  t.equal(Object.keys(values).length, 283);
  t.same(
    Object.keys(values).filter((key) =>
      /_(info|rpm|cache|enabled)\{device="(sda|sdb|sdaa|dm-1)"/.test(key),
    ),
    [
      'node_disk_info{device="sda",major="8",minor="0",model="ST18000NM000J-2TV103",path="pci-0000:00:17.0-ata-1.0",revision="SN02",serial="ZR5A1B2C",wwn="0x5000c500e1b2c3d4"}',
      'node_disk_filesystem_info{device="sda",type="LVM2_member",usage="raid",uuid="kXcP2o-Qm3F-9y7C-Tq1V-aB2c-D3eF-gH4iJ5",version="LVM2 001"}',
      'node_disk_ata_write_cache{device="sda"}',
      'node_disk_ata_write_cache_enabled{device="sda"}',
      'node_disk_ata_rotation_rate_rpm{device="sda"}',
      'node_disk_info{device="sdb",major="8",minor="16",model="Micron_5300_MTFDDAK1T9TDS",path="",revision="",serial="2034290A1B2C",wwn=""}',
      'node_disk_ata_write_cache{device="sdb"}',
      'node_disk_ata_write_cache_enabled{device="sdb"}',
      'node_disk_ata_rotation_rate_rpm{device="sdb"}',
      'node_disk_info{device="sdaa",major="65",minor="160",model="PERC_H740P_Adp",path="pci-0000:3b:00.0-scsi-0:2:0:0",revision="5.13",serial="6d0946606f1a2b00287c0f3d1a2b3c4d",wwn=""}',
      'node_disk_info{device="dm-1",major="253",minor="1",model="",path="",revision="",serial="",wwn=""}',
      'node_disk_device_mapper_info{device="dm-1",lv_layer="tmeta",lv_name="pool",name="vg--data-pool_tmeta",uuid="LVM-aBcDeFgHiJkLmNoPqRsTuVwXyZ01234567890000000000000000000000000000-tmeta",vg_name="vg-data"}',
    ],
  );
  t.end();
});

await t.test('diskstats: people choose which devices to leave out', (t) => {
  const options = { diskDevicesExclude: /^(dm-|ram|zram|sr|nbd|sd|mmcblk)/ };
  const values = new RecordingSink().tick(diskstatsSource(host(t, diskstatsFiles), options));
  t.same(
    Object.keys(values).flatMap((key) => /^node_disk_io_now\{device="(.*)"/.exec(key)?.[1] ?? []),
    ['nvme0n1', 'nvme0n1p1', 'nvme0n1p2', 'nvme1n1', 'md0', 'loop0'],
  );
  t.end();
});

const SOURCES: readonly (readonly [SourceFactory, HostFiles])[] = [
  [bcacheSource, bcacheFiles],
  [cpufreqSource, cpufreqFiles],
  [diskstatsSource, diskstatsFiles],
  [edacSource, edacFiles],
  [fibrechannelSource, fibrechannelFiles],
  [hwmonSource, hwmonFiles],
  [infinibandSource, infinibandFiles],
  [mdadmSource, mdadmFiles],
  [nvmeSource, nvmeFiles],
  [powersupplyclassSource, powersupplyclassFiles],
  [raplSource, raplFiles],
  [tapestatsSource, tapestatsFiles],
  [thermalZoneSource, thermalZoneFiles],
];

/** The same tree with each file being the same one. */
function everywhere(files: HostFiles, path: string): HostFiles {
  return Object.fromEntries(
    Object.entries(files).map(([name, original]) => [
      name,
      typeof original === 'string' ? { link: path } : original,
    ]),
  );
}

function readTwice(source: Source): RecordingSink {
  const sink = new RecordingSink();
  sink.tick(source);
  sink.tick(source);
  source.close();
  return sink;
}

await t.test('hostile contents never throw', (t) => {
  const hostile = [
    '',
    '\u0000'.repeat(300),
    '\ud800\uffff\r\n',
    '-',
    '0x',
    '4:',
    'md0 : active raid1\n  1 blocks [',
    '9'.repeat(100_000),
    'a '.repeat(50_000),
  ];
  const directory = t.testdir({});
  const same = `${directory}/same`;
  const hosts = SOURCES.map(([factory, files], i) => {
    const paths = writeHost(`${directory}/${i}`, everywhere(files, same));
    return { factory, paths };
  });
  for (const [i, contents] of ['nowhere', '/dev/zero', ...hostile].entries()) {
    rmSync(same, { force: true });
    if (i < 2) symlinkSync(contents, same);
    else writeFileSync(same, contents);
    for (const { factory, paths } of hosts) {
      const source = factory(paths);
      const { length } = readTwice(source).keys;
      t.ok(length < 500, `${source.name} with ${contents.slice(0, 20)}`);
    }
  }
  rmSync(same);
  mkdirSync(same);
  for (const { factory, paths } of hosts) {
    const source = factory(paths);
    t.same(readTwice(source).malformations, [], `${source.name} with directories`);
  }
  t.end();
});

await t.test('a host without these devices has no series of them', (t) => {
  const paths = fixture(t, {});
  for (const [factory] of SOURCES) {
    const source = factory(paths);
    const { keys, malformations } = readTwice(source);
    t.same([keys, malformations], [[], []], source.name);
  }
  t.end();
});
