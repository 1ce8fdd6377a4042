import { attributes } from './attributes.ts';
import type { HostFiles } from './host-files.ts';

const NETWORK = 'sys/class/net';
const ETHERNET = { address: '3c:ec:ef:a1:20:14', broadcast: 'ff:ff:ff:ff:ff:ff', type: 1 };
const POINT_TO_POINT = { address: '', broadcast: '', type: 65_534 };

/** A device that is up; undefined takes an attribute away, as the kernel does for some devices. */
function device(
  name: string,
  parent: string,
  files: Readonly<Record<string, string | number | undefined>>,
): HostFiles {
  const all: Record<string, string | number | undefined> = {
    addr_assign_type: 0,
    addr_len: 6,
    carrier: 1,
    carrier_changes: 2,
    carrier_down_count: 1,
    carrier_up_count: 1,
    dev_id: '0x0',
    dev_port: 0,
    dormant: 0,
    duplex: 'full',
    flags: '0x1003',
    ifalias: '',
    link_mode: 0,
    mtu: 1500,
    name_assign_type: 4,
    netdev_group: 0,
    operstate: 'up',
    proto_down: 0,
    speed: 10_000,
    'statistics/rx_nohandler': 0,
    testing: 0,
    tx_queue_len: 1000,
    uevent: `INTERFACE=${name}`,
    iflink: files['ifindex'],
    ...files,
  };
  const present: Record<string, string | number> = {};
  for (const [file, value] of Object.entries(all)) {
    if (value !== undefined) present[file] = value;
  }
  return {
    ...attributes(`sys/devices/${parent}/net/${name}`, present),
    [`${NETWORK}/${name}`]: { link: `../../devices/${parent}/net/${name}` },
  };
}

/**
 * `/sys/class/net` of a server with a bond of two ports, one port without a cable, a VLAN, bridges
 * and tunnels. Attributes that the kernel refuses to tell for a device are left out.
 */
export const netclassFiles: HostFiles = {
  ...device('lo', 'virtual', {
    address: '00:00:00:00:00:00',
    broadcast: '00:00:00:00:00:00',
    carrier_changes: 0,
    carrier_down_count: 0,
    carrier_up_count: 0,
    duplex: undefined,
    flags: '0x9',
    ifindex: 1,
    mtu: 65_536,
    name_assign_type: 2,
    operstate: 'unknown',
    speed: undefined,
    type: 772,
  }),
  ...device('eno1', 'pci0000:3a/0000:3a:00.0/0000:3b:00.0', {
    ...ETHERNET,
    carrier_changes: 7,
    carrier_down_count: 3,
    carrier_up_count: 4,
    flags: '0x1903',
    ifalias: 'rack 12, switch "a", port 7',
    ifindex: 2,
    phys_port_name: 'p0',
    speed: 25_000,
    'statistics/rx_nohandler': 88_123,
  }),
  ...device('eno2', 'pci0000:3a/0000:3a:00.0/0000:3b:00.1', {
    ...ETHERNET,
    addr_assign_type: 3,
    dev_id: '0x1',
    flags: '0x1903',
    ifindex: 3,
    netdev_group: 42,
    speed: 25_000,
    'statistics/rx_nohandler': 91_002,
  }),
  ...device('ens2f0np0', 'pci0000:5d/0000:5d:00.0/0000:5e:00.0', {
    ...ETHERNET,
    address: 'b8:ce:f6:00:11:22',
    carrier: undefined,
    dormant: undefined,
    duplex: undefined,
    flags: '0x1002',
    ifindex: 4,
    operstate: 'down',
    speed: undefined,
  }),
  ...device('bond0', 'virtual', {
    ...ETHERNET,
    flags: '0x1403',
    ifindex: 5,
    name_assign_type: 3,
    speed: 50_000,
    'statistics/rx_nohandler': 179_125,
  }),
  ...device('bond0.120', 'virtual', {
    ...ETHERNET,
    ifindex: 6,
    iflink: 5,
    mtu: 9000,
    name_assign_type: undefined,
    speed: 50_000,
  }),
  ...device('br-4f1c9e0d22ab', 'virtual', {
    ...ETHERNET,
    address: '02:42:8a:5b:6c:7d',
    addr_assign_type: 3,
    duplex: 'unknown',
    ifindex: 7,
    name_assign_type: 3,
    speed: -1,
  }),
  ...device('docker0', 'virtual', {
    ...ETHERNET,
    address: '02:42:11:22:33:44',
    carrier: 0,
    duplex: 'unknown',
    ifindex: 8,
    name_assign_type: 3,
    operstate: 'down',
    speed: -1,
  }),
  ...device('veth1a2b3c4', 'virtual', {
    ...ETHERNET,
    address: '9a:bc:de:f0:12:34',
    addr_assign_type: 3,
    ifindex: 412,
    iflink: 411,
    flags: '0x1103',
  }),
  ...device('wg0', 'virtual', {
    ...POINT_TO_POINT,
    carrier_changes: 0,
    carrier_down_count: 0,
    carrier_up_count: 0,
    duplex: undefined,
    flags: '0x91',
    ifindex: 9,
    mtu: 1420,
    name_assign_type: 3,
    operstate: 'unknown',
    speed: undefined,
  }),
  ...device('tun0', 'virtual', {
    ...POINT_TO_POINT,
    carrier: 0,
    dormant: 1,
    flags: '0x1091',
    ifindex: 10,
    link_mode: 1,
    operstate: 'dormant',
    speed: 10,
    tx_queue_len: 500,
  }),
  [`${NETWORK}/bonding_masters`]: 'bond0 bond1 bond2\n',
};
