import { relative } from 'node:path';
import { attributes } from './attributes.ts';
import type { HostFiles } from './host-files.ts';

type Files = Readonly<Record<string, string | number>>;

/** A chip `number` of the device at `devices/…`, as the kernel links the two with each other. */
function chip(number: number, device: string, files: Files, deviceFiles: Files = {}): HostFiles {
  const path = `sys/devices/${device}/hwmon/hwmon${number}`;
  return {
    [`sys/class/hwmon/hwmon${number}`]: { link: relative('sys/class/hwmon', path) },
    [`${path}/device`]: { link: `../../../${device.split('/').at(-1)}` },
    [`${path}/power/control`]: 'auto\n',
    [`${path}/uevent`]: '',
    ...attributes(path, files),
    ...attributes(`sys/devices/${device}`, deviceFiles),
  };
}

/** A chip without a device, of which there are a few. */
function virtualChip(number: number, files: Files): HostFiles {
  const path = `sys/devices/virtual/hwmon/hwmon${number}`;
  return {
    [`sys/class/hwmon/hwmon${number}`]: { link: relative('sys/class/hwmon', path) },
    ...attributes(path, files),
  };
}

function coretemp(socket: number, inputs: readonly number[]): Files {
  const files: Record<string, string | number> = { name: 'coretemp' };
  for (const [i, input] of inputs.entries()) {
    files[`temp${i + 1}_label`] = i === 0 ? `Package id ${socket}` : `Core ${i - 1}`;
    files[`temp${i + 1}_input`] = input;
    files[`temp${i + 1}_max`] = 92_000;
    files[`temp${i + 1}_crit`] = 102_000;
    files[`temp${i + 1}_crit_alarm`] = 0;
  }
  return files;
}

const SUPER_IO: Files = {
  name: 'nct6798',
  beep_enable: 1,
  cpu0_vid: 1212,
  vrm: 110,
  in0_input: 1032,
  in0_min: 0,
  in0_max: 1744,
  in0_alarm: 0,
  in0_beep: 0,
  in1_input: 1000,
  in1_min: 0,
  in1_max: 0,
  in1_alarm: 1,
  in1_beep: 0,
  fan1_input: 1138,
  fan1_min: 0,
  fan1_alarm: 0,
  fan1_beep: 0,
  fan1_pulses: 2,
  fan1_target: 1100,
  fan1_tolerance: 0,
  fan2_input: 0,
  fan2_min: 600,
  fan2_alarm: 1,
  fan2_beep: 1,
  fan2_pulses: 2,
  pwm1: 127,
  pwm1_enable: 5,
  pwm1_mode: 1,
  pwm1_auto_point1_pwm: 70,
  pwm1_auto_point1_temp: 25_000,
  pwm1_step_up_time: 400,
  pwm2: 255,
  pwm2_enable: 0,
  temp1_input: 34_000,
  temp1_label: 'SYSTIN',
  temp1_max: 80_000,
  temp1_max_hyst: 75_000,
  temp1_offset: -1500,
  temp1_type: 4,
  temp1_alarm: 0,
  temp1_beep: 0,
  temp2_input: -2500,
  temp2_label: 'CPUTIN',
  temp2_fault: 0,
  temp2_type: 3,
  intrusion0_alarm: 1,
  intrusion0_beep: 0,
  update_interval: 1500,
  in_reset_history: 1,
  temp1_crit_alarm: 1,
};

const NVME: Files = {
  name: 'nvme',
  temp1_alarm: 0,
  temp1_crit: 84_850,
  temp1_input: 38_850,
  temp1_label: 'Composite',
  temp1_max: 81_850,
  temp1_min: -273_150,
  temp2_input: 38_850,
  temp2_label: 'Sensor 1',
  temp2_max: 65_261_850,
  temp2_min: -273_150,
};

const DISK: Files = {
  name: 'drivetemp',
  temp1_crit: 70_000,
  temp1_highest: 41_000,
  temp1_input: 33_000,
  temp1_lcrit: 0,
  temp1_lowest: 19_000,
  temp1_max: 60_000,
  temp1_min: 5000,
};

/** Most of its files are with the device, and some are no numbers. */
const POWER_METER: Files = {
  power1_accuracy: '97.0%',
  power1_alarm: 0,
  power1_average: 214_000_000,
  power1_average_interval: 1000,
  power1_average_interval_max: 300_000,
  power1_average_interval_min: 500,
  power1_cap: 800_000_000,
  power1_cap_hyst: 0,
  power1_is_battery: 0,
  power1_model_number: 'Intel(R) Node Manager',
  power1_oem_info: 'Meter measures total domain',
  power1_serial_number: '',
};

const GRAPHICS: Files = {
  name: 'amdgpu',
  fan1_enable: 0,
  fan1_input: 1312,
  fan1_max: 3300,
  fan1_min: 0,
  fan1_target: 1312,
  freq1_input: 2_100_000_000,
  freq1_label: 'sclk',
  freq2_input: 875_000_000,
  freq2_label: 'mclk',
  freq3_input: 1,
  in0_input: 806,
  in0_label: 'vddgfx',
  power1_average: 37_000_000,
  power1_cap: 203_000_000,
  power1_cap_default: 203_000_000,
  power1_label: 'PPT',
  pwm1: 61,
  pwm1_enable: 2,
  pwm1_max: 255,
  pwm1_min: 0,
  temp1_crit: 100_000,
  temp1_crit_hyst: -273_150,
  temp1_emergency: 105_000,
  temp1_input: 47_000,
  temp1_label: 'edge',
};

const POWER_SENSOR: Files = {
  name: 'ina226',
  curr1_input: 1250,
  curr1_lcrit: 0,
  curr1_crit: 8192,
  curr1_crit_alarm: 0,
  energy1_input: 81_234_567_891,
  in0_input: 2,
  in1_input: 12_015,
  power1_input: 15_025_000,
  shunt_resistor: 2000,
  update_interval: 36,
};

const HUMIDITY_SENSOR: Files = {
  name: 'sht3x',
  humidity1_input: 41_260,
  humidity1_max: 100_000,
  humidity1_alarm: 0,
  temp1_input: 23_417,
};

/** Its fans have a file without a property besides their inputs. */
const FANS: Files = {
  fan1: 40,
  fan1_input: 2104,
  fan1_label: 'Left side  ',
  fan1_output: 2000,
  fan1_safe: '',
  fan2_input: 2098,
  fan2_label: 'Right #2 side ',
};

/** The chips of a server and of some other machines, in all shapes that drivers give them. */
export const hwmonFiles: HostFiles = {
  ...chip(0, 'platform/coretemp.0', coretemp(0, [52_000, 49_000, 51_000])),
  ...chip(1, 'platform/coretemp.1', coretemp(1, [47_000, 44_000, 46_000])),
  ...chip(2, 'platform/nct6775.656', SUPER_IO),
  ...chip(3, 'pci0000:00/0000:00:1d.0/0000:02:00.0/nvme/nvme0', NVME),
  ...chip(4, 'pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0', DISK),
  ...chip(5, 'LNXSYSTM:00/LNXSYBUS:00/ACPI000D:00', { name: 'power_meter' }, POWER_METER),
  ...chip(6, 'virtual/thermal/thermal_zone0', { name: 'acpitz', temp1_input: 27_800 }),
  ...chip(7, 'pci0000:00/0000:00:03.1/0000:0c:00.0', GRAPHICS),
  ...chip(8, 'pci0000:00/0000:00:1f.4/i2c-0/0-0040', POWER_SENSOR),
  ...chip(9, 'pci0000:00/0000:00:1f.4/i2c-0/0-0044', HUMIDITY_SENSOR),
  ...chip(10, 'platform/applesmc.768', {}, { ...FANS, name: 'applesmc' }),
  ...virtualChip(11, { name: 'BAT0 (Odd)', in0_input: 12_345 }),
  ...virtualChip(12, { temp1_input: 1000, temp2_label: '', temp3_max: '' }),
};
