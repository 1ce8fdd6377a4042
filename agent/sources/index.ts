import type { SourceName } from '../source-names.ts';
import type { SourceFactory } from '../source.ts';
import { arpSource } from './arp.ts';
import { bcacheSource } from './bcache.ts';
import { bondingSource } from './bonding.ts';
import { btrfsSource } from './btrfs.ts';
import { conntrackSource } from './conntrack.ts';
import { cpuSource } from './cpu.ts';
import { cpufreqSource } from './cpufreq.ts';
import { diskstatsSource } from './diskstats.ts';
import { dmiSource } from './dmi.ts';
import { edacSource } from './edac.ts';
import { entropySource } from './entropy.ts';
import { fibrechannelSource } from './fibrechannel.ts';
import { filefdSource } from './filefd.ts';
import { filesystemSource } from './filesystem.ts';
import { hwmonSource } from './hwmon.ts';
import { infinibandSource } from './infiniband.ts';
import { ipvsSource } from './ipvs.ts';
import { loadavgSource } from './loadavg.ts';
import { mdadmSource } from './mdadm.ts';
import { meminfoSource } from './meminfo.ts';
import { netclassSource } from './netclass.ts';
import { netdevSource } from './netdev.ts';
import { netstatSource } from './netstat.ts';
import { nfsSource } from './nfs.ts';
import { nfsdSource } from './nfsd.ts';
import { nvmeSource } from './nvme.ts';
import { osSource } from './os.ts';
import { powersupplyclassSource } from './powersupplyclass.ts';
import { pressureSource } from './pressure.ts';
import { raplSource } from './rapl.ts';
import { schedstatSource } from './schedstat.ts';
import { selinuxSource } from './selinux.ts';
import { sockstatSource } from './sockstat.ts';
import { softnetSource } from './softnet.ts';
import { statSource } from './stat.ts';
import { systemdSource } from './systemd.ts';
import { tapestatsSource } from './tapestats.ts';
import { textfileSource } from './textfile.ts';
import { thermalZoneSource } from './thermal-zone.ts';
import { timeSource } from './time.ts';
import { timexSource } from './timex.ts';
import { udpQueuesSource } from './udp-queues.ts';
import { unameSource } from './uname.ts';
import { vmstatSource } from './vmstat.ts';
import { xfsSource } from './xfs.ts';
import { zfsSource } from './zfs.ts';

/** How each source is opened. */
export const sourceFactories: Readonly<Record<SourceName, SourceFactory>> = {
  arp: arpSource,
  bcache: bcacheSource,
  bonding: bondingSource,
  btrfs: btrfsSource,
  conntrack: conntrackSource,
  cpu: cpuSource,
  cpufreq: cpufreqSource,
  diskstats: diskstatsSource,
  dmi: dmiSource,
  edac: edacSource,
  entropy: entropySource,
  fibrechannel: fibrechannelSource,
  filefd: filefdSource,
  filesystem: filesystemSource,
  hwmon: hwmonSource,
  infiniband: infinibandSource,
  ipvs: ipvsSource,
  loadavg: loadavgSource,
  mdadm: mdadmSource,
  meminfo: meminfoSource,
  netclass: netclassSource,
  netdev: netdevSource,
  netstat: netstatSource,
  nfs: nfsSource,
  nfsd: nfsdSource,
  nvme: nvmeSource,
  os: osSource,
  powersupplyclass: powersupplyclassSource,
  pressure: pressureSource,
  rapl: raplSource,
  schedstat: schedstatSource,
  selinux: selinuxSource,
  sockstat: sockstatSource,
  softnet: softnetSource,
  stat: statSource,
  systemd: systemdSource,
  tapestats: tapestatsSource,
  textfile: textfileSource,
  thermal_zone: thermalZoneSource,
  time: (paths) => timeSource(paths),
  timex: timexSource,
  udp_queues: udpQueuesSource,
  uname: unameSource,
  vmstat: vmstatSource,
  xfs: xfsSource,
  zfs: zfsSource,
};
