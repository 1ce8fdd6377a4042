import t from 'tap';
import { madeUpReport } from '../../report/test/made-up-report.ts';
import { perComponent } from '../load-watch.ts';
import type { TimelineRow } from '../load-report.ts';
import { trendOf } from '../trend.ts';

const SECONDS = 600;
const [row] = madeUpReport().timeline;

/** Memory that fills for the first half and then grows by 10 bytes a second; the drain is not to count. */
const timeline: TimelineRow[] = Array.from({ length: SECONDS + 100 }, (_, seconds) => ({
  ...row!,
  seconds,
  freshness_ms: seconds % 7 === 0 ? undefined : 800 - seconds / 60,
  parts: 9,
  rss_bytes: {
    ...perComponent(() => (seconds > SECONDS ? 1e9 : Math.min(seconds, 300) * 1e6 + seconds * 10)),
    simulator: 0,
  },
}));

await t.test('only the second half of a long measurement is looked at', async (t) => {
  const trend = trendOf(timeline, SECONDS)!;
  t.equal(trend.from_seconds, SECONDS / 2);
  t.match(trend.rss_bytes_per_minute.writer.toFixed(3), '600.000');
  t.match(trend.freshness_ms_per_minute.toFixed(3), '-1.000', 'rows without a figure are no 0');
  t.equal(trend.parts_per_minute, 0);
});

await t.test('a short measurement has none', async (t) => {
  t.equal(trendOf(timeline, 299), null);
});
