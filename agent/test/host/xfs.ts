import type { HostFiles } from './host-files.ts';

/** As xfs_stats_format() in the kernel's fs/xfs/xfs_stats.c writes them, Linux 6.1. */
const DATA = `extent_alloc 92447 97589 92448 93751
abt 12 34 56 78
blk_map 1767055 188820 184891 92447 92448 2140766 3
bmbt 5 6 7 8
dir 185039 92447 92444 136422
trans 706 944304 1
ig 185045 58807 2 126238 7 33637 22
log 2883 113448 9 17360 739
push_ail 945014 0 134260 15483 0 3940 464 159985 0 40
xstrat 92447 0
rw 107739 94045
attr 4 11 3 9
icluster 8677 7849 135802
vnodes 92601 21 4 3 92444 92444 92444 17
buf 2666287 7122 2659202 3599 2 7085 0 10297 5 
abtb2 184941 1277345 13257 13278 0 0 0 0 0 0 0 0 0 0 2746147
abtc2 345295 2416764 172637 172658 0 0 0 0 0 0 0 0 0 0 21406023
bmbt2 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
ibt2 343004 1358467 0 0 0 0 0 0 0 0 0 0 0 0 0
fibt2 185028 740344 3 1 0 0 0 0 0 0 0 0 0 0 6
rmapbt 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
refcntbt 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
qm 0 0 0 0 0 0 0 0
xpc 399724544 92823103 86219234
defer_relog 0
debug 0
`;
/** A filesystem that is used for long: its counters of 32 bits are about to begin again. */
const OLD = `extent_alloc 4294967295 4294967294 4294967293 4294967292
abt 0 0 0 0
blk_map 4294967295 1 2 3 4 5 6
bmbt 0 0 0 0
dir 1 2 3 4
trans 1 2 3
ig 1 2 3 4 5 6 7
log 1 2 3 4 5
push_ail 1 0 0 0 0 0 0 0 0 0
xstrat 1 0
rw 4294967295 17
attr 1 2 3 4
icluster 1 2 3
vnodes 10 0 0 0 20 30 40
buf 1 2 3 4 5 6 7 8 9 
xpc 18446744073709551615 2 3
debug 0
`;

export const xfsFiles: HostFiles = {
  'sys/fs/xfs/dm-1/stats/stats': DATA,
  'sys/fs/xfs/nvme0n1p4/stats/stats': OLD,
  'sys/fs/xfs/nvme0n1p4/log/write_grant_head': '2:1234\n',
  'sys/fs/xfs/stats/stats': DATA,
  'proc/fs/xfs/stat': DATA,
};
