import t from 'tap';
import type { Test } from 'tap';
import { loadPage } from '../../report/load-page.ts';
import { loadTable } from '../../report/load-table.ts';
import { benchLoad } from '../load-bench.ts';
import type { LoadBenchOptions } from '../load-options.ts';
import { COMPONENTS, MEMBERS } from '../load-report.ts';
import type { LoadReport, TimelineRow } from '../load-report.ts';

/* What is stored is stored for good after a second instead of a minute. */
process.env['ROLLCALL_WRITER_CLOSING_SPAN'] = '1s';
process.env['ROLLCALL_WRITER_FLUSH_INTERVAL'] = '200ms';

const AGENTS = 50;
const METRICS = 40;
const INTERVAL_MS = 1000;
const SECONDS = 6;

function load(
  changes: Pick<LoadBenchOptions, 'isTls' | 'catalogues' | 'waits'>,
  onRow: (row: TimelineRow) => void = () => undefined,
): Promise<LoadReport> {
  return benchLoad({
    keepIn: undefined,
    natsProgram: process.env['ROLLCALL_NATS_SERVER'] ?? 'nats-server',
    cacheDir: '',
    agents: AGENTS,
    metrics: METRICS,
    intervalMs: INTERVAL_MS,
    seconds: SECONDS,
    warmUpSeconds: 1,
    processes: { collector: 1, writer: 1, alerter: 1 },
    rulesFile: undefined,
    seed: 1,
    command: 'a test',
    say: () => undefined,
    onRow,
    ...changes,
  });
}

/** What a report is made of, by name; a number where one was measured. */
const quantiles = { count: Number, p50: Number, p99: Number, max: Number };
const perComponent = Object.fromEntries(COMPONENTS.map((name) => [name, Number]));
const perMember = Object.fromEntries(MEMBERS.map((name) => [name, Number]));
const SHAPE = {
  machine: {
    cores: Number,
    cpu: String,
    memory_bytes: Number,
    kernel: String,
    versions: { node: String, nats: String, clickhouse: String, rollcall: String },
    commit: String,
  },
  started_at: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
  command: 'a test',
  seed: 1,
  agents: AGENTS,
  metrics: METRICS,
  interval_ms: INTERVAL_MS,
  seconds: Number,
  warm_up_seconds: 1,
  drain_seconds: Number,
  tls: Boolean,
  catalogues: String,
  processes: { collector: 1, writer: 1, alerter: 1 },
  rules: 30,
  samples_per_second: Number,
  samples_sent: Number,
  samples_stored: Number,
  samples_dropped: 0,
  samples_lost: 0,
  samples_duplicated: 0,
  samples_changed: 0,
  ticks_skipped: Number,
  cpu_us_per_sample: {
    ...perComponent,
    clickhouse_drain: Number,
    total: Number,
    simulator: Number,
  },
  rss_peak_bytes: { ...perComponent, total: Number, simulator: Number },
  collector_bytes_per_connection: Number,
  trend: null,
  machine_busy_share: Number,
  busiest_thread_share: perMember,
  descriptors: Object.fromEntries(MEMBERS.map((name) => [name, { open: Number, limit: Number }])),
  wire_bytes_per_sample: Number,
  disk_bytes_per_sample: Number,
  parts: Number,
  freshness_ms: quantiles,
  alert_latency_ms: quantiles,
  pages: { paged: Number, missed: 0, repeated: 0, false: 0 },
  timeline: Array,
};
const ROW_SHAPE = {
  seconds: Number,
  samples_sent_per_second: Number,
  samples_stored_per_second: Number,
  cpu_cores: { ...perComponent, simulator: Number, machine: Number },
  rss_bytes: { ...perComponent, simulator: Number },
  queue_bytes: { rings: Number, collector: Number, streams: Number, writer: Number },
  alerter_lag_messages: Number,
  parts: Number,
};

function isSound(test: Test, report: LoadReport): void {
  const json = JSON.parse(JSON.stringify(report)) as LoadReport;
  test.match(json, SHAPE);
  test.same(Object.keys(json).toSorted(), Object.keys(SHAPE).toSorted(), 'and nothing else');
  for (const row of json.timeline) test.match(row, ROW_SHAPE);
  test.ok(json.timeline.length > 0);
  test.ok(json.samples_sent >= AGENTS * METRICS * SECONDS, 'every agent at every tick');
  test.equal(json.samples_stored, json.samples_sent);
  test.equal(json.samples_sent % METRICS, 0);
  test.ok(json.freshness_ms.count > 0);
  test.ok(json.pages.paged > 0);
  test.equal(json.alert_latency_ms.count, json.pages.paged);
  test.ok(json.collector_bytes_per_connection > 0);
  test.ok(json.descriptors.collector.open > AGENTS);
}

await t.test('over TLS every sample is stored once and every breach paged', async (t) => {
  const rows: TimelineRow[] = [];
  const waits = { simulatorMs: 1000, mergesStillMs: 1000 };
  const options = { isTls: true, catalogues: 'own', waits } as const;
  const report = await load(options, (row) => rows.push(row));
  isSound(t, report);
  t.equal(report.tls, true);
  t.equal(report.catalogues, 'own');
  t.ok(Number.isFinite(report.cpu_us_per_sample.machine));
  t.same(rows, report.timeline, 'what is shown while it runs is what is reported');
  const page = loadPage(report);
  t.notMatch(page, /<(?:script|img|iframe|link)[^>]*\s(?:src|href)="(?!data:)/i);
  t.notMatch(page, /@import|url\(/);
  t.match(page, 'every sample stored once, unchanged');
  t.match(loadTable(report, { colour: false }), /^✓ every sample stored once, unchanged$/m);
});

await t.test('without TLS as well, and what was not measured is null', async (t) => {
  const waits = { simulatorMs: 0, mergesStillMs: 1000 };
  const report = await load({ isTls: false, catalogues: 'shared', waits });
  isSound(t, report);
  t.equal(report.tls, false);
  t.equal(report.catalogues, 'shared');
  t.ok(Number.isNaN(report.cpu_us_per_sample.machine));
});
