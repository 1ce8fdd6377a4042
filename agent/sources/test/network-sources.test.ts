import { writeFileSync } from 'node:fs';
import t from 'tap';
import { writeHost } from '../../test/host/host-files.ts';
import { networkFiles } from '../../test/host/network.ts';
import type { HostPaths, SourceFactory } from '../../source.ts';
import { arpSource } from '../arp.ts';
import { conntrackSource } from '../conntrack.ts';
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
  t.match(sink.tick(softnetSource(named)), {
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

/** What a source sets at its first reading. */
function readOnce(source: SourceFactory, paths: HostPaths): Record<string, number> {
  const sink = new RecordingSink();
  const opened = source(paths);
  const values = sink.tick(opened);
  opened.close();
  t.same(sink.malformations, []);
  return values;
}

await t.test("the host's first process shows the host's network", (t) => {
  const paths = writeHost(t.testdir({}), networkFiles, {
    'proc/1/net/arp': 'IP address\n192.0.2.7 0x1 0x2 02:fc:00:00:00:05 * eth7\n',
    'proc/1/net/sockstat': 'sockets: used 5\n',
  });
  t.same(readOnce(arpSource, paths), { 'node_arp_entries{device="eth7"}': 1 });
  const sockets = readOnce(sockstatSource, paths);
  t.equal(sockets['node_sockstat_sockets_used'], 5);
  t.equal(sockets['node_sockstat_TCP6_inuse'], 88, 'a file that it does not show is our own');
  t.end();
});

await t.test('the figures of a busy network', (t) => {
  const paths = writeHost(t.testdir({}), networkFiles);
  t.same(readOnce(arpSource, paths), {
    'node_arp_entries{device="bond0"}': 3,
    'node_arp_entries{device="bond0.120"}': 1,
    'node_arp_entries{device="br-4f1c9e0d22ab"}': 2,
  });
  t.same(readOnce(udpQueuesSource, paths), {
    'node_udp_queues{ip="v4",queue="tx"}': 13_568,
    'node_udp_queues{ip="v4",queue="rx"}': 974_080,
    'node_udp_queues{ip="v6",queue="tx"}': 4608,
    'node_udp_queues{ip="v6",queue="rx"}': 576,
  });
  t.same(readOnce(sockstatSource, paths), {
    node_sockstat_sockets_used: 1874,
    node_sockstat_TCP_inuse: 912,
    node_sockstat_TCP_orphan: 14,
    node_sockstat_TCP_tw: 2048,
    node_sockstat_TCP_alloc: 1530,
    node_sockstat_TCP_mem: 4711,
    node_sockstat_TCP_mem_bytes: 4711 * pageBytes,
    node_sockstat_UDP_inuse: 37,
    node_sockstat_UDP_mem: 209,
    node_sockstat_UDP_mem_bytes: 209 * pageBytes,
    node_sockstat_UDPLITE_inuse: 0,
    node_sockstat_RAW_inuse: 1,
    node_sockstat_FRAG_inuse: 2,
    node_sockstat_FRAG_memory: 9216,
    node_sockstat_TCP6_inuse: 88,
    node_sockstat_UDP6_inuse: 19,
    node_sockstat_UDPLITE6_inuse: 0,
    node_sockstat_RAW6_inuse: 2,
    node_sockstat_FRAG6_inuse: 1,
    node_sockstat_FRAG6_memory: 4608,
  });
  const softnet = readOnce(softnetSource, paths);
  t.equal(Object.keys(softnet).length, 4 * 7);
  t.match(softnet, {
    'node_softnet_processed_total{cpu="2"}': 328_138_489,
    'node_softnet_dropped_total{cpu="2"}': 438,
    'node_softnet_times_squeezed_total{cpu="2"}': 49_522,
    'node_softnet_cpu_collision_total{cpu="2"}': 2,
    'node_softnet_received_rps_total{cpu="2"}': 103_654_956,
    'node_softnet_flow_limit_count_total{cpu="2"}': 35,
    'node_softnet_backlog_len{cpu="2"}': 52,
    'node_softnet_dropped_total{cpu="3"}': 272,
  });
  t.same(readOnce(conntrackSource, paths), {
    node_nf_conntrack_entries: 8000,
    node_nf_conntrack_entries_limit: 262_144,
    node_nf_conntrack_stat_found: 2_171_303,
    node_nf_conntrack_stat_invalid: 118_118,
    node_nf_conntrack_stat_ignore: 0,
    node_nf_conntrack_stat_insert: 549,
    node_nf_conntrack_stat_insert_failed: 202,
    node_nf_conntrack_stat_drop: 121,
    node_nf_conntrack_stat_early_drop: 31,
    node_nf_conntrack_stat_search_restart: 4_944_555_206,
  });
  t.same(readOnce(netstatSource, paths), {
    node_netstat_TcpExt_SyncookiesSent: 902,
    node_netstat_TcpExt_SyncookiesRecv: 611,
    node_netstat_TcpExt_SyncookiesFailed: 74,
    node_netstat_TcpExt_ListenOverflows: 1207,
    node_netstat_TcpExt_ListenDrops: 1213,
    node_netstat_TcpExt_TCPTimeouts: 91_234,
    node_netstat_TcpExt_TCPOFOQueue: 771_234,
    node_netstat_TcpExt_TCPSynRetrans: 48_123,
    node_netstat_TcpExt_TCPRcvQDrop: 3,
    node_netstat_IpExt_InOctets: 81_345_678_901_234,
    node_netstat_IpExt_OutOctets: 70_234_567_890_123,
    node_netstat_Ip_Forwarding: 1,
    node_netstat_Icmp_InMsgs: 20_429,
    node_netstat_Icmp_InErrors: 21,
    node_netstat_Icmp_OutMsgs: 19_873,
    node_netstat_Tcp_ActiveOpens: 48_123_456,
    node_netstat_Tcp_PassiveOpens: 91_234_567,
    node_netstat_Tcp_CurrEstab: 8123,
    node_netstat_Tcp_InSegs: 61_234_567_890,
    node_netstat_Tcp_OutSegs: 58_234_567_890,
    node_netstat_Tcp_RetransSegs: 1_234_567,
    node_netstat_Tcp_InErrs: 12,
    node_netstat_Tcp_OutRsts: 3_456_789,
    node_netstat_Udp_InDatagrams: 7_123_456_789,
    node_netstat_Udp_NoPorts: 48_213,
    node_netstat_Udp_InErrors: 90_469,
    node_netstat_Udp_OutDatagrams: 7_012_345_678,
    node_netstat_Udp_RcvbufErrors: 90_412,
    node_netstat_Udp_SndbufErrors: 7,
    node_netstat_UdpLite_InErrors: 0,
    node_netstat_Ip6_InOctets: 5_123_456_789_012,
    node_netstat_Ip6_OutOctets: 4_123_456_789_012,
    node_netstat_Icmp6_InMsgs: 881_234,
    node_netstat_Icmp6_InErrors: 5,
    node_netstat_Icmp6_OutMsgs: 412_345,
    node_netstat_Udp6_InDatagrams: 91_234_567,
    node_netstat_Udp6_NoPorts: 1234,
    node_netstat_Udp6_InErrors: 31,
    node_netstat_Udp6_OutDatagrams: 81_234_567,
    node_netstat_Udp6_RcvbufErrors: 30,
    node_netstat_Udp6_SndbufErrors: 1,
    node_netstat_UdpLite6_InErrors: 0,
  });
  t.end();
});
