import t from 'tap';
import { storageTables } from '../../report/storage-tables.ts';
import { laidOut, LAYOUTS, layoutsNamed } from '../layout.ts';
import { benchStorage } from '../storage-bench.ts';

const HOSTS = 2;
const METRICS = 110;
const MINUTES = 60;

await t.test('a layout changes the statement, or says that it cannot', (t) => {
  const [own, hours] = layoutsNamed(['schema', 'hour-partition']);
  const create = 'CREATE TABLE series_minutes … PARTITION BY toDate(minute) ORDER BY x';
  t.equal(laidOut(create, own!), create);
  t.match(laidOut(create, hours!), 'PARTITION BY toStartOfHour(minute)');
  t.throws(() => laidOut('CREATE TABLE other', hours!), { code: 'clickhouse_failed' });
  t.throws(() => layoutsNamed(['day']), { code: 'usage', message: /day; there are schema, hour-/ });
  t.end();
});

await t.test('a history is kept in every layout, and rolled up', async (t) => {
  const report = await benchStorage({
    hosts: HOSTS,
    metrics: METRICS,
    intervalMs: 5000,
    minutes: MINUTES,
    slices: 1,
    layouts: LAYOUTS,
    stillMs: 200,
    seed: 1,
    say: () => undefined,
  });
  t.equal(report.samples, HOSTS * METRICS * MINUTES * 12);
  t.same(
    report.layouts.map(({ name }) => name),
    LAYOUTS.map(({ name }) => name),
  );
  for (const layout of report.layouts) {
    t.equal(layout.parts_inserted, MINUTES, layout.name);
    t.ok(layout.parts > 0 && layout.parts <= layout.parts_inserted, `${layout.parts} parts`);
    t.ok(layout.bytes_per_sample_merged > 0.1 && layout.bytes_per_sample_merged < 8);
    t.ok(Object.values(layout.query_ms).every((ms) => ms > 0));
  }
  t.ok(report.frames_bytes_per_sample > 0);
  const { rollups } = report;
  // The newest closing is not settled yet.
  t.equal(rollups.samples, HOSTS * METRICS * 12 * (MINUTES - 1));
  t.ok(rollups.bytes_per_series_minute > 0.5 && rollups.bytes_per_series_minute < 40);
  t.ok(rollups.bytes_per_series_hour > 1 && rollups.bytes_per_series_hour < 100);
  for (const { head, rows } of storageTables(report)) {
    for (const row of rows) t.equal(row.length, head.length);
  }
  t.notMatch(JSON.stringify(storageTables(report)), /NaN|undefined|Infinity/);
});
