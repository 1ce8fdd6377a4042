import { unlinkSync, writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import type { HostPaths } from '../../source.ts';
import { attributes } from '../../test/host/attributes.ts';
import { edacFiles } from '../../test/host/edac.ts';
import { writeHost, type HostFiles } from '../../test/host/host-files.ts';
import { infinibandFiles } from '../../test/host/infiniband.ts';
import { kernelFiles } from '../../test/host/kernel.ts';
import { nvmeFiles } from '../../test/host/nvme.ts';
import { powersupplyclassFiles } from '../../test/host/powersupplyclass.ts';
import { raplFiles } from '../../test/host/rapl.ts';
import { cpufreqSource } from '../cpufreq.ts';
import { edacSource } from '../edac.ts';
import { infinibandSource } from '../infiniband.ts';
import { SELDOM_READS } from '../kernel-file.ts';
import { nvmeSource } from '../nvme.ts';
import { powersupplyclassSource } from '../powersupplyclass.ts';
import { pressureSource } from '../pressure.ts';
import { raplSource } from '../rapl.ts';
import { schedstatSource } from '../schedstat.ts';
import { RecordingSink } from './recording-sink.ts';

function host(t: Test, ...files: readonly HostFiles[]): HostPaths {
  return writeHost(t.testdir({}), ...files);
}

await t.test('edac counts by controller, row, channel and module', (t) => {
  const sink = new RecordingSink();
  const paths = host(t, edacFiles);
  const source = edacSource(paths);
  const modules = {
    'node_edac_dimm_correctable_errors_total{controller="1",dimm="0",dimm_label="CPU_SrcID#0_MC#1_Chan#0_DIMM#0"}': 305,
    'node_edac_dimm_uncorrectable_errors_total{controller="1",dimm="0",dimm_label="CPU_SrcID#0_MC#1_Chan#0_DIMM#0"}': 0,
  };
  const rest = {
    'node_edac_correctable_errors_total{controller="0"}': 11,
    'node_edac_uncorrectable_errors_total{controller="0"}': 1,
    'node_edac_csrow_correctable_errors_total{controller="0",csrow="unknown"}': 2,
    'node_edac_csrow_uncorrectable_errors_total{controller="0",csrow="unknown"}': 0,
    'node_edac_csrow_correctable_errors_total{controller="0",csrow="0"}': 9,
    'node_edac_csrow_uncorrectable_errors_total{controller="0",csrow="0"}': 1,
    'node_edac_channel_correctable_errors_total{channel="0",controller="0",csrow="0",dimm_label="mc0_csrow0_channel0"}': 7,
    'node_edac_channel_correctable_errors_total{channel="1",controller="0",csrow="0",dimm_label="mc0_csrow0_channel1"}': 2,
    'node_edac_csrow_correctable_errors_total{controller="0",csrow="1"}': 0,
    'node_edac_csrow_uncorrectable_errors_total{controller="0",csrow="1"}': 0,
    'node_edac_channel_correctable_errors_total{channel="0",controller="0",csrow="1",dimm_label="unknown"}': 0,
    'node_edac_correctable_errors_total{controller="1"}': 305,
    'node_edac_uncorrectable_errors_total{controller="1"}': 0,
    'node_edac_csrow_correctable_errors_total{controller="1",csrow="unknown"}': 0,
    'node_edac_csrow_uncorrectable_errors_total{controller="1",csrow="unknown"}': 0,
    'node_edac_dimm_correctable_errors_total{controller="1",dimm="2",dimm_label="unknown"}': 0,
    'node_edac_dimm_uncorrectable_errors_total{controller="1",dimm="2",dimm_label="unknown"}': 0,
  };
  t.same(sink.tick(source), { ...rest, ...modules });
  writeFileSync(`${paths.sysfs}/devices/system/edac/mc/mc1/dimm0/dimm_label`, 'DIMM A1\n');
  for (let read = 1; read < SELDOM_READS; read++) sink.tick(source);
  t.same(sink.tick(source), {
    ...rest,
    'node_edac_dimm_correctable_errors_total{controller="1",dimm="0",dimm_label="DIMM A1"}': 305,
    'node_edac_dimm_uncorrectable_errors_total{controller="1",dimm="0",dimm_label="DIMM A1"}': 0,
  });
  t.ok(sink.metrics.every(({ kind }) => kind === 'counter'));
  t.same(sink.malformations, []);
  t.end();
});

function nvmeInfo(device: string, model: string, serial: string, state: string): string {
  return `node_nvme_info{device="${device}",firmware_revision="GDC7502Q",model="${model}",serial="${serial}",state="${state}"}`;
}

await t.test('nvme shows controllers and their namespaces', (t) => {
  const sink = new RecordingSink();
  const paths = host(t, nvmeFiles);
  const source = nvmeSource(paths);
  const first = {
    [nvmeInfo('nvme0', 'SAMSUNG MZQL21T9HCJR-00A07', 'S64GNE0T501123', 'live')]: 1,
    'node_nvme_namespace_info{ana_state="unknown",device="nvme0",nsid="1"}': 1,
    'node_nvme_namespace_capacity_bytes{device="nvme0",nsid="1"}': 1_920_383_410_176,
    'node_nvme_namespace_size_bytes{device="nvme0",nsid="1"}': 1_920_383_410_176,
    'node_nvme_namespace_used_bytes{device="nvme0",nsid="1"}': 657_580_359_680,
    'node_nvme_namespace_logical_block_size_bytes{device="nvme0",nsid="1"}': 512,
  };
  const second = {
    [nvmeInfo('nvme1', 'INTEL SSDPE2KX040T8', 'PHLJ9393005Z4P0DGN', 'live')]: 1,
    'node_nvme_namespace_info{ana_state="optimized",device="nvme1",nsid="2"}': 1,
    'node_nvme_namespace_capacity_bytes{device="nvme1",nsid="2"}': 4_000_787_030_016,
    'node_nvme_namespace_size_bytes{device="nvme1",nsid="2"}': 4_000_787_030_016,
    'node_nvme_namespace_used_bytes{device="nvme1",nsid="2"}': 4_000_787_030_016,
    'node_nvme_namespace_logical_block_size_bytes{device="nvme1",nsid="2"}': 4096,
  };
  const third = nvmeInfo('nvme2', 'KIOXIA KCD61LUL3T84', '2100A01ATM08', 'dead');
  t.same(sink.tick(source), { ...first, ...second, [third]: 1 });
  writeFileSync(`${paths.sysfs}/class/nvme/nvme2/state`, 'live\n');
  unlinkSync(`${paths.sysfs}/class/nvme/nvme1`);
  for (let read = 1; read < SELDOM_READS; read++) sink.tick(source);
  t.same(sink.tick(source), { ...first, [third.replace('dead', 'live')]: 1 });
  t.same(sink.malformations, []);
  t.end();
});

await t.test('rapl shows the energy of each zone, whatever it is called', (t) => {
  const sink = new RecordingSink();
  const paths = host(t, raplFiles);
  const powercap = `${paths.sysfs}/class/powercap`;
  const zone = (name: string, index: number, directory: string): string =>
    `node_rapl_${name}_joules_total{index="${index}",path="${powercap}/${directory}"}`;
  const source = raplSource(paths);
  t.same(sink.tick(source), {
    [zone('package', 0, 'intel-rapl-mmio:0')]: 118_821.29,
    [zone('package', 0, 'intel-rapl:0')]: 118_821.284256,
    [zone('core', 0, 'intel-rapl:0:0')]: 66_000.123456,
    [zone('dram', 0, 'intel-rapl:0:1')]: 9876.54321,
    [zone('package', 1, 'intel-rapl:1')]: 262_143.328849,
    [zone('core', 1, 'intel-rapl:1:0')]: 0,
    [zone('dram', 1, 'intel-rapl:1:1')]: 0.000001,
    [zone('psys', 0, 'intel-rapl:2')]: 5,
    [zone('package_0_die_1', 0, 'intel-rapl:3')]: 7.25,
    [zone('package_0_die_1', 1, 'intel-rapl:4')]: 8.25,
  });
  t.ok(sink.metrics.every(({ kind, unit }) => kind === 'counter' && unit === 'joules'));
  for (const zone of ['intel-rapl-mmio:0', 'intel-rapl:0', 'intel-rapl:0:0', 'intel-rapl:3']) {
    unlinkSync(`${powercap}/${zone}`);
  }
  unlinkSync(`${powercap}/intel-rapl:2/energy_uj`);
  for (let read = 1; read < SELDOM_READS; read++) sink.tick(source);
  t.same(sink.tick(source), {
    [zone('dram', 0, 'intel-rapl:0:1')]: 9876.54321,
    [zone('package', 1, 'intel-rapl:1')]: 262_143.328849,
    [zone('core', 0, 'intel-rapl:1:0')]: 0,
    [zone('dram', 1, 'intel-rapl:1:1')]: 0.000001,
    [zone('package_0_die_1', 0, 'intel-rapl:4')]: 8.25,
  });
  t.same(sink.malformations, []);
  t.end();
});

await t.test('infiniband shows ports, data in bytes and old counters', (t) => {
  const sink = new RecordingSink();
  const values = sink.tick(infinibandSource(host(t, infinibandFiles)));
  t.equal(Object.keys(values).length, 119);
  const of = (device: string, port: number): Record<string, number> =>
    Object.fromEntries(
      Object.entries(values)
        .filter(([key]) => key.endsWith(`{device="${device}",port="${port}"}`))
        .map(([key, value]) => [key.slice('node_infiniband_'.length, key.indexOf('{')), value]),
    );
  t.match(of('mlx5_0', 1), {
    state_id: 4,
    physical_state_id: 5,
    rate_bytes_per_second: 12_500_000_000,
    vl15_dropped_total: 0,
    link_downed_total: 3,
    link_error_recovery_total: 1,
    multicast_packets_received_total: 93,
    multicast_packets_transmitted_total: 16,
    port_constraint_errors_received_total: 5,
    port_constraint_errors_transmitted_total: 4,
    port_data_received_bytes_total: 5_018_748_887_572,
    port_data_transmitted_bytes_total: 5_018_748_887_576,
    port_discards_received_total: 7,
    port_discards_transmitted_total: 8,
    port_errors_received_total: 2,
    port_packets_received_total: 6_825_908_347,
    port_packets_transmitted_total: 6_235_865,
    port_receive_remote_physical_errors_total: 0,
    port_transmit_wait_total: 4_294_967_295,
    unicast_packets_received_total: 61_148,
    unicast_packets_transmitted_total: 61_239,
  });
  t.match(of('mlx5_1', 1), {
    state_id: 1,
    physical_state_id: 3,
    rate_bytes_per_second: 312_500_000,
  });
  t.match(of('mlx4_0', 2), {
    rate_bytes_per_second: 1_750_000_000,
    legacy_data_received_bytes_total: 52,
    legacy_data_transmitted_bytes_total: 68,
    legacy_multicast_packets_received_total: 11,
    legacy_multicast_packets_transmitted_total: 12,
    legacy_packets_received_total: 14,
    legacy_packets_transmitted_total: 18,
    legacy_unicast_packets_received_total: 15,
    legacy_unicast_packets_transmitted_total: 16,
  });
  const info = 'device="mlx5_1",firmware_version="20.35.2000",hca_type=""';
  t.equal(values[`node_infiniband_info{board_id="MT_0000000224",${info}}`], 1);
  t.ok(sink.kinds().includes('node_infiniband_port_data_received_bytes_total counter bytes'));
  t.same(sink.malformations, []);
  t.end();
});

await t.test('infiniband: what a card cannot tell is absent', (t) => {
  const port = 'sys/class/infiniband/hfi1_0/ports/1';
  const files = attributes(port, {
    state: '4 ACTIVE',
    phys_state: '5: LinkUp',
    rate: 'fast',
    'counters/link_downed': 'N/A (no PMA)',
    'counters/symbol_error': 3,
  });
  const sink = new RecordingSink();
  t.same(sink.tick(infinibandSource(host(t, files))), {
    'node_infiniband_info{board_id="",device="hfi1_0",firmware_version="",hca_type=""}': 1,
    'node_infiniband_physical_state_id{device="hfi1_0",port="1"}': 5,
    'node_infiniband_symbol_error_total{device="hfi1_0",port="1"}': 3,
  });
  t.same(
    sink.malformations.map((text) => text.slice(text.lastIndexOf('/') + 1)),
    ['state', 'rate'],
  );
  t.end();
});

await t.test('power supplies in base units', (t) => {
  const sink = new RecordingSink();
  const values = sink.tick(powersupplyclassSource(host(t, powersupplyclassFiles)));
  t.equal(Object.keys(values).length, 45);
  const of = (supply: string): string[] =>
    Object.entries(values)
      .filter(([key]) => key.endsWith(`{power_supply="${supply}"}`))
      .map(([key, value]) => `${key.slice('node_power_supply_'.length, key.indexOf('{'))} ${value}`)
      .toSorted();
  t.same(of('AC'), ['online 1']);
  t.same(of('BAT0'), [
    'capacity 83',
    'capacity_alert_max 100',
    'capacity_alert_min 5',
    'charge_control_limit 0.000002',
    'charge_control_limit_max 0.000007',
    'cyclecount 117',
    'energy_full 50.06',
    'energy_full_design 57.02',
    'energy_watthour 41.55',
    'power_watt 4.83',
    'present 1',
    'temp_alert_max_celsius 60',
    'temp_ambient_celsius -1.5',
    'temp_celsius 29.4',
    'time_to_empty_seconds 27480',
    'voltage_min_design 14.8',
    'voltage_volt 15.066',
  ]);
  t.same(of('sbs-20-000b').slice(0, 9), [
    'authentic 1',
    'calibrate 0',
    'charge_ampere 3.1',
    'charge_counter 3.100001',
    'charge_empty 0',
    'charge_full 3.35',
    'charge_full_design 3.6',
    'charge_term_current 0.128',
    'constant_charge_current 1.5',
  ]);
  t.same(of('ucsi-source-psy-USBC000:001'), [
    'current_max 3',
    'online 1',
    'voltage_max 20',
    'voltage_volt 20',
  ]);
  t.same(
    Object.keys(values).filter((key) => key.startsWith('node_power_supply_info')),
    [
      'node_power_supply_info{power_supply="AC",type="Mains"}',
      'node_power_supply_info{capacity_level="Normal",charge_type="Fast",health="Good",manufacturer="LGC",model_name="LNV-45N1",power_supply="BAT0",serial_number="38109",status="Discharging",technology="Li-ion",type="Battery"}',
      'node_power_supply_info{power_supply="sbs-20-000b",scope="System",type="Battery"}',
      'node_power_supply_info{power_supply="ucsi-source-psy-USBC000:001",type="USB",usb_type="C [PD] PD_PPS"}',
    ],
  );
  t.ok(sink.metrics.every(({ kind }) => kind === 'gauge'));
  t.same(sink.malformations, []);
  t.end();
});

await t.test('a driver that does not know a frequency is not malformed', (t) => {
  const directory = 'sys/devices/system/cpu/cpu0/cpufreq';
  const files = { cpuinfo_cur_freq: '<unknown>', scaling_cur_freq: 1_200_000 };
  const sink = new RecordingSink();
  t.same(sink.tick(cpufreqSource(host(t, attributes(directory, files)))), {
    'node_cpu_scaling_frequency_hertz{cpu="0"}': 1.2e9,
  });
  t.same(sink.malformations, []);
  t.end();
});

await t.test('the kernel of a server with 16 CPUs', (t) => {
  const paths = host(t, kernelFiles);
  const sink = new RecordingSink();
  t.same(sink.tick(pressureSource(paths)), {
    node_pressure_cpu_waiting_seconds_total: 19_283.746551,
    node_pressure_io_waiting_seconds_total: 8172.635440999999,
    node_pressure_io_stalled_seconds_total: 7726.354112,
    node_pressure_irq_stalled_seconds_total: 71.829301,
    node_pressure_memory_waiting_seconds_total: 0.918273,
    node_pressure_memory_stalled_seconds_total: 0.8172630000000001,
  });
  const tasks = sink.tick(schedstatSource(paths));
  t.equal(Object.keys(tasks).length, 48);
  t.equal(tasks['node_schedstat_timeslices_total{cpu="15"}'], 4_767_485_321);
  t.same(sink.malformations, []);
  t.end();
});
