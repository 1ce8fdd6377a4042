import { statSync } from 'node:fs';
import type { SourceFactory } from '../source.ts';
import { DeviceDirectory } from './device-directory.ts';
import { NetworkDevice, QUIET_READS } from './network-device.ts';
import { sourceFromParts } from './source-parts.ts';

/** `/sys/class/net`, see the kernel's Documentation/ABI/testing/sysfs-class-net. */
export const netclassSource: SourceFactory = (paths, options) => {
  const excluded = options?.networkDevicesExclude;
  let opened = 0;
  return sourceFromParts('netclass', [
    new DeviceDirectory(`${paths.sysfs}/class/net`, /^(.+)$/s, (directory, device) => {
      if (excluded?.test(device) === true || !isDirectory(directory)) return null;
      opened++;
      return new NetworkDevice(directory, device, 1 + (opened % QUIET_READS));
    }),
  ]);
};

/** `bonding_masters` is a file among the devices. */
function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
