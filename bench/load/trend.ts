import { perComponent } from './load-watch.ts';
import { TREND_SECONDS_MIN } from './load-report.ts';
import type { TimelineRow, Trend } from './load-report.ts';
import { slopeOf } from './quantiles.ts';

/** @param seconds how long it was measured; rows before and after that are not looked at */
export function trendOf(timeline: readonly TimelineRow[], seconds: number): Trend | null {
  if (seconds < TREND_SECONDS_MIN) return null;
  const from = seconds / 2;
  const rows = timeline.filter((row) => row.seconds >= from && row.seconds <= seconds);
  const perMinute = (of: (row: TimelineRow) => number | undefined): number => {
    const points = rows.flatMap((row) => {
      const value = of(row);
      return value === undefined ? [] : [[row.seconds, value] as const];
    });
    return 60 * slopeOf(points);
  };
  return {
    from_seconds: from,
    rss_bytes_per_minute: perComponent((name) => perMinute((row) => row.rss_bytes[name])),
    freshness_ms_per_minute: perMinute((row) => row.freshness_ms),
    parts_per_minute: perMinute((row) => row.parts),
  };
}
