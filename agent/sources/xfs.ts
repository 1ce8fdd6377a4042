import type { Metric, SeriesSink, SourceFactory } from '../source.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { DeviceDirectory } from './device-directory.ts';
import { KernelFile } from './kernel-file.ts';
import { RowCache } from './row-cache.ts';
import { declareRow } from './series-row.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

function counter(name: string, help: string): Metric {
  return { name: `node_xfs_${name}_total`, kind: 'counter', unit: '', help };
}

function btree(name: string, what: string): Metric[] {
  return [
    counter(`${name}_lookups`, `Lookups in the B-tree of ${what}.`),
    counter(`${name}_compares`, `Comparisons in the B-tree of ${what}.`),
    counter(`${name}_records_inserted`, `Records put into the B-tree of ${what}.`),
    counter(`${name}_records_deleted`, `Records taken out of the B-tree of ${what}.`),
  ];
}

/** The lines that are shown, by their first word, and their numbers from the left. */
const LINES: ReadonlyMap<string, readonly Metric[]> = new Map([
  [
    'extent_alloc',
    [
      counter('extent_allocation_extents_allocated', 'Extents that were allocated.'),
      counter('extent_allocation_blocks_allocated', 'Blocks that were allocated.'),
      counter('extent_allocation_extents_freed', 'Extents that were freed.'),
      counter('extent_allocation_blocks_freed', 'Blocks that were freed.'),
    ],
  ],
  ['abt', btree('allocation_btree', 'free extents')],
  [
    'blk_map',
    [
      counter('block_mapping_reads', 'Times that the blocks of a file were looked up to read.'),
      counter('block_mapping_writes', 'Times that the blocks of a file were looked up to write.'),
      counter('block_mapping_unmaps', 'Times that blocks were taken from a file.'),
      counter('block_mapping_extent_list_insertions', 'Extents put into the list of a file.'),
      counter('block_mapping_extent_list_deletions', 'Extents taken out of the list of a file.'),
      counter('block_mapping_extent_list_lookups', 'Lookups in the list of extents of a file.'),
      counter('block_mapping_extent_list_compares', 'Comparisons in lists of extents.'),
    ],
  ],
  ['bmbt', btree('block_map_btree', 'the blocks of files')],
  [
    'dir',
    [
      counter('directory_operation_lookup', 'Names looked up that were not in the cache.'),
      counter('directory_operation_create', 'Directory entries that were made.'),
      counter('directory_operation_remove', 'Directory entries that were removed.'),
      counter('directory_operation_getdents', 'Times that a directory was listed.'),
    ],
  ],
  [
    'ig',
    [
      counter('inode_operation_attempts', 'Inodes looked for in the cache.'),
      counter('inode_operation_found', 'Inodes that were in the cache.'),
      counter('inode_operation_recycled', 'Inodes in the cache that could not be used again.'),
      counter('inode_operation_missed', 'Inodes that were not in the cache.'),
      counter('inode_operation_duplicates', 'Inodes that another thread put into the cache first.'),
      counter('inode_operation_reclaims', 'Inodes that were removed from the cache.'),
      counter('inode_operation_attribute_changes', 'Times that attributes of an inode changed.'),
    ],
  ],
  [
    'rw',
    [
      counter('write_calls', 'Times that write(2) was called.'),
      counter('read_calls', 'Times that read(2) was called.'),
    ],
  ],
  [
    'vnodes',
    [
      counter('vnode_active', 'Vnodes that are not on a free list.'),
      counter('vnode_allocate', 'Times that a vnode was allocated.'),
      counter('vnode_get', 'Times that a vnode was gotten.'),
      counter('vnode_hold', 'Times that a vnode was held.'),
      counter('vnode_release', 'Times that a vnode was released.'),
      counter('vnode_reclaim', 'Times that a vnode was reclaimed.'),
      counter('vnode_remove', 'Times that a vnode was removed.'),
    ],
  ],
]);
const NUMBERS_MAX = Math.max(...[...LINES.values()].map(({ length }) => length));

/** Lines `name number …`, see xfs_stats_format() in the kernel's fs/xfs/xfs_stats.c. */
class XfsStats implements SourcePart {
  readonly #file: KernelFile;
  readonly #rows: RowCache<Int32Array>;
  readonly #values = new Float64Array(NUMBERS_MAX);

  constructor(path: string, device: string) {
    this.#file = new KernelFile(path, 'xfs');
    this.#rows = new RowCache('xfs', (scan, sink) => {
      const metrics = LINES.get(scan.wordText());
      return metrics === undefined ? null : declareRow(sink, 'xfs', metrics, [['device', device]]);
    });
  }

  read(sink: SeriesSink): void {
    if (!this.#file.load(sink)) return;
    const { scan } = this.#file;
    this.#rows.restart();
    for (; !scan.atEnd; scan.nextLine()) this.#readLine(scan, sink);
  }

  close(): void {
    this.#file.close();
  }

  #readLine(scan: ByteScanner, sink: SeriesSink): void {
    if (!scan.word()) return;
    const slots = this.#rows.at(scan, sink);
    if (slots === null) return;
    if (scan.numbers(this.#values, slots.length) < slots.length) {
      sink.malformed('xfs', scan.lineExcerpt());
      return;
    }
    for (let i = 0; i < slots.length; i++) sink.set(slots[i]!, this.#values[i]!);
  }
}

/** `/sys/fs/xfs/<device>/stats/stats`: what each XFS filesystem has done since it was mounted. */
export const xfsSource: SourceFactory = (paths) =>
  sourceFromParts('xfs', [
    new DeviceDirectory(
      `${paths.sysfs}/fs/xfs`,
      /^(?!(?:stats|debug)$)(.+)$/,
      (directory, device) => new XfsStats(`${directory}/stats/stats`, device),
    ),
  ]);
