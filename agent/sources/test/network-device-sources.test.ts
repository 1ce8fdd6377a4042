import {
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import t, { type Test } from 'tap';
import { bondingFiles } from '../../test/host/bonding.ts';
import { writeHost, type HostFiles } from '../../test/host/host-files.ts';
import { netclassFiles } from '../../test/host/netclass.ts';
import { networkFiles } from '../../test/host/network.ts';
import type { HostPaths, SourceFactory } from '../../source.ts';
import { bondingSource } from '../bonding.ts';
import { SELDOM_READS } from '../kernel-file.ts';
import { netclassSource } from '../netclass.ts';
import { netdevSource } from '../netdev.ts';
import { QUIET_READS } from '../network-device.ts';
import { RecordingSink } from './recording-sink.ts';

function host(t: Test, ...files: readonly HostFiles[]): HostPaths {
  return writeHost(t.testdir({}), ...files);
}

/** What a source sets at its first reading. */
function readOnce(source: SourceFactory, paths: HostPaths): Record<string, number> {
  const sink = new RecordingSink();
  const opened = source(paths);
  const values = sink.tick(opened);
  opened.close();
  t.same(sink.malformations, []);
  return values;
}

/** The series of one device as `name value`, without the beginning and the label of the name. */
function ofDevice(values: Record<string, number>, device: string): string[] {
  return Object.entries(values)
    .filter(([key]) => key.includes(`device="${device}"`))
    .map(([key, value]) => {
      const rest = key.replace('node_network_', '').replace(`{device="${device}"}`, '');
      return `${rest} ${value}`;
    })
    .toSorted();
}

await t.test('netclass shows what sysfs tells of each device', (t) => {
  const sink = new RecordingSink();
  const source = netclassSource(host(t, netclassFiles));
  const values = sink.tick(source);
  t.equal(Object.keys(values).length, 203);
  t.same(ofDevice(values, 'eno1'), [
    'address_assign_type 0',
    'carrier 1',
    'carrier_changes_total 7',
    'carrier_down_changes_total 3',
    'carrier_up_changes_total 4',
    'device_id 0',
    'dormant 0',
    'flags 6403',
    'iface_id 2',
    'iface_link 2',
    'iface_link_mode 0',
    'info{address="3c:ec:ef:a1:20:14",broadcast="ff:ff:ff:ff:ff:ff",device="eno1",duplex="full",ifalias="rack 12, switch \\"a\\", port 7",operstate="up"} 1',
    'mtu_bytes 1500',
    'name_assign_type 4',
    'net_dev_group 0',
    'protocol_type 1',
    'speed_bytes 3125000000',
    'transmit_queue_length 1000',
    'up 1',
  ]);
  t.same(
    ofDevice(values, 'ens2f0np0').filter((line) => /^(carrier|dormant|info|speed|up) ?/.test(line)),
    [
      'carrier_changes_total 2',
      'carrier_down_changes_total 1',
      'carrier_up_changes_total 1',
      'info{address="b8:ce:f6:00:11:22",broadcast="ff:ff:ff:ff:ff:ff",device="ens2f0np0",duplex="",ifalias="",operstate="down"} 1',
      'up 0',
    ],
    'the kernel does not tell the carrier of a device that is down',
  );
  t.equal(values['node_network_speed_bytes{device="docker0"}'], -125_000);
  t.equal(values['node_network_device_id{device="eno2"}'], 1);
  t.equal(values['node_network_protocol_type{device="wg0"}'], 65_534);
  t.equal(values['node_network_name_assign_type{device="bond0.120"}'], undefined);
  t.ok(
    Object.keys(values).includes(
      'node_network_info{address="",broadcast="",device="wg0",duplex="",ifalias="",operstate="unknown"}',
    ),
  );
  t.same(
    sink.kinds().filter((kind) => kind.includes(' counter ')),
    [
      'node_network_carrier_changes_total counter ',
      'node_network_carrier_up_changes_total counter ',
      'node_network_carrier_down_changes_total counter ',
    ],
  );
  t.same(sink.malformations, []);
  source.close();
  t.end();
});

function dockerInfo(state: string): string {
  return `info{address="02:42:11:22:33:44",broadcast="ff:ff:ff:ff:ff:ff",device="docker0",duplex="unknown",ifalias="",operstate="${state}"} 1`;
}

await t.test('a link that changes is seen at once, with all that goes with it', (t) => {
  const paths = host(t, netclassFiles);
  const directory = `${paths.sysfs}/devices/virtual/net/docker0`;
  const set = (file: string, value: string | number): void =>
    writeFileSync(`${directory}/${file}`, `${value}\n`);
  const sink = new RecordingSink();
  const source = netclassSource(paths);
  const tick = (): string[] =>
    ofDevice(sink.tick(source), 'docker0').filter((line) =>
      /^(up|carrier|carrier_changes_total|mtu_bytes|info.*) \S+$/.test(line),
    );
  const down = [
    'carrier 0',
    'carrier_changes_total 2',
    dockerInfo('down'),
    'mtu_bytes 1500',
    'up 0',
  ];
  t.same(tick(), down);
  set('mtu', 9000);
  t.same(tick(), down, 'what hardly ever changes is not looked at');
  set('carrier_changes', 3);
  set('carrier', 1);
  set('operstate', 'up');
  const up = (mtu: number): string[] => [
    'carrier 1',
    'carrier_changes_total 3',
    dockerInfo('up'),
    `mtu_bytes ${mtu}`,
    'up 1',
  ];
  t.same(tick(), up(9000));
  set('mtu', 1400);
  for (let read = 1; read < SELDOM_READS; read++) t.same(tick(), up(9000));
  t.same(tick(), up(1400), 'some while later it is looked at once more');
  set('mtu', 1300);
  for (let read = 1; read < QUIET_READS; read++) tick();
  t.same(tick(), up(1300), 'and from then on seldom');
  set('flags', '0x1002');
  unlinkSync(`${directory}/carrier`);
  t.notOk(tick().includes('carrier 1'));
  t.same(sink.malformations, []);
  source.close();
  t.end();
});

await t.test('devices that vanish, come back or are excluded', (t) => {
  const paths = host(t, netclassFiles);
  const sink = new RecordingSink();
  const source = netclassSource(paths, { networkDevicesExclude: /^(veth|br-)/ });
  const devices = (): string[] =>
    Object.keys(sink.tick(source)).flatMap(
      (key) => /^node_network_up\{device="(.*)"\}$/.exec(key)?.[1] ?? [],
    );
  const all = ['bond0', 'bond0.120', 'docker0', 'eno1', 'eno2', 'ens2f0np0', 'lo', 'tun0', 'wg0'];
  t.same(devices(), all);
  const tunnel = `${paths.sysfs}/devices/virtual/net/tun0`;
  renameSync(tunnel, `${tunnel}.away`);
  rmSync(`${paths.sysfs}/class/net/wg0`);
  // The files are still open here, unlike those of a device that the kernel took away.
  writeFileSync(`${tunnel}.away/operstate`, 'down\n');
  const operstate = `${paths.sysfs}/devices/virtual/net/docker0/operstate`;
  rmSync(operstate);
  mkdirSync(operstate);
  for (let read = 0; read < SELDOM_READS; read++) devices();
  renameSync(`${tunnel}.away`, tunnel);
  rmSync(operstate, { recursive: true });
  writeFileSync(operstate, 'up\n');
  const values = sink.tick(source);
  t.equal(values['node_network_up{device="wg0"}'], undefined);
  t.equal(values['node_network_up{device="tun0"}'], 0);
  source.close();
  t.equal(sink.tick(source)['node_network_up{device="docker0"}'], 1, 'begins anew');
  source.close();
  t.end();
});

await t.test('no contents of an attribute stop the other devices', (t) => {
  const paths = host(t, netclassFiles);
  const directory = `${paths.sysfs}/devices/virtual/net/docker0`;
  const hostile = [
    '',
    '\n',
    '\0'.repeat(5000),
    '0x',
    '0xzz',
    '9'.repeat(300),
    '-',
    'ÿ\u2028',
    '1 2',
  ];
  for (const contents of hostile) {
    for (const file of readdirSync(directory)) {
      if (file !== 'statistics') writeFileSync(`${directory}/${file}`, contents);
    }
    const sink = new RecordingSink();
    const source = netclassSource(paths);
    for (let read = 0; read < 2; read++) {
      const values = sink.tick(source);
      t.equal(ofDevice(values, 'eno1').length, 19);
      t.equal(values['node_network_up{device="docker0"}'], 0);
    }
    t.ok(sink.malformations.every((line) => line.startsWith('netclass: no number in ')));
    source.close();
  }
  symlinkSync('/dev/zero', `${directory}/zero`);
  for (const file of ['flags', 'speed', 'address']) {
    unlinkSync(`${directory}/${file}`);
    symlinkSync('zero', `${directory}/${file}`);
  }
  unlinkSync(`${directory}/mtu`);
  symlinkSync('nowhere', `${directory}/mtu`);
  const sink = new RecordingSink();
  t.equal(ofDevice(sink.tick(netclassSource(paths)), 'eno1').length, 19);
  t.ok(sink.keys.every((key) => key.length < 4000));
  t.end();
});

await t.test('netdev has the counter that only sysfs has, but not for excluded devices', (t) => {
  const paths = host(t, networkFiles, netclassFiles);
  const values = readOnce(netdevSource, paths);
  t.equal(Object.keys(values).length, 11 * 17);
  t.equal(values['node_network_receive_nohandler_total{device="eno1"}'], 88_123);
  t.equal(values['node_network_receive_nohandler_total{device="lo"}'], 0);
  t.equal(values['node_network_receive_bytes_total{device="bond0.120"}'], 12_345_678_901_234);
  t.equal(values['node_network_receive_bytes_total{device="veth1a2b3c4"}'], 2 ** 64);
  t.equal(values['node_network_transmit_carrier_total{device="bond0"}'], 5);
  const sink = new RecordingSink();
  const source = netdevSource(paths, { networkDevicesExclude: /^(lo|veth.*)$/ });
  const some = sink.tick(source);
  t.equal(Object.keys(some).length, 9 * 17);
  t.same(ofDevice(some, 'lo'), []);
  source.close();
  t.end();
});

await t.test('bonds and their links', (t) => {
  const paths = host(t, bondingFiles);
  const network = `${paths.sysfs}/class/net`;
  const sink = new RecordingSink();
  const source = bondingSource(paths);
  const old = {
    'node_bonding_slaves{master="bond1"}': 2,
    'node_bonding_active{master="bond1"}': 1,
    'node_bonding_slaves{master="bond2"}': 0,
    'node_bonding_active{master="bond2"}': 0,
  };
  const first = (slaves: number, active: number): Record<string, number> => ({
    'node_bonding_slaves{master="bond0"}': slaves,
    'node_bonding_active{master="bond0"}': active,
    ...old,
  });
  t.same(sink.tick(source), first(3, 2));
  const status = (slave: string): string =>
    `${network}/bond0/lower_${slave}/bonding_slave/mii_status`;
  writeFileSync(status('eno1'), 'down\n');
  t.same(sink.tick(source), first(3, 1));
  writeFileSync(`${network}/bond0/bonding/slaves`, 'eno3\n');
  t.same(sink.tick(source), first(1, 1));
  writeFileSync(`${network}/bond0/bonding/slaves`, 'eno3 eno4\n');
  t.same(sink.tick(source), old, 'a slave that is just coming');
  mkdirSync(`${network}/bond0/lower_eno4/bonding_slave`, { recursive: true });
  writeFileSync(status('eno4'), 'up\n');
  t.same(sink.tick(source), first(2, 2));
  writeFileSync(`${network}/bonding_masters`, 'bond1 bond2\n');
  t.same(sink.tick(source), first(2, 2));
  for (let read = 0; read < SELDOM_READS; read++) sink.tick(source);
  t.same(sink.tick(source), old);
  t.same(sink.malformations, []);
  source.close();
  t.end();
});

await t.test('a list of bonds or slaves cannot lead out of its directory', (t) => {
  const paths = host(t, bondingFiles);
  const network = `${paths.sysfs}/class/net`;
  const hostile = ['../bond0', '/etc', '.', '..', 'x'.repeat(300), '\0\u0001', 'a:b', 'none'];
  writeFileSync(`${network}/bonding_masters`, `${hostile.join(' ')} bond0 \n`);
  const sink = new RecordingSink();
  const source = bondingSource(paths);
  t.same(sink.tick(source), {
    'node_bonding_slaves{master="bond0"}': 3,
    'node_bonding_active{master="bond0"}': 2,
  });
  t.same(sink.malformations, ['bonding: a name that no device can have']);
  writeFileSync(`${network}/bond0/bonding/slaves`, '../lower_eno1 eno1\n');
  t.equal(sink.tick(source)['node_bonding_slaves{master="bond0"}'], 1);
  writeFileSync(`${network}/bond0/bonding/slaves`, 'x '.repeat(100_000));
  t.same(sink.tick(source), {});
  t.equal(sink.malformations.length, 3);
  source.close();
  t.end();
});
