import type { Metric, SourceFactory } from '../source.ts';
import { HeaderValueFile } from './header-value-file.ts';
import { HostNetworkFile } from './host-network-file.ts';
import { KeyValueFile } from './key-value-file.ts';
import { sourceFromParts } from './source-parts.ts';

/** The fields that node_exporter shows unless told otherwise. */
const FIELDS = new RegExp(
  [
    '^(.*_(InErrors|InErrs)',
    'Ip_Forwarding',
    'Ip(6|Ext)_(InOctets|OutOctets)',
    'Icmp6?_(InMsgs|OutMsgs)',
    'TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)',
    'Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)',
    'Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$',
  ].join('|'),
);

function protocolMetric(protocol: string, field: string): Metric | null {
  const name = `${protocol}_${field}`;
  if (!FIELDS.test(name)) return null;
  return {
    name: `node_netstat_${name}`,
    kind: 'untyped',
    unit: '',
    help: `The ${field} field of the kernel's ${protocol} statistics.`,
  };
}

/** `Udp6InErrors` is the field `InErrors` of `Udp6`. */
function snmp6Series(key: string): { metric: Metric } | null {
  const [, protocol = '', field = ''] = /^([^6]*6)(.*)$/.exec(key) ?? [];
  const metric = protocolMetric(protocol, field);
  return metric === null ? null : { metric };
}

/**
 * `/proc/net/netstat` and `/proc/net/snmp` (see HeaderValueFile), and `/proc/net/snmp6`, which
 * has a line for each field (proc_pid_net(5)).
 */
export const netstatSource: SourceFactory = (paths) => {
  const file = (name: string): HostNetworkFile =>
    new HostNetworkFile(paths.procfs, name, 'netstat');
  return sourceFromParts('netstat', [
    new HeaderValueFile(file('netstat'), 'netstat', protocolMetric),
    new HeaderValueFile(file('snmp'), 'netstat', protocolMetric),
    new KeyValueFile(file('snmp6'), 'netstat', snmp6Series),
  ]);
};
