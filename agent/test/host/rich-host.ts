import type { HostFiles } from './host-files.ts';
import { bcacheFiles } from './bcache.ts';
import { btrfsFiles } from './btrfs.ts';
import { cpuFiles } from './cpu.ts';
import { cpufreqFiles } from './cpufreq.ts';
import { diskstatsFiles } from './diskstats.ts';
import { dmiFiles } from './dmi.ts';
import { edacFiles } from './edac.ts';
import { fibrechannelFiles } from './fibrechannel.ts';
import { filesystemFiles } from './filesystem.ts';
import { hwmonFiles } from './hwmon.ts';
import { infinibandFiles } from './infiniband.ts';
import { ipvsFiles } from './ipvs.ts';
import { kernelFiles } from './kernel.ts';
import { mdadmFiles } from './mdadm.ts';
import { netclassFiles } from './netclass.ts';
import { networkFiles } from './network.ts';
import { nfsFiles } from './nfs.ts';
import { nfsdFiles } from './nfsd.ts';
import { nvmeFiles } from './nvme.ts';
import { osFiles } from './os.ts';
import { powersupplyclassFiles } from './powersupplyclass.ts';
import { raplFiles } from './rapl.ts';
import { selinuxFiles } from './selinux.ts';
import { tapestatsFiles } from './tapestats.ts';
import { thermalZoneFiles } from './thermal-zone.ts';
import { xfsFiles } from './xfs.ts';
import { zfsFiles } from './zfs.ts';

/** One server with everything: 16 CPUs, many disks, filesystems and interfaces, all hardware. */
export const richHost: HostFiles = {
  ...bcacheFiles,
  ...btrfsFiles,
  ...cpuFiles,
  ...cpufreqFiles,
  ...diskstatsFiles,
  ...dmiFiles,
  ...edacFiles,
  ...fibrechannelFiles,
  ...filesystemFiles,
  ...hwmonFiles,
  ...infinibandFiles,
  ...ipvsFiles,
  ...mdadmFiles,
  ...netclassFiles,
  ...networkFiles,
  ...nfsFiles,
  ...nfsdFiles,
  ...nvmeFiles,
  ...osFiles,
  ...powersupplyclassFiles,
  ...raplFiles,
  ...selinuxFiles,
  ...tapestatsFiles,
  ...thermalZoneFiles,
  ...xfsFiles,
  ...zfsFiles,
  ...kernelFiles,
};
