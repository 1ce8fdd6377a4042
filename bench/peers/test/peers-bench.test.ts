import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { findProgram } from '../../../pipeline/embedded/debian-program.ts';
import { PEERS } from '../peer.ts';
import { prometheusProgram, promtoolProgram, victoriaMetricsProgram } from '../peer-programs.ts';
import { benchPeers } from '../peers-bench.ts';
import { METRICS_MIN, STAGES } from '../peers-options.ts';
import { QUESTIONS } from '../question.ts';

/* What is stored is stored for good after a second instead of a minute. */
process.env['ROLLCALL_WRITER_CLOSING_SPAN'] = '1s';

const CACHE = fileURLToPath(new URL('../../../.cache/', import.meta.url));
const INTERVAL_MS = 1000;

t.setTimeout(300_000);

await t.test('three systems keep the same, and answer the same', async (t) => {
  const keepIn = t.testdir();
  t.teardown(() => rmSync(keepIn, { recursive: true, force: true }));
  const report = await benchPeers({
    programs: {
      nats: process.env['ROLLCALL_NATS_SERVER'] ?? 'nats-server',
      prometheus: await findProgram(prometheusProgram, CACHE, process.env['ROLLCALL_PROMETHEUS']),
      promtool: await findProgram(promtoolProgram, CACHE, process.env['ROLLCALL_PROMTOOL']),
      victoriaMetrics: await findProgram(victoriaMetricsProgram, CACHE),
    },
    keepIn,
    stages: new Set(STAGES),
    targets: 20,
    metrics: METRICS_MIN,
    intervalMs: INTERVAL_MS,
    seconds: 3,
    warmUpSeconds: 2,
    idleSeconds: 1,
    historyHosts: 6,
    historyMs: 3 * 60_000,
    queryRuns: 3,
    stillMs: 500,
    processes: { collector: 1, writer: 1, alerter: 1 },
    seed: 1,
    say: () => undefined,
  });
  t.same(report.problems, []);
  for (const name of PEERS) {
    const { ingest, disk, queries } = report.peers[name];
    t.ok(ingest!.cpu_us_per_sample > 0, `${name} has used CPU`);
    t.ok(ingest!.samples_stored > 0 && ingest!.rss_peak_bytes > 0);
    t.ok(ingest!.simulator_us_per_sample > 0);
    t.equal(disk!.samples_stored, 6 * 180 * METRICS_MIN, `${name} has all of the history`);
    t.ok(disk!.bytes > 0);
    for (const kind of QUESTIONS) t.equal(queries![kind].runs, 3);
    t.ok(report.versions[name], `the version of ${name} is known`);
  }
  const parts = report.peers.rollcall.ingest!.parts.map(({ part }) => part);
  t.same(parts, ['nats', 'clickhouse', 'collector', 'writer', 'alerter']);
});
