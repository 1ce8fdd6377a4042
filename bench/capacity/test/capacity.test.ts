import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { COMPONENTS } from '../../load/load-report.ts';
import type { LoadReport } from '../../load/load-report.ts';
import {
  capacityTables,
  capacityVerdict,
  checkTable,
  markdown,
} from '../../report/capacity-tables.ts';
import { madeUpReport } from '../../report/test/made-up-report.ts';
import { checkAgainst } from '../check.ts';
import { coefficientsOf as fittedTo, storageCoefficientsOf } from '../coefficients.ts';
import type { Coefficients } from '../coefficients.ts';
import { fitted } from '../fit.ts';
import { coefficientsIn, loadReportsIn, storageReportIn } from '../input.ts';
import { planOf, totalOf } from '../plan.ts';
import type { CapacityQuestion } from '../plan.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const FIXED_CORES = 0.02;
const US_PER_FRAME = 8;
const US_PER_SAMPLE = 0.05;

/** A run of a system that follows the model exactly. */
function run(agents: number, metrics = 200): LoadReport {
  const standard = madeUpReport();
  const frames = agents / 5;
  const rate = frames * metrics;
  const us = (FIXED_CORES * 1e6 + US_PER_FRAME * frames + US_PER_SAMPLE * rate) / rate;
  const peak = Object.fromEntries(COMPONENTS.map((name) => [name, 100 * MIB + 5000 * agents]));
  return madeUpReport({
    agents,
    metrics,
    samples_per_second: rate,
    cpu_us_per_sample: {
      ...standard.cpu_us_per_sample,
      ...Object.fromEntries(COMPONENTS.map((name) => [name, us])),
      clickhouse_drain: 0,
    },
    rss_peak_bytes: { ...standard.rss_peak_bytes, ...peak },
    busiest_thread_share: { collector: rate / 2e6, writer: rate / 4e6, alerter: rate / 8e6 },
    descriptors: {
      ...standard.descriptors,
      collector: { open: agents, limit: 20_000 },
    },
  });
}

const STORAGE = {
  bytes_per_sample: 0.8,
  bytes_per_series_minute: 3.5,
  bytes_per_series_hour: 10,
  rollup_us_per_sample: 0.06,
};
const coefficientsOf = (reports: LoadReport[]): Coefficients => fittedTo(reports, STORAGE);

const question: CapacityQuestion = {
  hosts: 1_000_000,
  metrics: 200,
  interval_ms: 5000,
  retention_days: { samples: 7, minutes: 90, hours: 1095 },
  headroom: 0.5,
  stream_replicas: 1,
  shard_replicas: 1,
  node: {
    cores: 16,
    memory_bytes: 64 * GIB,
    disk_bytes: 4096 * GIB,
    network_bytes_per_second: 1.25e9,
  },
};

const near = (
  test: { ok: (is: boolean, what: string) => unknown },
  a: number,
  b: number,
): unknown => test.ok(Math.abs(a - b) <= 1e-6 * Math.abs(b) + 1e-9, `${a} is about ${b}`);

await t.test('a fit finds what the values were made of, and nothing below 0', (t) => {
  const points = [
    [1, 2, 3],
    [1, 5, 1],
    [1, 7, 9],
    [1, 1, 1],
  ].map((row) => ({ row, value: 4 + 0.5 * row[1]! + 2 * row[2]! }));
  for (const [i, each] of fitted(points).entries()) near(t, each, [4, 0.5, 2][i]!);
  const falling = [1, 2, 3].map((x) => ({ row: [1, x], value: 10 - x }));
  t.ok(fitted(falling).every((each) => each >= 0));
  t.equal(fitted(falling)[1], 0);
  t.same(fitted([]), []);
  const twins = [1, 2].map((x) => ({ row: [x, x], value: 3 * x }));
  near(
    t,
    fitted(twins).reduce((sum, each) => sum + each, 0),
    3,
  );
  t.end();
});

await t.test('frames are told from samples where they had different numbers of them', (t) => {
  const { cpu, memory } = coefficientsOf([run(1000), run(4000), run(2000, 50), run(1000, 800)]);
  near(t, cpu.collector.fixed_cores, FIXED_CORES);
  near(t, cpu.collector.us_per_frame, US_PER_FRAME);
  near(t, cpu.collector.us_per_sample, US_PER_SAMPLE);
  near(t, memory.writer.fixed_bytes, 100 * MIB);
  near(t, memory.writer.bytes_per_agent, 5000);
  const { cpu: same } = coefficientsOf([run(1000), run(4000)]);
  t.equal(same.nats.us_per_frame, 0);
  near(t, same.nats.us_per_sample, US_PER_SAMPLE + US_PER_FRAME / 200);
  t.end();
});

await t.test('one rate, or runs that differ in kind, tell nothing', (t) => {
  const code = 'capacity_input';
  t.throws(() => coefficientsOf([]), { code });
  t.throws(() => coefficientsOf([run(1000), run(1000)]), { code });
  t.throws(() => coefficientsOf([run(1000), { ...run(2000), tls: true }]), { code });
  t.end();
});

await t.test('a million hosts', (t) => {
  const coefficients = coefficientsOf([run(1000), run(4000)]);
  const plan = planOf(question, coefficients);
  t.equal(plan.samples_per_second, 40_000_000);
  const byName = new Map(plan.components.map((each) => [each.component, each]));
  // 1 descriptor a host, 10,000 of 20,000 usable: 100. A thread does 2M samples/s, half of it usable: 40.
  t.match(byName.get('collector'), { count: 100, binds: 'descriptors' });
  t.match(byName.get('writer'), { count: 20, binds: 'CPU of a thread' });
  t.match(byName.get('alerter'), { count: 10, binds: 'CPU of a thread' });
  const working = (40e6 * (US_PER_SAMPLE + US_PER_FRAME / 200)) / 1e6;
  near(t, byName.get('writer')!.cores, working + 20 * FIXED_CORES);
  near(t, byName.get('collector')!.memory_bytes, 100 * 100 * MIB + 5e9);
  const disk = totalOf(plan.disk_bytes);
  near(t, plan.disk_bytes.samples, 40e6 * 7 * 86_400 * 0.8);
  near(t, plan.disk_bytes.minutes, 200e6 * 90 * 1440 * 3.5);
  near(t, plan.disk_bytes.hours, 200e6 * 1095 * 24 * 10);
  const clickhouse = byName.get('clickhouse')!;
  near(t, clickhouse.cores, working + 40 * 0.06 + clickhouse.count * FIXED_CORES);
  t.equal(byName.get('clickhouse')!.count, Math.ceil(disk / (2048 * GIB)));
  t.equal(byName.get('clickhouse')!.binds, 'disk');
  t.equal(plan.binds, 'disk');
  t.match(capacityVerdict(plan), /^disk binds: \d+ machines of this size$/);
  t.end();
});

await t.test('more of anything never needs less', (t) => {
  const coefficients = coefficientsOf([run(1000), run(4000)]);
  const base = planOf(question, coefficients);
  const { node } = question;
  for (const more of [
    { hosts: 2_000_000 },
    { metrics: 400 },
    { interval_ms: 1000 },
    { headroom: 0.8 },
    { stream_replicas: 3, shard_replicas: 2 },
    { retention_days: { samples: 30, minutes: 90, hours: 1095 } },
    { retention_days: { samples: 7, minutes: 365, hours: 3650 } },
    { node: { ...node, cores: 4, memory_bytes: 8 * GIB } },
  ]) {
    const plan = planOf({ ...question, ...more }, coefficients);
    for (const [i, { count }] of plan.components.entries()) {
      t.ok(count >= base.components[i]!.count);
    }
    t.ok(Math.max(...plan.nodes.map(({ count }) => count)) >= base.nodes[0]!.count);
  }
  t.equal(planOf({ ...question, hosts: 1 }, coefficients).components[0]!.count, 1);
  t.end();
});

await t.test('the model is held against runs', (t) => {
  const coefficients = coefficientsOf([run(1000), run(4000)]);
  const predictions = checkAgainst(coefficients, [run(2000)]);
  t.equal(predictions.length, 2 * COMPONENTS.length);
  for (const { error } of predictions) t.ok(Math.abs(error) < 1e-6);
  const slower = { ...run(2000), rss_peak_bytes: { ...run(2000).rss_peak_bytes, nats: 55e6 } };
  const off = checkAgainst(coefficients, [slower]).find(
    ({ component, figure }) => component === 'nats' && figure === 'memory_bytes',
  );
  near(t, off!.error, (100 * MIB + 5000 * 2000) / 55e6 - 1);
  t.match(markdown(checkTable(predictions)), /^\| collector \| 2,000 \| cores \|/m);
  t.end();
});

await t.test('its tables are for a document too', (t) => {
  const coefficients = coefficientsOf([run(1000), run(4000)]);
  const tables = capacityTables(planOf(question, coefficients), coefficients);
  for (const { head, rows } of tables) for (const row of rows) t.equal(row.length, head.length);
  const text = tables.map((table) => markdown(table)).join('\n');
  t.match(text, /^\| collectors \| 100 \| descriptors \| /m);
  t.match(text, /^\| hosts \| 1,000,000 \|$/m);
  t.notMatch(text, /NaN|undefined|Infinity/);
  t.end();
});

await t.test('reports come from files of both kinds, and others are refused', (t) => {
  const folder = t.testdir();
  const file = (name: string, content: unknown): string => {
    const path = join(folder, name);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };
  t.equal(loadReportsIn(file('load.json', run(1000))).length, 1);
  const steps = { steps: [{ load: run(1000) }, { load: run(2000) }, { load: null }] };
  t.same(
    loadReportsIn(file('step.json', steps)).map(({ agents }) => agents),
    [1000, 2000],
  );
  const kept = coefficientsOf(loadReportsIn(join(folder, 'step.json')));
  t.same(coefficientsIn(file('kept.json', kept)), JSON.parse(JSON.stringify(kept)));
  for (const wrong of ['{', '1', '{}', '{"steps":[]}', '{"steps":[{"load":{}}]}']) {
    t.throws(() => loadReportsIn(file('wrong.json', wrong)), { code: 'capacity_input' });
  }
  const storage = {
    layouts: [{ bytes_per_sample_merged: 0.7 }],
    frames_bytes_per_sample: 0.1,
    rollups: {
      cpu_us_per_sample: 0.05,
      merge_us_per_sample: 0.01,
      bytes_per_series_minute: 3.5,
      bytes_per_series_hour: 10,
    },
  };
  const read = storageCoefficientsOf(storageReportIn(file('storage.json', storage)));
  for (const [name, value] of Object.entries(STORAGE)) {
    near(t, read[name as keyof typeof STORAGE], value);
  }
  t.throws(() => storageReportIn(join(folder, 'load.json')), { code: 'capacity_input' });
  t.throws(() => coefficientsIn(join(folder, 'load.json')), { code: 'capacity_input' });
  t.throws(() => coefficientsIn(join(folder, 'missing.json')), { code: 'capacity_input' });
  t.end();
});
