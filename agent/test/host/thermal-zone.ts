import { attributes } from './attributes.ts';
import type { HostFiles } from './host-files.ts';

type Files = Readonly<Record<string, string | number>>;

function device(name: string, files: Files): HostFiles {
  return {
    [`sys/class/thermal/${name}`]: { link: `../../devices/virtual/thermal/${name}` },
    ...attributes(`sys/devices/virtual/thermal/${name}`, files),
  };
}

function zone(id: number, type: string, temp: number): HostFiles {
  return device(`thermal_zone${id}`, {
    available_policies: 'power_allocator step_wise',
    policy: 'step_wise',
    temp,
    trip_point_0_temp: 100_000,
    trip_point_0_type: 'critical',
    type,
  });
}

/** Zones of the board, of a package and of a card, and what cools them. */
export const thermalZoneFiles: HostFiles = {
  ...zone(0, 'acpitz', 27_800),
  ...zone(1, 'x86_pkg_temp', 51_000),
  ...zone(2, 'iwlwifi_1', -1500),
  ...zone(12, 'pch_lewisburg', 44_500),
  ...device('cooling_device0', { cur_state: 0, max_state: 10, type: 'Processor' }),
  ...device('cooling_device1', { cur_state: 1, max_state: 3, type: 'Fan' }),
  ...device('cooling_device16', { cur_state: -1, max_state: 50, type: 'intel_powerclamp' }),
};
