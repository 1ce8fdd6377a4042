import type { SourceFactory } from '../source.ts';
import { DeviceAttributes, type Attribute } from './device-attributes.ts';
import { DeviceDirectory } from './device-directory.ts';
import { Pace } from './pace.ts';
import { sourceFromParts } from './source-parts.ts';

const SECONDS_PER_NANOSECOND = 0.000_000_001;

function statistic(file: string, name: string, help: string, multiplier = 1): Attribute {
  const unit = /_(seconds|bytes)_/.exec(name)?.[1] ?? '';
  const kind = name.endsWith('_total') ? 'counter' : 'gauge';
  return {
    file: `stats/${file}`,
    metric: { name: `node_tape_${name}`, kind, unit, help },
    multiplier,
  };
}

const STATISTICS: readonly Attribute[] = [
  statistic('in_flight', 'io_now', 'Requests to a tape drive that are under way.'),
  statistic(
    'io_ns',
    'io_time_seconds_total',
    'Time spent by all requests together, with moving the tape.',
    SECONDS_PER_NANOSECOND,
  ),
  statistic('other_cnt', 'io_others_total', 'Requests other than reads and writes.'),
  statistic('read_byte_cnt', 'read_bytes_total', 'Bytes that were read.'),
  statistic('read_cnt', 'reads_completed_total', 'Reads that were completed.'),
  statistic(
    'read_ns',
    'read_time_seconds_total',
    'Time spent by all reads together.',
    SECONDS_PER_NANOSECOND,
  ),
  statistic('resid_cnt', 'residual_total', 'Reads and writes that moved less than they should.'),
  statistic('write_byte_cnt', 'written_bytes_total', 'Bytes that were written.'),
  statistic('write_cnt', 'writes_completed_total', 'Writes that were completed.'),
  statistic(
    'write_ns',
    'write_time_seconds_total',
    'Time spent by all writes together.',
    SECONDS_PER_NANOSECOND,
  ),
];

/** `/sys/class/scsi_tape`, see the kernel's Documentation/scsi/st.rst. */
export const tapestatsSource: SourceFactory = (paths) => {
  const pace = new Pace();
  return sourceFromParts('tapestats', [
    pace,
    // The other names of a drive, such as `nst0`, are the same drive.
    new DeviceDirectory(`${paths.sysfs}/class/scsi_tape`, /^(st\d{1,9})$/, (directory, device) => {
      const labels = [['device', device]] as const;
      return new DeviceAttributes('tapestats', directory, labels, STATISTICS, pace);
    }),
  ]);
};
