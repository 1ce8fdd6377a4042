import { mkdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import type { HostPaths } from '../../source.ts';
import { attributes } from '../../test/host/attributes.ts';
import { writeHost, type HostFiles } from '../../test/host/host-files.ts';
import { hwmonFiles } from '../../test/host/hwmon.ts';
import { hwmonSource } from '../hwmon.ts';
import { SELDOM_READS } from '../kernel-file.ts';
import { RecordingSink } from './recording-sink.ts';

function host(t: Test, ...files: readonly HostFiles[]): HostPaths {
  return writeHost(t.testdir({}), ...files);
}

/** The readings of one chip, as `name sensor value`. */
function chip(values: Readonly<Record<string, number>>, name: string): string[] {
  return Object.entries(values)
    .filter(([key]) => key.includes(`{chip="${name}"`))
    .map(([key, value]) => {
      const metric = key.slice('node_hwmon_'.length, key.indexOf('{'));
      const labels = [...key.matchAll(/(?:chip_name|label|sensor)="([^"]*)"/g)];
      return [metric, ...labels.map(([, text]) => text), value].join(' ');
    })
    .toSorted();
}

await t.test('hwmon: the files of a chip become series in base units', (t) => {
  const sink = new RecordingSink();
  const values = sink.tick(hwmonSource(host(t, hwmonFiles)));
  t.same(sink.malformations, []);
  t.equal(Object.keys(values).length, 162);
  t.same(chip(values, 'platform_nct6775_656'), [
    'beep_enabled beep_enable0 1',
    'chip_names nct6798 1',
    'cpu_vid_volts cpu0 1.212',
    'fan_alarm fan1 0',
    'fan_alarm fan2 1',
    'fan_beep_enabled fan1 0',
    'fan_beep_enabled fan2 1',
    'fan_min_rpm fan1 0',
    'fan_min_rpm fan2 600',
    'fan_pulses fan1 2',
    'fan_pulses fan2 2',
    'fan_rpm fan1 1138',
    'fan_rpm fan2 0',
    'fan_target_rpm fan1 1100',
    'fan_tolerance fan1 0',
    'in_alarm in0 0',
    'in_alarm in1 1',
    'in_beep_enabled in0 0',
    'in_beep_enabled in1 0',
    'in_max_volts in0 1.744',
    'in_max_volts in1 0',
    'in_min_volts in0 0',
    'in_min_volts in1 0',
    'in_volts in0 1.032',
    'in_volts in1 1',
    'intrusion_alarm intrusion0 1',
    'intrusion_beep_enabled intrusion0 0',
    'pwm pwm1 127',
    'pwm pwm2 255',
    'pwm_auto_point1_pwm pwm1 70',
    'pwm_auto_point1_temp pwm1 25000',
    'pwm_enable pwm1 5',
    'pwm_enable pwm2 0',
    'pwm_mode pwm1 1',
    'pwm_step_up_time pwm1 400',
    'sensor_label CPUTIN temp2 1',
    'sensor_label SYSTIN temp1 1',
    'temp_alarm temp1 0',
    'temp_beep_enabled temp1 0',
    'temp_celsius temp1 34',
    'temp_celsius temp2 -2.5',
    'temp_crit_alarm_celsius temp1 0.001',
    'temp_fault temp2 0',
    'temp_max_celsius temp1 80',
    'temp_max_hyst_celsius temp1 75',
    'temp_offset_celsius temp1 -1.5',
    'temp_type temp1 4',
    'temp_type temp2 3',
    'update_interval_seconds update_interval0 1.5',
    'voltage_regulator_version vrm0 110',
  ]);
  t.same(chip(values, 'i2c_0_0_0040').slice(0, 9), [
    'chip_names ina226 1',
    'curr_amps curr1 1.25',
    'curr_crit_alarm_amps curr1 0',
    'curr_crit_amps curr1 8.192',
    'curr_lcrit_amps curr1 0',
    'energy_joule_total energy1 81234.567891',
    'in_volts in0 0.002',
    'in_volts in1 12.015',
    'power_watt power1 15.025',
  ]);
  t.same(chip(values, 'i2c_0_0_0044'), [
    'chip_names sht3x 1',
    'humidity humidity1 0.04126',
    'humidity_alarm humidity1 0',
    'humidity_max humidity1 0.1',
    'temp_celsius temp1 23.417',
  ]);
  const kinds = new Set(sink.kinds());
  t.ok(kinds.has('node_hwmon_energy_joule_total counter joules'));
  t.ok(kinds.has('node_hwmon_temp_celsius gauge celsius'));
  t.ok(kinds.has('node_hwmon_humidity gauge ratio'));
  t.ok(kinds.has('node_hwmon_power_average_interval_seconds gauge seconds'));
  t.end();
});

await t.test('hwmon: files with the device, texts, clocks and labels', (t) => {
  const values = new RecordingSink().tick(hwmonSource(host(t, hwmonFiles)));
  t.same(chip(values, 'lnxsybus:00_acpi000d:00'), [
    'chip_names power_meter 1',
    'power_alarm power1 0',
    'power_average_interval_max_seconds power1 300',
    'power_average_interval_min_seconds power1 0.5',
    'power_average_interval_seconds power1 1',
    'power_average_watt power1 214',
    'power_cap_hyst_watt power1 0',
    'power_cap_watt power1 800',
    'power_is_battery_watt power1 0',
  ]);
  t.same(chip(values, 'platform_applesmc_768'), [
    'fan fan1 40',
    'fan_input_rpm fan1 2104',
    'fan_output fan1 2000',
    'fan_rpm fan2 2098',
    'sensor_label Left side   fan1 1',
    'sensor_label Right #2 side  fan2 1',
  ]);
  t.same(
    chip(values, '0000:00:03_1_0000:0c:00_0').filter((line) => /freq|label/.test(line)),
    [
      'freq_freq_mhz mclk 875',
      'freq_freq_mhz sclk 2100',
      'sensor_label PPT power1 1',
      'sensor_label edge temp1 1',
      'sensor_label mclk freq2 1',
      'sensor_label sclk freq1 1',
      'sensor_label vddgfx in0 1',
    ],
  );
  t.same(chip(values, 'bat0__odd'), ['chip_names bat0__odd 1', 'in_volts in0 12.345']);
  t.same(chip(values, 'hwmon12'), ['sensor_label  temp2 1', 'temp_celsius temp1 1']);
  t.ok(chip(values, 'nvme_nvme0').includes('temp_min_celsius temp1 -273.15000000000003'));
  t.ok(chip(values, 'target0:0:0_0:0:0:0').includes('temp_highest_celsius temp1 41'));
  t.ok(chip(values, 'thermal_thermal_zone0').includes('temp_celsius temp1 27.8'));
  t.end();
});

const CHIP = 'sys/devices/platform/a.0/hwmon/hwmon0';

function oneChip(files: Readonly<Record<string, string | number>>): HostFiles {
  return {
    'sys/class/hwmon/hwmon0': { link: '../../devices/platform/a.0/hwmon/hwmon0' },
    ...attributes(CHIP, files),
  };
}

function celsius(value: number, sensor = 'temp1', property = ''): Record<string, number> {
  return { [`node_hwmon_temp${property}_celsius{chip="a",sensor="${sensor}"}`]: value };
}

const NAMED_A = { 'node_hwmon_chip_names{chip="a",chip_name="a"}': 1 };

await t.test('hwmon: a sensor that does not answer is absent and not asked all the time', (t) => {
  const paths = host(t, oneChip({ name: 'a', temp1_input: 1000, temp2_input: 2000 }));
  const sensor = `${paths.sysfs}/devices/platform/a.0/hwmon/hwmon0/temp1_input`;
  const sink = new RecordingSink();
  const source = hwmonSource(paths);
  t.same(sink.tick(source), { ...NAMED_A, ...celsius(1), ...celsius(2, 'temp2') });
  source.close();
  unlinkSync(sensor);
  mkdirSync(sensor);
  symlinkSync('nowhere', `${sensor.slice(0, -7)}_crit`);
  t.same(sink.tick(source), { ...NAMED_A, ...celsius(2, 'temp2') });
  rmSync(sensor, { recursive: true });
  writeFileSync(sensor, '3000\n');
  source.close();
  t.same(sink.tick(source), { ...NAMED_A, ...celsius(3), ...celsius(2, 'temp2') });
  writeFileSync(sensor, 'N/A\n');
  t.same(sink.tick(source), { ...NAMED_A, ...celsius(2, 'temp2') });
  t.same(sink.malformations.length, 1);
  t.match(sink.malformations[0], /^hwmon: no number in .*temp1_input$/);
  t.end();
});

await t.test('hwmon: limits are read seldom, inputs and alarms always', (t) => {
  const paths = host(
    t,
    oneChip({ name: 'a', temp1_input: 1000, temp1_max: 5000, temp1_max_alarm: 0 }),
  );
  const files = `${paths.sysfs}/devices/platform/a.0/hwmon/hwmon0`;
  const sink = new RecordingSink();
  const source = hwmonSource(paths);
  sink.tick(source);
  for (let read = 1; read < SELDOM_READS; read++) sink.tick(source);
  writeFileSync(`${files}/temp1_input`, '2000');
  writeFileSync(`${files}/temp1_max`, '6000');
  writeFileSync(`${files}/temp1_max_alarm`, '1');
  t.same(sink.tick(source), {
    ...NAMED_A,
    ...celsius(2),
    ...celsius(5, 'temp1', '_max'),
    ...celsius(0.001, 'temp1', '_max_alarm'),
  });
  for (let read = 1; read < SELDOM_READS; read++) sink.tick(source);
  const later = sink.tick(source);
  t.equal(later['node_hwmon_temp_max_celsius{chip="a",sensor="temp1"}'], 6);
  t.end();
});

await t.test('hwmon: a chip under the name of another one is not taken for it', (t) => {
  const paths = host(t, oneChip({ name: 'a', temp1_input: 1000, temp2_max: 1000 }));
  const link = `${paths.sysfs}/class/hwmon/hwmon0`;
  const sink = new RecordingSink();
  const source = hwmonSource(paths);
  sink.tick(source);
  const other = `${paths.sysfs}/devices/platform/b.0/hwmon/hwmon0`;
  mkdirSync(other, { recursive: true });
  writeFileSync(`${other}/temp1_input`, '7000');
  unlinkSync(link);
  symlinkSync('../../devices/platform/b.0/hwmon/hwmon0', link);
  rmSync(`${paths.sysfs}/devices/platform/a.0`, { recursive: true });
  t.same(
    chip(sink.tick(source), 'a').at(-1),
    'temp_max_celsius temp2 1',
    'only what is read seldom',
  );
  for (let read = 2; read < SELDOM_READS; read++) sink.tick(source);
  t.same(sink.tick(source), { 'node_hwmon_temp_celsius{chip="hwmon0",sensor="temp1"}': 7 });
  rmSync(link);
  for (let read = 0; read < SELDOM_READS; read++) sink.tick(source);
  t.same(sink.tick(source), {});
  t.end();
});

await t.test('hwmon: slow sensors become old instead of making readings late', (t) => {
  const inputs = Array.from({ length: 8 }, (_, i) => [`temp${i + 1}_input`, 1000]);
  const paths = host(t, oneChip({ name: 'a', ...Object.fromEntries(inputs) }));
  const directory = `${paths.sysfs}/devices/platform/a.0/hwmon/hwmon0`;
  let nowMs = 0;
  // Asking for the time takes 70 ms: there is time for two sensors in a reading.
  const source = hwmonSource(paths, {}, () => (nowMs += 70));
  const sink = new RecordingSink();
  const seen = (): number[] => {
    const values = sink.tick(source);
    return inputs.map((_, i) => values[Object.keys(celsius(0, `temp${i + 1}`))[0]!] ?? NaN);
  };
  const set = (value: number): void => {
    for (const [file] of inputs) writeFileSync(`${directory}/${file}`, `${value}000`);
  };
  t.same(seen(), [1, 1, NaN, NaN, NaN, NaN, NaN, NaN]);
  set(2);
  t.same(seen(), [1, 1, 2, 2, NaN, NaN, NaN, NaN]);
  t.same(seen(), [1, 1, 2, 2, 2, 2, NaN, NaN]);
  set(3);
  t.same(seen(), [1, 1, 2, 2, 2, 2, 3, 3], 'now each of them had its turn');
  t.same(seen(), [3, 3, 2, 2, 2, 2, 3, 3]);
  t.end();
});
