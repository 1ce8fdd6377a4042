import { rmSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { cpufreqSource } from '../cpufreq.ts';
import { diskstatsSource } from '../diskstats.ts';
import { SELDOM_READS } from '../kernel-file.ts';
import { thermalZoneSource } from '../thermal-zone.ts';
import { localZoneRule, zoneName } from '../time-zone.ts';
import { timeSource } from '../time.ts';
import { fixture } from './fixture.ts';
import { RecordingSink } from './recording-sink.ts';

const INFO_EMPTY = 'model="",path="",revision="",serial="",wwn=""';

await t.test('diskstats shows whole devices in base units', (t) => {
  const diskstats = [
    ' 254       0 vda 17916 6310 3421946 16720 5627 57077 5490600 11556 0 3804 28835 7431 42 154880 558 10 3',
    ' 254       1 vda1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17',
    '   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0',
    ' 259       0 nvme0n1 1 2 3 4 5 6 7 8 9 10 11',
    ' 259       1 nvme0n1p1 1 2 3 4 5 6 7 8 9 10 11',
    '   8       0 sda 1 2 3',
    '   8 x sdb 1 2 3 4 5 6 7 8 9 10 11',
  ];
  const sink = new RecordingSink();
  const values = sink.tick(
    diskstatsSource(fixture(t, { proc: { diskstats: diskstats.join('\n') } })),
  );
  const of = (device: string): string[] =>
    Object.entries(values)
      .filter(([key]) => key.endsWith(`{device="${device}"}`))
      .map(([key, value]) => `${key.slice('node_disk_'.length, key.indexOf('{'))} ${value}`);
  t.same(of('vda'), [
    'reads_completed_total 17916',
    'reads_merged_total 6310',
    'read_bytes_total 1752036352',
    'read_time_seconds_total 16.72',
    'writes_completed_total 5627',
    'writes_merged_total 57077',
    'written_bytes_total 2811187200',
    'write_time_seconds_total 11.556000000000001',
    'io_now 0',
    'io_time_seconds_total 3.8040000000000003',
    'io_time_weighted_seconds_total 28.835',
    'discards_completed_total 7431',
    'discards_merged_total 42',
    'discarded_sectors_total 154880',
    'discard_time_seconds_total 0.558',
    'flush_requests_total 10',
    'flush_requests_time_seconds_total 0.003',
  ]);
  t.equal(of('nvme0n1').length, 11, 'an older kernel');
  t.equal(Object.keys(values).length, 17 + 11 + 2);
  t.equal(values[`node_disk_info{device="vda",major="254",minor="0",${INFO_EMPTY}}`], 1);
  t.same(sink.malformations, [`diskstats: ${diskstats[5]}`, `diskstats: ${diskstats[6]}`]);
  t.end();
});

function udevEntry(serial: string): string {
  return [
    'S:disk/by-id/x',
    'E:ID_MODEL=MODEL_X',
    `E:ID_SERIAL_SHORT=${serial}`,
    'E:ID_FS_TYPE=ext4',
    'E:ID_ATA=1',
    'E:ID_ATA_ROTATION_RATE_RPM=7200',
    'E:ID_ATA_WRITE_CACHE=maybe',
    'E:DM_NAME=vg-lv',
  ].join('\n');
}

function diskInfo(serial: string): string {
  return `node_disk_info{device="sda",major="8",minor="0",model="MODEL_X",path="",revision="",serial="${serial}",wwn=""} 1`;
}

await t.test('a disk that is replaced is described anew', (t) => {
  const line = '   8       0 sda 1 2 3 4 5 6 7 8 9 10 11\n';
  const paths = fixture(t, {
    proc: { diskstats: line },
    root: { run: { udev: { data: { 'b8:0': udevEntry('first') } } } },
  });
  const sink = new RecordingSink();
  const source = diskstatsSource(paths);
  const described = (): string[] =>
    Object.entries(sink.tick(source))
      .filter(([key]) => !key.endsWith('_total{device="sda"}') && !key.includes('io_now'))
      .map(([key, value]) => `${key} ${value}`);
  const rest = [
    'node_disk_filesystem_info{device="sda",type="ext4",usage="",uuid="",version=""} 1',
    'node_disk_device_mapper_info{device="sda",lv_layer="",lv_name="",name="vg-lv",uuid="",vg_name=""} 1',
    'node_disk_ata_rotation_rate_rpm{device="sda"} 7200',
  ];
  t.same(described(), [diskInfo('first'), ...rest]);
  writeFileSync(`${paths.procfs}/diskstats`, '');
  t.same(described(), []);
  writeFileSync(`${paths.rootfs}/run/udev/data/b8:0`, udevEntry('second'));
  writeFileSync(`${paths.procfs}/diskstats`, line);
  t.same(described(), [diskInfo('second'), ...rest]);
  source.close();
  t.end();
});

await t.test('thermal zones and cooling devices come and go', (t) => {
  const paths = fixture(t, {
    sys: {
      class: {
        thermal: {
          thermal_zone0: { type: 'x86_pkg_temp\n', temp: '-45500\n' },
          thermal_zone1: { temp: '1\n' },
          thermal_zone2: { type: 'acpitz\n' },
          cooling_device7: { type: 'Fan\n', cur_state: '1\n', max_state: '3\n' },
        },
      },
    },
  });
  const directory = `${paths.sysfs}/class/thermal`;
  const sink = new RecordingSink();
  const source = thermalZoneSource(paths);
  const cooling = {
    'node_cooling_device_cur_state{name="7",type="Fan"}': 1,
    'node_cooling_device_max_state{name="7",type="Fan"}': 3,
  };
  const zone = 'node_thermal_zone_temp{type="x86_pkg_temp",zone="0"}';
  t.same(sink.tick(source), { [zone]: -45.5, ...cooling });
  rmSync(`${directory}/cooling_device7`, { recursive: true });
  writeFileSync(`${directory}/thermal_zone0/temp`, '51000\n');
  for (let read = 1; read < SELDOM_READS; read++) sink.tick(source);
  t.same(sink.tick(source), { [zone]: 51 });
  t.same(sink.malformations, []);
  source.close();
  t.end();
});

await t.test('frequencies are in hertz', (t) => {
  const cpufreq = { scaling_cur_freq: '2400000\n', scaling_max_freq: '3500000\n' };
  const paths = fixture(t, {
    sys: { devices: { system: { cpu: { cpu0: { cpufreq }, cpu1: {}, cpufreq: {} } } } },
  });
  const sink = new RecordingSink();
  t.same(sink.tick(cpufreqSource(paths)), {
    'node_cpu_scaling_frequency_hertz{cpu="0"}': 2.4e9,
    'node_cpu_scaling_frequency_max_hertz{cpu="0"}': 3.5e9,
  });
  t.end();
});

await t.test('time shows the clock, its zone and its source', (t) => {
  const clocksource0 = { available_clocksource: 'tsc hpet \n', current_clocksource: 'tsc\n' };
  const paths = fixture(t, {
    sys: { devices: { system: { clocksource: { clocksource0 } } } },
  });
  let utcAheadMinutes = -60;
  const clock = {
    nowMs: () => 1_795_374_790_250,
    utcAheadMinutes: () => utcAheadMinutes,
    zoneRule: 'CET-1CEST,M3.5.0,M10.5.0/3',
  };
  const sink = new RecordingSink();
  const source = timeSource(paths, clock);
  const rest = {
    'node_time_clocksource_available_info{clocksource="tsc",device="0"}': 1,
    'node_time_clocksource_available_info{clocksource="hpet",device="0"}': 1,
    'node_time_clocksource_current_info{clocksource="tsc",device="0"}': 1,
  };
  t.same(sink.tick(source), {
    node_time_seconds: 1_795_374_790.25,
    'node_time_zone_offset_seconds{time_zone="CET"}': 3600,
    ...rest,
  });
  utcAheadMinutes = -120;
  t.same(sink.tick(source), {
    node_time_seconds: 1_795_374_790.25,
    'node_time_zone_offset_seconds{time_zone="CEST"}': 7200,
    ...rest,
  });
  t.end();
});

await t.test('zones are named as their rule names them', (t) => {
  t.equal(zoneName('UTC0', 0), 'UTC');
  t.equal(zoneName('<+0330>-3:30', 12_600), '+0330');
  t.equal(zoneName('EST5EDT,M3.2.0,M11.1.0', -18_000), 'EST');
  t.equal(zoneName('EST5EDT,M3.2.0,M11.1.0', -14_400), 'EDT');
  t.equal(zoneName('IST-1GMT0,M10.5.0,M3.5.0/1', 0), 'GMT');
  t.equal(zoneName(undefined, 0), 'UTC');
  t.equal(zoneName(undefined, -12_600), '-0330');
  t.equal(zoneName('??', 3600), '+01');
  t.equal(localZoneRule(''), 'UTC0');
  t.equal(localZoneRule('No/Such_Zone'), undefined);
  const zone = `${t.testdir({ zone: 'TZif2…\nCET-1CEST,M3.5.0,M10.5.0/3\n' })}/zone`;
  t.equal(localZoneRule(`:${zone}`), 'CET-1CEST,M3.5.0,M10.5.0/3');
  t.end();
});
