import type { Metric, SeriesSink, SourceFactory } from '../source.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { DiskInfo } from './disk-info.ts';
import { KernelFile } from './kernel-file.ts';
import { RowCache } from './row-cache.ts';
import { declareRow } from './series-row.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

/** Partitions and pseudo devices that node_exporter leaves out unless told otherwise. */
const EXCLUDED = /^(ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$/;
/** Sectors are of this size here, whatever the device's are (iostats.rst). */
const SECTOR_BYTES = 512;
const SECONDS_PER_MS = 1 / 1000;

interface Column {
  readonly metric: Metric;
  readonly multiplier: number;
}

function column(name: string, help: string, multiplier = 1): Column {
  const unit = /_(seconds|bytes)_/.exec(name)?.[1] ?? '';
  const kind = name.endsWith('_total') ? 'counter' : 'gauge';
  return { metric: { name: `node_disk_${name}`, kind, unit, help }, multiplier };
}

/** The statistics fields 1 to 17 of the kernel's Documentation/admin-guide/iostats.rst. */
const COLUMNS: readonly Column[] = [
  column('reads_completed_total', 'Reads that were completed.'),
  column('reads_merged_total', 'Adjacent reads that were merged into one.'),
  column('read_bytes_total', 'Bytes that were read.', SECTOR_BYTES),
  column('read_time_seconds_total', 'Time spent by all reads together.', SECONDS_PER_MS),
  column('writes_completed_total', 'Writes that were completed.'),
  column('writes_merged_total', 'Adjacent writes that were merged into one.'),
  column('written_bytes_total', 'Bytes that were written.', SECTOR_BYTES),
  column('write_time_seconds_total', 'Time spent by all writes together.', SECONDS_PER_MS),
  column('io_now', 'Requests that are under way.'),
  column('io_time_seconds_total', 'Time with at least one request under way.', SECONDS_PER_MS),
  column(
    'io_time_weighted_seconds_total',
    'Time with requests under way, times their number.',
    SECONDS_PER_MS,
  ),
  column('discards_completed_total', 'Discards that were completed.'),
  column('discards_merged_total', 'Adjacent discards that were merged into one.'),
  column('discarded_sectors_total', 'Sectors that were discarded.'),
  column('discard_time_seconds_total', 'Time spent by all discards together.', SECONDS_PER_MS),
  column('flush_requests_total', 'Flush requests that were completed.'),
  column(
    'flush_requests_time_seconds_total',
    'Time spent by all flush requests together.',
    SECONDS_PER_MS,
  ),
];
const METRICS = COLUMNS.map(({ metric }) => metric);
/** Discards came with Linux 4.18, flushes with 5.5; older kernels end here. */
const COLUMNS_MIN = 11;

interface DiskRow {
  readonly slots: Int32Array;
  readonly info: DiskInfo;
}

class DiskStats implements SourcePart {
  readonly #file: KernelFile;
  readonly #rows: RowCache<DiskRow>;
  readonly #numbers = new Float64Array(2);
  readonly #values = new Float64Array(COLUMNS.length);
  #readings = 0;

  constructor(procfs: string, udevData: string, excluded: RegExp) {
    this.#file = new KernelFile(`${procfs}/diskstats`, 'diskstats');
    this.#rows = new RowCache('diskstats', (scan, sink) => {
      const device = scan.wordText();
      return excluded.test(device) ? null : diskRow(device, sink, udevData);
    });
  }

  read(sink: SeriesSink): void {
    if (!this.#file.load(sink)) return;
    const { scan } = this.#file;
    this.#readings++;
    this.#rows.restart();
    for (; !scan.atEnd; scan.nextLine()) this.#readLine(scan, sink);
  }

  close(): void {
    this.#file.close();
  }

  /** `major minor name` and the statistics. */
  #readLine(scan: ByteScanner, sink: SeriesSink): void {
    const numbered = scan.numbers(this.#numbers) === 2;
    if (!numbered || !scan.word()) {
      if (!scan.atLineEnd) sink.malformed('diskstats', scan.lineExcerpt());
      return;
    }
    const row = this.#rows.at(scan, sink);
    if (row === null) return;
    const count = scan.numbers(this.#values);
    if (count < COLUMNS_MIN) {
      sink.malformed('diskstats', scan.lineExcerpt());
      return;
    }
    for (let i = 0; i < count; i++) {
      sink.set(row.slots[i]!, this.#values[i]! * COLUMNS[i]!.multiplier);
    }
    row.info.set(sink, this.#numbers[0]!, this.#numbers[1]!, this.#readings);
  }
}

function diskRow(device: string, sink: SeriesSink, udevData: string): DiskRow | null {
  const slots = declareRow(sink, 'diskstats', METRICS, [['device', device]]);
  return slots === null ? null : { slots, info: new DiskInfo(device, udevData) };
}

/** `/proc/diskstats`, see proc_diskstats(5), and what udev knows of the same devices. */
export const diskstatsSource: SourceFactory = (paths, options) => {
  const udevData = `${paths.rootfs.replace(/\/$/, '')}/run/udev/data`;
  const excluded = options?.diskDevicesExclude ?? EXCLUDED;
  return sourceFromParts('diskstats', [new DiskStats(paths.procfs, udevData, excluded)]);
};
