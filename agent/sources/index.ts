import type { SourceName } from '../source-names.ts';
import type { SourceFactory } from '../source.ts';
import { arpSource } from './arp.ts';
import { conntrackSource } from './conntrack.ts';
import { cpuSource } from './cpu.ts';
import { cpufreqSource } from './cpufreq.ts';
import { diskstatsSource } from './diskstats.ts';
import { entropySource } from './entropy.ts';
import { filefdSource } from './filefd.ts';
import { filesystemSource } from './filesystem.ts';
import { loadavgSource } from './loadavg.ts';
import { meminfoSource } from './meminfo.ts';
import { netdevSource } from './netdev.ts';
import { netstatSource } from './netstat.ts';
import { pressureSource } from './pressure.ts';
import { schedstatSource } from './schedstat.ts';
import { sockstatSource } from './sockstat.ts';
import { softnetSource } from './softnet.ts';
import { statSource } from './stat.ts';
import { thermalZoneSource } from './thermal-zone.ts';
import { timeSource } from './time.ts';
import { udpQueuesSource } from './udp-queues.ts';
import { unameSource } from './uname.ts';
import { vmstatSource } from './vmstat.ts';

/** Every source under the name of node_exporter's collector, in the order to read them. */
export const sourceFactories: Readonly<Record<SourceName, SourceFactory>> = {
  arp: arpSource,
  conntrack: conntrackSource,
  cpu: cpuSource,
  cpufreq: cpufreqSource,
  diskstats: diskstatsSource,
  entropy: entropySource,
  filefd: filefdSource,
  filesystem: (paths) => filesystemSource(paths),
  loadavg: loadavgSource,
  meminfo: meminfoSource,
  netdev: netdevSource,
  netstat: netstatSource,
  pressure: pressureSource,
  schedstat: schedstatSource,
  sockstat: sockstatSource,
  softnet: softnetSource,
  stat: statSource,
  thermal_zone: thermalZoneSource,
  time: (paths) => timeSource(paths),
  udp_queues: udpQueuesSource,
  uname: unameSource,
  vmstat: vmstatSource,
};
