import { attributes } from './attributes.ts';
import type { HostFiles } from './host-files.ts';

function zone(path: string, name: string, energyUj: number): HostFiles {
  const id = path.split('/').at(-1)!;
  return {
    [`sys/class/powercap/${id}`]: { link: `../../devices/virtual/powercap/${path}` },
    ...attributes(`sys/devices/virtual/powercap/${path}`, {
      constraint_0_name: 'long_term',
      constraint_0_power_limit_uw: 205_000_000,
      enabled: 1,
      energy_uj: energyUj,
      max_energy_range_uj: 262_143_328_850,
      name,
    }),
  };
}

/** Two sockets and their parts, and the package once more through another interface. */
export const raplFiles: HostFiles = {
  'sys/class/powercap/intel-rapl': { link: '../../devices/virtual/powercap/intel-rapl' },
  'sys/devices/virtual/powercap/intel-rapl/enabled': '1\n',
  ...zone('intel-rapl/intel-rapl:0', 'package-0', 118_821_284_256),
  ...zone('intel-rapl/intel-rapl:0/intel-rapl:0:0', 'core', 66_000_123_456),
  ...zone('intel-rapl/intel-rapl:0/intel-rapl:0:1', 'dram', 9_876_543_210),
  ...zone('intel-rapl/intel-rapl:1', 'package-1', 262_143_328_849),
  ...zone('intel-rapl/intel-rapl:1/intel-rapl:1:0', 'core', 0),
  ...zone('intel-rapl/intel-rapl:1/intel-rapl:1:1', 'dram', 1),
  ...zone('intel-rapl/intel-rapl:2', 'psys', 5_000_000),
  ...zone('intel-rapl/intel-rapl:3', 'package-0-die-1', 7_250_000),
  ...zone('intel-rapl/intel-rapl:4', 'package-0-die-1', 8_250_000),
  ...zone('intel-rapl-mmio/intel-rapl-mmio:0', 'package-0', 118_821_290_000),
};
