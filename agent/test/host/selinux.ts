import type { HostFiles } from './host-files.ts';

/** A host with SELinux in enforcing mode and four CPUs. */
export const selinuxFiles: HostFiles = {
  'proc/filesystems': 'nodev\tsysfs\nnodev\tselinuxfs\n\text4\n',
  'proc/mounts': 'selinuxfs /sys/fs/selinux selinuxfs rw,nosuid,noexec,relatime 0 0\n',
  'sys/fs/selinux/enforce': '1',
  'sys/fs/selinux/avc/cache_stats': `lookups hits misses allocations reclaims frees
91590784 91569452 21332 22243 22243 22332
67043856 67026788 17068 17701 17701 17734
0 0 0 0 0 0
15697640 15680547 17093 17762 17762 17788
`,
  'sys/fs/selinux/avc/hash_stats': 'entries: 503\nbuckets used: 512/512\nlongest chain: 4\n',
  'sys/fs/selinux/avc/cache_threshold': '512',
  'root/etc/selinux/config': '# A comment\n\nSELINUX=permissive\nSELINUXTYPE=targeted\n',
};
