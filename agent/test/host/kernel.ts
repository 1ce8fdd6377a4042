import type { HostFiles } from './host-files.ts';

const CPUS = 16;

function cpuLines(line: (cpu: number) => string): string {
  return Array.from({ length: CPUS }, (_, cpu) => line(cpu)).join('');
}

function pressure(some: number, full: number): string {
  return (
    `some avg10=1.23 avg60=0.87 avg300=0.64 total=${some}\n` +
    `full avg10=0.00 avg60=0.11 avg300=0.09 total=${full}\n`
  );
}

const STAT = `cpu  191270811 30211 64115200 2903774123 2211007 0 1922143 0 301 22
${cpuLines((cpu) => `cpu${cpu} ${11_954_425 + cpu} ${1888 + cpu} ${4_007_200 + cpu} 181485882 138187 0 ${cpu === 0 ? 1_802_011 : 8008} 0 18 1\n`)}intr 14532180457 40 0 0 0 0 0 0 0 1 ${'0 '.repeat(400)}7119
ctxt 29871234567
btime 1781431020
processes 48190722
procs_running 5
procs_blocked 1
softirq 9223372036 17 1839201 91 2810391 44 0 1812 3018291 11 2711029
`;

const MEMINFO = `MemTotal:       263923608 kB
MemFree:         8120444 kB
MemAvailable:   182005312 kB
Buffers:         1904716 kB
Cached:         158811200 kB
SwapCached:        10240 kB
Active:         103188480 kB
Inactive:       121634816 kB
Active(anon):   61866308 kB
Inactive(anon):  4022280 kB
Active(file):   41322172 kB
Inactive(file): 117612536 kB
Unevictable:       32768 kB
Mlocked:           32768 kB
SwapTotal:       8388604 kB
SwapFree:        8100864 kB
Zswap:             20480 kB
Zswapped:          81920 kB
Dirty:             14336 kB
Writeback:             4 kB
AnonPages:      64110592 kB
Mapped:          2097152 kB
Shmem:           1802240 kB
KReclaimable:   12582912 kB
Slab:           14680064 kB
SReclaimable:   12582912 kB
SUnreclaim:      2097152 kB
KernelStack:       40960 kB
PageTables:       262144 kB
SecPageTables:      8192 kB
NFS_Unstable:          0 kB
Bounce:                0 kB
WritebackTmp:          0 kB
CommitLimit:    140350408 kB
Committed_AS:   98123456 kB
VmallocTotal:   34359738367 kB
VmallocUsed:      491520 kB
VmallocChunk:          0 kB
Percpu:            98304 kB
HardwareCorrupted:     0 kB
AnonHugePages:  20971520 kB
ShmemHugePages:        0 kB
ShmemPmdMapped:        0 kB
FileHugePages:         0 kB
FilePmdMapped:         0 kB
CmaTotal:          65536 kB
CmaFree:           61440 kB
Unaccepted:            0 kB
Balloon:               0 kB
HugePages_Total:    1024
HugePages_Free:      512
HugePages_Rsvd:      128
HugePages_Surp:        0
Hugepagesize:       2048 kB
Hugetlb:         2097152 kB
DirectMap4k:     1163264 kB
DirectMap2M:    76546048 kB
DirectMap1G:    192937984 kB
`;

const VMSTAT = `nr_free_pages 2030111
nr_zone_inactive_anon 1005570
nr_dirty 3584
nr_writeback 1
numa_hit 51920837465
numa_miss 0
workingset_refault_file 90817263
pgpromote_success 0
pgdemote_kswapd 0
nr_dirty_threshold 9182736
pgpgin 18273645546
pgpgout 28374655610
pswpin 71920
pswpout 71935
pgalloc_dma 0
pgalloc_normal 61728394056
pgfree 61740010203
pgactivate 192837465
pgdeactivate 91827364
pglazyfree 1029384
pgfault 92837465192
pgmajfault 1928374
pglazyfreed 8172
pgsteal_kswapd 182736451
pgscan_direct 918273
numa_hint_faults 0
oom_kill 3
pgmigrate_success 1827364
thp_fault_alloc 928374
swap_ra 8172
zswpin 0
nr_unstable 0
`;

const SCHEDSTAT = `version 17
timestamp 5170123456
${cpuLines((cpu) => `cpu${cpu} 0 0 0 0 0 0 ${2_045_936_778_163_039 + cpu} ${343_796_328_169_361 + cpu} ${4_767_485_306 + cpu}\ndomain0 SMT 00000101 3 3 0 0 0 0 0 0 9 9 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n`)}`;

/** The figures of a server with 16 CPUs that are about the whole system. */
export const kernelFiles: HostFiles = {
  'proc/loadavg': '3.02 2.91 11.40 5/2719 1827364\n',
  'proc/meminfo': MEMINFO,
  'proc/pressure/cpu': pressure(19_283_746_551, 0),
  'proc/pressure/io': pressure(8_172_635_441, 7_726_354_112),
  'proc/pressure/irq': 'full avg10=0.00 avg60=0.00 avg300=0.00 total=71829301\n',
  'proc/pressure/memory': pressure(918_273, 817_263),
  'proc/schedstat': SCHEDSTAT,
  'proc/stat': STAT,
  'proc/sys/fs/file-nr': '18272\t0\t9223372036854775807\n',
  'proc/sys/kernel/random/entropy_avail': '256\n',
  'proc/sys/kernel/random/poolsize': '256\n',
  'proc/vmstat': VMSTAT,
};
