import t from 'tap';
import type { IngestReport, PeerReport, PeersReport } from '../../peers/peers-report.ts';
import { STAGES } from '../../peers/peers-options.ts';
import { peersPage } from '../peers-page.ts';
import { peersTable } from '../peers-table.ts';
import { times } from '../peers-summary.ts';
import { madeUpReport } from './made-up-report.ts';

const MIB = 1024 * 1024;

function ingestOf(cpuUs: number, rssMib: number, parts: readonly string[]): IngestReport {
  return {
    seconds: 120,
    samples_expected: 24_000_000,
    samples_stored: 24_120_000,
    samples_per_second: 201_000,
    cpu_us_per_sample: cpuUs,
    cpu_us_per_sample_above_idle: cpuUs - 0.05,
    drain_us_per_sample: 0.031,
    idle_cores: 0.01,
    idle_rss_bytes: 20 * MIB,
    rss_peak_bytes: rssMib * MIB,
    rss_peak_bytes_per_target: (rssMib * MIB) / 5000,
    parts: parts.map((part) => ({
      part,
      cpu_us_per_sample: cpuUs / parts.length,
      idle_cores: 0.005,
      rss_peak_bytes: MIB,
    })),
    simulator_us_per_sample: 0.4,
  };
}

function peerOf(ingest: IngestReport, bytesPerSample: number, ms: number): PeerReport {
  const latency = { runs: 50, p50_ms: ms, p95_ms: 2 * ms, max_ms: 3 * ms };
  return {
    ingest,
    disk: {
      samples: 1_036_800_000,
      samples_stored: 1_036_800_000,
      bytes: 1_036_800_000 * bytesPerSample,
      bytes_per_sample: bytesPerSample,
      load_seconds: 1,
      rollup_bytes: 0,
      settle_seconds: 1,
    },
    queries: { range: latency, top: latency, host: latency, average: latency },
  };
}

function reportOf(changes: Partial<PeersReport> = {}): PeersReport {
  return {
    machine: madeUpReport({}).machine,
    versions: { prometheus: '2.42.0', 'victoria-metrics': '1.79.5' },
    targets: 5000,
    metrics: 200,
    interval_ms: 5000,
    seconds: 120,
    warm_up_seconds: 30,
    history_hosts: 300,
    history_hours: 24,
    rules: 30,
    stages: STAGES,
    peers: {
      prometheus: peerOf(ingestOf(2.5, 3000, ['prometheus']), 1.6, 12),
      'victoria-metrics': peerOf(ingestOf(3.6, 600, ['victoria-metrics']), 0.8, 9),
      rollcall: peerOf(ingestOf(0.5, 1500, ['nats', 'clickhouse']), 0.4, 6),
    },
    problems: [],
    ...changes,
  };
}

const tableOf = (changes?: Partial<PeersReport>): string =>
  peersTable(reportOf(changes), { colour: false });

await t.test('figures of three systems and two ratios in a line', (t) => {
  const table = tableOf();
  for (const expected of [
    /^5,000 targets × 200 metrics every 5 s$/m,
    /^one system after the other; 120 s measured after 30 s of warm-up; 300 hosts × 24 h of history; 30 rules/m,
    /^✓ every sample kept, every answer the same$/m,
    /^ +Prometheus +VictoriaMetrics +Rollcall +Prometheus ÷ +VictoriaMetrics ÷$/m,
    /^ {2}CPU, µs a sample +2\.500 +3\.600 +0\.500 +5\.00× +7\.20×$/m,
    /^ {2}idling, cores +0\.010 +0\.010 +0\.010$/m,
    /^ {2}memory, peak +2\.93 GiB +600 MiB +1\.46 GiB +2\.00× +0\.40×$/m,
    /^Disk, 1\.04G samples$/m,
    /^ {2}bytes a sample +1\.60 +0\.80 +0\.40 +4\.00× +2\.00×$/m,
    /^ {2}all metrics of one host now, p50 +12 ms +9 ms +6 ms +2\.00× +1\.50×$/m,
    /^ {2}clickhouse +0\.250 +0\.005 +1\.00 MiB$/m,
    /^ {2}drain +0\.031$/m,
    /^prometheus 2\.42\.0, victoria-metrics 1\.79\.5$/m,
  ]) {
    t.match(table, expected);
  }
  t.end();
});

await t.test('what is wrong is said, and what was not asked for is left out', (t) => {
  const table = tableOf({ problems: ['top: rollcall and prometheus differ: a is missing'] });
  t.match(table, /^✗ 1 problem$/m);
  t.match(table, /^top: rollcall and prometheus differ: a is missing$/m);
  const { peers } = reportOf();
  const bare = {
    prometheus: { disk: peers.prometheus.disk! },
    'victoria-metrics': { disk: peers['victoria-metrics'].disk! },
    rollcall: { disk: peers.rollcall.disk! },
  };
  const partial = tableOf({ stages: ['disk'], peers: bare });
  t.match(partial, /^✓ every sample kept$/m);
  t.notMatch(partial, /Ingest|Queries|parts|NaN|undefined/);
  t.end();
});

await t.test('the page has the figures of the table and loads nothing', (t) => {
  const html = peersPage(reportOf({ problems: ['<b>wrong</b>'] }));
  for (const expected of [
    '<h1>5,000 targets × 200 metrics every 5 s</h1>',
    '<th>VictoriaMetrics ÷ Rollcall</th>',
    '<th scope="row">CPU, µs a sample</th><td>2.500</td><td>3.600</td><td>0.500</td><td>5.00×</td><td>7.20×</td>',
    '<td>0.250</td>',
    '&lt;b&gt;wrong&lt;/b&gt;',
  ]) {
    t.ok(html.includes(expected), expected);
  }
  t.notMatch(html, /\b(src|href)="(?!data:)/);
  t.end();
});

await t.test('ratios have three digits at most', (t) => {
  t.same([0.123, 5.4, 12.34, NaN, Infinity, undefined].map(times), [
    '0.12×',
    '5.40×',
    '12×',
    '',
    '',
    '',
  ]);
  t.end();
});
