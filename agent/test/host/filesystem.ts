import type { HostFiles } from './host-files.ts';

/** A database and container host: system mounts, disks, stacked and repeated mounts, escapes, NFS. */
const MOUNTS = String.raw`sysfs /sys sysfs rw,nosuid,nodev,noexec,relatime 0 0
proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0
udev /dev devtmpfs rw,nosuid,relatime,size=65818036k,nr_inodes=16454509,mode=755,inode64 0 0
devpts /dev/pts devpts rw,nosuid,noexec,relatime,gid=5,mode=620,ptmxmode=000 0 0
tmpfs /run tmpfs rw,nosuid,nodev,noexec,relatime,size=13176060k,mode=755,inode64 0 0
/dev/mapper/vg0-root / ext4 rw,relatime,errors=remount-ro 0 0
securityfs /sys/kernel/security securityfs rw,nosuid,nodev,noexec,relatime 0 0
tmpfs /dev/shm tmpfs rw,nosuid,nodev,inode64 0 0
tmpfs /run/lock tmpfs rw,nosuid,nodev,noexec,relatime,size=5120k,inode64 0 0
cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime 0 0
pstore /sys/fs/pstore pstore rw,nosuid,nodev,noexec,relatime 0 0
efivarfs /sys/firmware/efi/efivars efivarfs rw,nosuid,nodev,noexec,relatime 0 0
systemd-1 /proc/sys/fs/binfmt_misc autofs rw,relatime,fd=29,pgrp=1,timeout=0,minproto=5,maxproto=5,direct,pipe_ino=1402 0 0
hugetlbfs /dev/hugepages hugetlbfs rw,relatime,pagesize=2M 0 0
mqueue /dev/mqueue mqueue rw,nosuid,nodev,noexec,relatime 0 0
debugfs /sys/kernel/debug debugfs rw,nosuid,nodev,noexec,relatime 0 0
tracefs /sys/kernel/tracing tracefs rw,nosuid,nodev,noexec,relatime 0 0
fusectl /sys/fs/fuse/connections fusectl rw,nosuid,nodev,noexec,relatime 0 0
configfs /sys/kernel/config configfs rw,nosuid,nodev,noexec,relatime 0 0
ramfs /run/credentials/systemd-sysusers.service ramfs ro,nosuid,nodev,noexec,relatime,mode=700 0 0
/dev/nvme0n1p2 /boot ext4 rw,relatime 0 0
/dev/nvme0n1p1 /boot/efi vfat rw,relatime,fmask=0077,dmask=0077,codepage=437,iocharset=ascii,shortname=mixed,utf8,errors=remount-ro 0 0
/dev/mapper/vg1-mysql /var/lib/mysql xfs rw,noatime,attr2,inode64,logbufs=8,logbsize=32k,noquota 0 0
/dev/sdb1 /srv/old\040backups\011(2021) ext4 ro,relatime 0 0
/dev/sdc1 /srv/café ext4 rw,relatime 0 0
/dev/sdc2 /srv/build\0431 ext4 rw,relatime 0 0
/dev/sdd1 /srv/shared xfs rw,relatime,attr2,inode64,logbufs=8,logbsize=32k,noquota 0 0
/dev/sde1 /srv/shared xfs rw,relatime,attr2,inode64,logbufs=8,logbsize=32k,noquota 0 0
/dev/sdd1 /srv/export xfs rw,relatime,attr2,inode64,logbufs=8,logbsize=32k,noquota 0 0
tmpfs /srv/scratch tmpfs rw,relatime,size=1048576k,inode64 0 0
tmpfs /srv/scratch tmpfs ro,relatime,size=1048576k,inode64 0 0
tank/home /tank/home zfs rw,relatime,xattr,posixacl 0 0
/dev/sdf /data btrfs rw,relatime,space_cache=v2,subvolid=5,subvol=/ 0 0
/dev/loop3 /snap/core20/1974 squashfs ro,nodev,relatime,errors=continue 0 0
filer.example.net:/export/home /net/home nfs4 rw,relatime,vers=4.2,rsize=1048576,wsize=1048576,namlen=255,hard,proto=tcp,timeo=600,retrans=2,sec=sys,clientaddr=192.0.2.17,local_lock=none,addr=192.0.2.5 0 0
//nas.example.net/scans /net/scans cifs rw,relatime,vers=3.1.1,cache=strict,username=scan,uid=0,forceuid,gid=0,forcegid,addr=192.0.2.6,soft,unix,posixpaths,serverino,mapposix,rsize=4194304,wsize=4194304,bsize=1048576,echo_interval=60,actimeo=1,closetimeo=1 0 0
lxcfs /var/lib/lxcfs fuse.lxcfs rw,nosuid,nodev,relatime,user_id=0,group_id=0,allow_other 0 0
overlay /var/lib/docker/overlay2/6f1e/merged overlay rw,relatime,lowerdir=/var/lib/docker/overlay2/l/ABC:/var/lib/docker/overlay2/l/DEF,upperdir=/var/lib/docker/overlay2/6f1e/diff,workdir=/var/lib/docker/overlay2/6f1e/work 0 0
nsfs /run/docker/netns/5c1d8e3a7b42 nsfs rw 0 0
shm /var/lib/docker/containers/6f1e/mounts/shm tmpfs rw,nosuid,nodev,noexec,relatime,size=65536k,inode64 0 0
tmpfs /var/lib/kubelet/pods/0f7c/volumes/kubernetes.io~projected/token tmpfs rw,relatime,size=131072k,inode64 0 0
tmpfs /run/user/1000 tmpfs rw,nosuid,nodev,relatime,size=13176056k,nr_inodes=3294014,mode=700,uid=1000,gid=1000,inode64 0 0
`;

/** Mount points that are there; those of the network filesystems and of `/run/user` are not. */
const MOUNT_POINTS = [
  'boot',
  'boot/efi',
  'data',
  'run/lock',
  'srv/build#1',
  'srv/café',
  'srv/export',
  'srv/old backups\t(2021)',
  'srv/scratch',
  'srv/shared',
  'tank/home',
  'var/lib/kubelet/pods/0f7c/volumes/kubernetes.io~projected/token',
  'var/lib/lxcfs',
  'var/lib/mysql',
];

export const filesystemFiles: HostFiles = {
  'proc/1/mounts': MOUNTS,
  ...Object.fromEntries(MOUNT_POINTS.map((path) => [`root/${path}/.mounted`, ''])),
};
