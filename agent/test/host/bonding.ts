import { attributes } from './attributes.ts';
import type { HostFiles } from './host-files.ts';

const NETWORK = 'sys/class/net';

/** A bond and its slaves, by their state of the link. */
function bond(
  master: string,
  slaves: Readonly<Record<string, string>>,
  prefix = 'lower_',
): HostFiles {
  const files: Record<string, string> = {};
  for (const [slave, status] of Object.entries(slaves)) {
    Object.assign(
      files,
      attributes(`${NETWORK}/${master}/${prefix}${slave}/bonding_slave`, {
        link_failure_count: 3,
        mii_status: status,
        queue_id: 0,
        state: 'active',
      }),
    );
  }
  const names = Object.keys(slaves);
  files[`${NETWORK}/${master}/bonding/slaves`] = names.length === 0 ? '' : `${names.join(' ')}\n`;
  return files;
}

/** One bond whose second port failed, one of an old kernel, one without ports. */
export const bondingFiles: HostFiles = {
  [`${NETWORK}/bonding_masters`]: 'bond0 bond1 bond2\n',
  ...bond('bond0', { eno1: 'up', eno2: 'going down', eno3: 'up' }),
  ...bond('bond1', { eth0: 'down', eth1: 'up' }, 'slave_'),
  ...bond('bond2', {}),
};
