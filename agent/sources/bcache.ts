import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { SourceFactory } from '../source.ts';
import { bcacheNumber, rateOf } from './bcache-number.ts';
import { DeviceAttributes, type Attribute } from './device-attributes.ts';
import { DeviceDirectory } from './device-directory.ts';
import { Pace } from './pace.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

const SECONDS_PER_NANOSECOND = 1e-9;

function attribute(file: string, name: string, help: string, multiplier = 1): Attribute {
  const unit = /_(seconds|bytes)(_|$)/.exec(name)?.[1] ?? '';
  const kind = name.endsWith('_total') ? 'counter' : 'gauge';
  const metric = { name: `node_bcache_${name}`, kind, unit, help } as const;
  return { file, metric, multiplier, parse: bcacheNumber };
}

function rate(key: string, name: string, help: string): Attribute {
  return { ...attribute('writeback_rate_debug', name, help), parse: rateOf(key) };
}

/** Of a set of devices, below its UUID. */
const SET: readonly Attribute[] = [
  attribute('average_key_size', 'average_key_size_sectors', 'Data for each key in the tree.'),
  attribute('btree_cache_size', 'btree_cache_size_bytes', 'Memory that caches the tree.'),
  attribute('cache_available_percent', 'cache_available_percent', 'Cache without dirty data.'),
  attribute('congested', 'congested', 'How congested the cache is.'),
  attribute('root_usage_percent', 'root_usage_percent', "How full the tree's root is."),
  attribute('tree_depth', 'tree_depth', 'Levels of the tree.'),
  attribute(
    'internal/active_journal_entries',
    'active_journal_entries',
    'Journal entries that are newer than the index.',
  ),
  attribute('internal/btree_nodes', 'btree_nodes', 'Nodes of the tree.'),
  attribute(
    'internal/btree_read_average_duration_us',
    'btree_read_average_duration_seconds',
    'Time to read a node of the tree, on average.',
    // As node_exporter has it, whatever the name of the file says.
    SECONDS_PER_NANOSECOND,
  ),
  attribute(
    'internal/cache_read_races',
    'cache_read_races_total',
    'Reads from the cache whose place was given away meanwhile.',
  ),
];

/** Of the disk behind the cache. */
const BACKING_DEVICE: readonly Attribute[] = [
  attribute('dirty_data', 'dirty_data_bytes', 'Data that only the cache has yet.'),
  rate('target', 'dirty_target_bytes', 'Data that only the cache is to have.'),
  rate('rate', 'writeback_rate', 'Bytes to be written back in a second.'),
  rate('proportional', 'writeback_rate_proportional_term', 'Proportional part of the rate.'),
  rate('integral', 'writeback_rate_integral_term', 'Integral part of the rate.'),
  rate('change', 'writeback_change', 'Latest change of the rate.'),
  attribute('stats_total/bypassed', 'bypassed_bytes_total', 'Bytes that went past the cache.'),
  attribute(
    'stats_total/cache_bypass_hits',
    'cache_bypass_hits_total',
    'Requests past the cache for what was in it.',
  ),
  attribute(
    'stats_total/cache_bypass_misses',
    'cache_bypass_misses_total',
    'Requests past the cache for what was not in it.',
  ),
  attribute('stats_total/cache_hits', 'cache_hits_total', 'Requests for what was in the cache.'),
  attribute(
    'stats_total/cache_miss_collisions',
    'cache_miss_collisions_total',
    'Misses that a write was faster than.',
  ),
  attribute('stats_total/cache_misses', 'cache_misses_total', 'Requests for what was not there.'),
  attribute('stats_total/cache_readaheads', 'cache_readaheads_total', 'Times of reading ahead.'),
];

const CACHE: readonly Attribute[] = [
  attribute('io_errors', 'io_errors', 'Errors of the cache, of which old ones count less.'),
  attribute(
    'metadata_written',
    'metadata_written_bytes_total',
    'Bytes written to the cache that are not data.',
  ),
  attribute('written', 'written_bytes_total', 'Bytes of data written to the cache.'),
];

function set(directory: string, uuid: string, pace: Pace): SourcePart {
  const label: Label = ['uuid', uuid];
  return sourceFromParts('bcache', [
    new DeviceAttributes('bcache', directory, [label], SET, pace),
    new DeviceDirectory(directory, /^(bdev\d{1,9})$/, (path, name) => {
      const labels: Label[] = [label, ['backing_device', name]];
      return new DeviceAttributes('bcache', path, labels, BACKING_DEVICE, pace);
    }),
    new DeviceDirectory(directory, /^(cache\d{1,9})$/, (path, name) => {
      const labels: Label[] = [label, ['cache_device', name]];
      return new DeviceAttributes('bcache', path, labels, CACHE, pace);
    }),
  ]);
}

/** `/sys/fs/bcache`, see the kernel's Documentation/admin-guide/bcache.rst. */
export const bcacheSource: SourceFactory = (paths) => {
  const pace = new Pace();
  return sourceFromParts('bcache', [
    pace,
    new DeviceDirectory(`${paths.sysfs}/fs/bcache`, /^(.{0,64}-.{0,64})$/s, (directory, uuid) =>
      set(directory, uuid, pace),
    ),
  ]);
};
