import { count } from '../../cli/up/quantity.ts';
import type { LayoutReport, StorageReport } from '../storage/storage-report.ts';
import type { ReportTable } from './capacity-tables.ts';

/** What keeping a history takes, for a terminal. */
export function storageTables(report: StorageReport): ReportTable[] {
  return [layoutTable(report), rollupTable(report)];
}

function layoutTable({ layouts, hosts, minutes, samples }: StorageReport): ReportTable {
  return {
    title: `${count(hosts)} hosts, ${count(minutes)} minutes, ${count(samples)} samples`,
    head: [
      'layout of series_minutes',
      'CPU, µs a sample',
      'rewrites',
      'parts',
      'bytes a sample',
      'merged',
      "a series' hour, ms",
      "a metric's hour, ms",
      'a host now, ms',
    ],
    rows: layouts.map(layoutRow),
  };
}

function layoutRow(layout: LayoutReport): string[] {
  const { query_ms: ms } = layout;
  return [
    layout.what,
    layout.cpu_us_per_sample.toFixed(4),
    layout.rewrites.toFixed(2),
    `${count(layout.parts_inserted)} → ${count(layout.parts)}`,
    layout.bytes_per_sample.toFixed(3),
    layout.bytes_per_sample_merged.toFixed(3),
    ...[ms.hour_of_series, ms.hour_of_metric, ms.host_now].map((each) => each.toFixed(1)),
  ];
}

function rollupTable({ rollups, frames_bytes_per_sample: frames }: StorageReport): ReportTable {
  return {
    title: `Beside them, ${count(rollups.samples)} samples rolled up`,
    head: ['what', 'value'],
    rows: [
      ['record of frames, bytes a sample', frames.toFixed(3)],
      ['rolling up, µs a sample', rollups.cpu_us_per_sample.toFixed(4)],
      ['merging that once, µs a sample', rollups.merge_us_per_sample.toFixed(4)],
      ['a series and minute, bytes', rollups.bytes_per_series_minute.toFixed(2)],
      ['a series and hour, bytes', rollups.bytes_per_series_hour.toFixed(2)],
    ],
  };
}
