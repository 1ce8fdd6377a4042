import { attributes } from './attributes.ts';
import type { HostFiles } from './host-files.ts';

type Files = Readonly<Record<string, string | number>>;

const DIRECTORY = 'sys/fs/bcache/8f6f2a0e-5d1e-4b1c-9c3a-2f4b6d8e0a12';

/** With different numbers for each period, so that none is taken for another. */
function period(name: string, base: number, bypassed: string): Files {
  return {
    [`${name}/bypassed`]: bypassed,
    [`${name}/cache_bypass_hits`]: base + 1,
    [`${name}/cache_bypass_misses`]: base + 2,
    [`${name}/cache_hit_ratio`]: 51,
    [`${name}/cache_hits`]: base + 3,
    [`${name}/cache_miss_collisions`]: base + 4,
    [`${name}/cache_misses`]: base + 5,
    [`${name}/cache_readaheads`]: base + 6,
  };
}

function periods(base: number): Files {
  return {
    ...period('stats_day', base + 10, '1.5M'),
    ...period('stats_five_minute', base + 20, '0.0k'),
    ...period('stats_hour', base + 30, '20.3k'),
    ...period('stats_total', base + 40, '12.7G'),
  };
}

const RATES = `rate:\t\t4.0M/sec
dirty:\t\t954.7M
target:\t\t36.7G
proportional:\t-920.7M
integral:\t-17.1M
change:\t\t0.0k/sec
next io:\t-7969ms`;

const BACKING_DEVICE = 'devices/pci0000:00/0000:00:17.0/ata2/host1/target1:0:0/1:0:0:0/block/sdb';
const CACHE_DEVICE = 'devices/pci0000:00/0000:00:1d.0/0000:02:00.0/nvme/nvme0/nvme0n1/nvme0n1p3';

/** A set of one backing device and one cache. */
export const bcacheFiles: HostFiles = {
  ...attributes(DIRECTORY, {
    average_key_size: '11.3k',
    btree_cache_size: '512.9k',
    cache_available_percent: 97,
    congested: 0,
    root_usage_percent: 3,
    tree_depth: 1,
    'internal/active_journal_entries': 2,
    'internal/btree_nodes': 1024,
    'internal/btree_read_average_duration_us': 1305,
    'internal/cache_read_races': 6,
    ...periods(1000),
  }),
  [`${DIRECTORY}/bdev0`]: { link: `../../../${BACKING_DEVICE}/bcache` },
  [`${DIRECTORY}/cache0`]: { link: `../../../${CACHE_DEVICE}/bcache` },
  'sys/fs/bcache/register': '',
  ...attributes(`sys/${BACKING_DEVICE}/bcache`, {
    dirty_data: '954.7M',
    writeback_rate_debug: RATES,
    ...periods(2000),
  }),
  ...attributes(`sys/${CACHE_DEVICE}/bcache`, {
    io_errors: 0,
    metadata_written: '4.8G',
    priority_stats: 'Unused:\t\t99%\nMetadata:\t0%\nAverage:\t10473\nSectors per Q:\t64',
    written: '1.3T',
  }),
};
