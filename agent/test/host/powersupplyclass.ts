import { attributes } from './attributes.ts';
import type { HostFiles } from './host-files.ts';

type Files = Readonly<Record<string, string | number>>;

function supply(name: string, device: string, files: Files): HostFiles {
  const path = `devices/${device}/power_supply/${name}`;
  return {
    [`sys/class/power_supply/${name}`]: { link: `../../${path}` },
    [`sys/${path}/power/control`]: 'auto\n',
    [`sys/${path}/uevent`]: `POWER_SUPPLY_NAME=${name}\n`,
    ...attributes(`sys/${path}`, files),
  };
}

const BATTERY: Files = {
  alarm: 2_503_000,
  capacity: 83,
  capacity_alert_max: 100,
  capacity_alert_min: 5,
  capacity_level: 'Normal',
  charge_control_limit: 2,
  charge_control_limit_max: 7,
  charge_type: 'Fast',
  cycle_count: 117,
  energy_full: 50_060_000,
  energy_full_design: 57_020_000,
  energy_now: 41_550_000,
  health: 'Good',
  manufacturer: 'LGC',
  model_name: 'LNV-45N1   ',
  power_now: 4_830_000,
  present: 1,
  serial_number: ' 38109',
  status: 'Discharging',
  technology: 'Li-ion',
  temp: 294,
  temp_alert_max: 600,
  temp_ambient: -15,
  time_to_empty_now: 27_480,
  type: 'Battery',
  voltage_min_design: 14_800_000,
  voltage_now: 15_066_000,
};

/** The battery of a controller that counts charges instead of energies. */
const CACHE_BATTERY: Files = {
  authentic: 1,
  calibrate: 0,
  charge_counter: 3_100_001,
  charge_empty: 0,
  charge_full: 3_350_000,
  charge_full_design: 3_600_000,
  charge_now: 3_100_000,
  charge_term_current: 128_000,
  constant_charge_current: 1_500_000,
  constant_charge_voltage_max: 4_352_000,
  current_now: -350_000,
  input_current_limit: 500_000,
  online: 0,
  precharge_current: 256_000,
  present: 1,
  scope: 'System',
  time_to_full_now: 5400,
  type: 'Battery',
  voltage_max: 4_400_000,
  voltage_min: 3_300_000,
  voltage_ocv: 4_050_000,
};

const USB: Files = {
  current_max: 3_000_000,
  online: 1,
  type: 'USB',
  usb_type: 'C [PD] PD_PPS',
  voltage_max: 20_000_000,
  voltage_now: 20_000_000,
};

/** An adapter, two batteries and a USB port. */
export const powersupplyclassFiles: HostFiles = {
  ...supply('AC', 'LNXSYSTM:00/LNXSYBUS:00/ACPI0003:00', { online: 1, type: 'Mains' }),
  ...supply('BAT0', 'LNXSYSTM:00/LNXSYBUS:00/PNP0C0A:00', BATTERY),
  ...supply('sbs-20-000b', 'platform/i2c-20/20-000b', CACHE_BATTERY),
  ...supply('ucsi-source-psy-USBC000:001', 'platform/USBC000:00', USB),
};
