import { writeFileSync } from 'node:fs';
import t from 'tap';
import { arpSource } from '../arp.ts';
import { netdevSource } from '../netdev.ts';
import { netstatSource } from '../netstat.ts';
import { pageBytes } from '../page-size.ts';
import { sockstatSource } from '../sockstat.ts';
import { softnetSource } from '../softnet.ts';
import { udpQueuesSource } from '../udp-queues.ts';
import { fixture } from './fixture.ts';
import { RecordingSink } from './recording-sink.ts';

const DEV_HEADER =
  'Inter-|   Receive                            |  Transmit\n' +
  ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets\n';

function deviceLine(name: string, first: number): string {
  return `${name.padStart(6)}:${Array.from({ length: 16 }, (_, i) => first + i).join('   ')}\n`;
}

await t.test('netdev shows sixteen counters a device', (t) => {
  const dev = DEV_HEADER + deviceLine('lo', 1) + deviceLine('veth0123456789', 101);
  const sink = new RecordingSink();
  const values = sink.tick(netdevSource(fixture(t, { proc: { net: { dev } } })));
  t.equal(Object.keys(values).length, 32);
  t.same(
    Object.entries(values)
      .filter(([key]) => key.includes('veth'))
      .map(([key, value]) => `${key.split('{')[0]} ${value}`),
    [
      'node_network_receive_bytes_total 101',
      'node_network_receive_packets_total 102',
      'node_network_receive_errs_total 103',
      'node_network_receive_drop_total 104',
      'node_network_receive_fifo_total 105',
      'node_network_receive_frame_total 106',
      'node_network_receive_compressed_total 107',
      'node_network_receive_multicast_total 108',
      'node_network_transmit_bytes_total 109',
      'node_network_transmit_packets_total 110',
      'node_network_transmit_errs_total 111',
      'node_network_transmit_drop_total 112',
      'node_network_transmit_fifo_total 113',
      'node_network_transmit_colls_total 114',
      'node_network_transmit_carrier_total 115',
      'node_network_transmit_compressed_total 116',
    ],
  );
  t.ok(sink.metrics.every(({ kind }) => kind === 'counter'));
  t.end();
});

await t.test('a device that comes back has its slots of before', (t) => {
  const paths = fixture(t, { proc: { net: { dev: '' } } });
  const sink = new RecordingSink();
  const source = netdevSource(paths);
  const tick = (...lines: string[]): (number | undefined)[] => {
    writeFileSync(`${paths.procfs}/net/dev`, DEV_HEADER + lines.join(''));
    const values = sink.tick(source);
    return ['a', 'b', 'c'].map(
      (name) => values[`node_network_receive_bytes_total{device="${name}"}`],
    );
  };
  t.same(tick(deviceLine('a', 1), deviceLine('b', 2), deviceLine('c', 3)), [1, 2, 3]);
  t.same(tick(deviceLine('a', 4), deviceLine('c', 5)), [4, undefined, 5]);
  t.same(tick(deviceLine('c', 8), deviceLine('b', 7), deviceLine('a', 6)), [6, 7, 8]);
  t.equal(sink.keys.length, 48);
  t.same(tick('     b: 1 2 3\n', deviceLine('c', 9)), [undefined, undefined, 9]);
  t.same(sink.malformations, ['netdev:      b: 1 2 3']);
  source.close();
  t.end();
});

await t.test('netstat shows the fields that matter of all protocols', (t) => {
  const net = {
    netstat: 'TcpExt: SyncookiesSent Other ListenDrops\nTcpExt: 1 2 3\nIpExt: InOctets\nIpExt: 4\n',
    snmp:
      'Ip: Forwarding DefaultTTL\nIp: 2 64\nTcp: MaxConn InErrs CurrEstab\nTcp: -1 5 6\n' +
      'UdpLite: InErrors\nUdpLite: 7\n',
    snmp6: 'Ip6InOctets   \t128\nIcmp6OutMsgs 9\nUdpLite6InErrors 10\nIp6InNoRoutes 1\n',
  };
  const sink = new RecordingSink();
  t.same(sink.tick(netstatSource(fixture(t, { proc: { net } }))), {
    node_netstat_TcpExt_SyncookiesSent: 1,
    node_netstat_TcpExt_ListenDrops: 3,
    node_netstat_IpExt_InOctets: 4,
    node_netstat_Ip_Forwarding: 2,
    node_netstat_Tcp_InErrs: 5,
    node_netstat_Tcp_CurrEstab: 6,
    node_netstat_UdpLite_InErrors: 7,
    node_netstat_Ip6_InOctets: 128,
    node_netstat_Icmp6_OutMsgs: 9,
    node_netstat_UdpLite6_InErrors: 10,
  });
  t.same(sink.malformations, []);
  t.ok(sink.metrics.every(({ kind }) => kind === 'untyped'));
  t.end();
});

await t.test('a broken pair of netstat lines does not touch the others', (t) => {
  const snmp = [
    'Icmp: InMsgs OutMsgs',
    'Icmp: 1',
    'garbage',
    'Tcp: InSegs',
    'Udp: InErrors',
    'Udp: 2',
    'Ip: Forwarding',
    'Ip: x',
    'Tcp: OutSegs',
    'Tcp: 3',
    'Tcp: InErrs',
  ];
  const sink = new RecordingSink();
  t.same(sink.tick(netstatSource(fixture(t, { proc: { net: { snmp: snmp.join('\n') } } }))), {
    node_netstat_Udp_InErrors: 2,
    node_netstat_Tcp_OutSegs: 3,
  });
  t.equal(sink.malformations.length, 5);
  t.end();
});

await t.test('sockstat names protocols and states', (t) => {
  const net = {
    sockstat:
      'sockets: used 13\nTCP: inuse 2 orphan 0 tw 3 alloc 4 mem 109 new 5\nFRAG: inuse 0 memory 8\n',
    sockstat6: 'TCP6: inuse 6\nRAW-6: inuse 1\nUDP6: inuse x\nFRAG6: inuse 7\n',
  };
  const sink = new RecordingSink();
  t.same(sink.tick(sockstatSource(fixture(t, { proc: { net } }))), {
    node_sockstat_sockets_used: 13,
    node_sockstat_TCP_inuse: 2,
    node_sockstat_TCP_orphan: 0,
    node_sockstat_TCP_tw: 3,
    node_sockstat_TCP_alloc: 4,
    node_sockstat_TCP_mem: 109,
    node_sockstat_TCP_mem_bytes: 109 * pageBytes,
    node_sockstat_FRAG_inuse: 0,
    node_sockstat_FRAG_memory: 8,
    node_sockstat_TCP6_inuse: 6,
    node_sockstat_FRAG6_inuse: 7,
  });
  t.same(sink.malformations, ['sockstat: UDP6: inuse x']);
  t.end();
});

function softnetLine(cpu: string): string {
  return `000000ff 00000010 ffffffff ${'0 '.repeat(9)}${cpu}\n`;
}

await t.test('softnet lines tell their CPU, or are counted', (t) => {
  const sink = new RecordingSink();
  const named = fixture(t, {
    proc: { net: { softnet_stat: softnetLine('3') + softnetLine('0a') } },
  });
  t.same(sink.tick(softnetSource(named)), {
    'node_softnet_processed_total{cpu="3"}': 255,
    'node_softnet_dropped_total{cpu="3"}': 16,
    'node_softnet_times_squeezed_total{cpu="3"}': 4294967295,
    'node_softnet_processed_total{cpu="10"}': 255,
    'node_softnet_dropped_total{cpu="10"}': 16,
    'node_softnet_times_squeezed_total{cpu="10"}': 4294967295,
  });
  const counted = fixture(t, { proc: { net: { softnet_stat: '1 2 3\nx\n4 5 6' } } });
  const values = sink.tick(softnetSource(counted));
  t.equal(values['node_softnet_processed_total{cpu="0"}'], 1);
  t.equal(values['node_softnet_processed_total{cpu="2"}'], 4);
  t.same(sink.malformations, ['softnet: x']);
  t.end();
});

function arpLine(device: string): string {
  return `192.0.2.1 0x1 0x2 02:fc:00:00:00:05 * ${device}\n`;
}

await t.test('arp entries are counted by device', (t) => {
  const header = 'IP address       HW type     Flags       HW address            Mask     Device\n';
  const paths = fixture(t, { proc: { net: { arp: '' } } });
  const sink = new RecordingSink();
  const source = arpSource(paths);
  const tick = (...lines: string[]): Record<string, number> => {
    writeFileSync(`${paths.procfs}/net/arp`, header + lines.join(''));
    return sink.tick(source);
  };
  t.same(tick(arpLine('eth0'), arpLine('br0'), arpLine('eth0')), {
    'node_arp_entries{device="eth0"}': 2,
    'node_arp_entries{device="br0"}': 1,
  });
  t.same(tick(arpLine('br0')), { 'node_arp_entries{device="br0"}': 1 });
  t.same(tick(arpLine('eth0'), 'too short\n'), { 'node_arp_entries{device="eth0"}': 1 });
  t.same(sink.malformations, ['arp: too short']);
  source.close();
  t.end();
});

function udpLine(queues: string): string {
  return `  12: 00000000:0016 00000000:0000 07 ${queues} 00:0\n`;
}

await t.test('udp queues are summed over the sockets', (t) => {
  const header = '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when\n';
  const udp = header + udpLine('00000010:00000001') + udpLine('00000001:0000000F') + udpLine('zz');
  const sink = new RecordingSink();
  t.same(sink.tick(udpQueuesSource(fixture(t, { proc: { net: { udp } } }))), {
    'node_udp_queues{ip="v4",queue="tx"}': 17,
    'node_udp_queues{ip="v4",queue="rx"}': 16,
  });
  t.equal(sink.malformations.length, 1);
  t.end();
});
