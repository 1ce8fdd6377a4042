import t from 'tap';
import type { LoadReport } from '../../load/load-report.ts';
import { madeUpReport } from '../../report/test/made-up-report.ts';
import type { Step } from '../step-report.ts';
import { judge, STEP_BOUNDS, verdictOf } from '../judge.ts';

const whatOf = (changes: Partial<LoadReport>): string[] =>
  judge(madeUpReport(changes), STEP_BOUNDS).map(({ kind, what }) => `${kind}: ${what}`);

const good = madeUpReport();

await t.test('a run within all bounds gave nothing', (t) => {
  t.same(judge(good, STEP_BOUNDS), []);
  t.end();
});

const CASES: readonly (readonly [Partial<LoadReport>, string[]])[] = [
  [{ samples_lost: 1 }, ['symptom: samples lost']],
  [{ samples_dropped: 200 }, ['symptom: samples dropped']],
  [{ samples_duplicated: 1 }, ['symptom: samples duplicated']],
  [{ samples_per_second: good.samples_per_second * 0.99 }, ['symptom: ticks missed']],
  [{ freshness_ms: { count: 9, p50: 1, p99: 8001, max: 9000 } }, ['symptom: freshness']],
  [{ freshness_ms: { count: 0, p50: NaN, p99: NaN, max: NaN } }, []],
  [{ alert_latency_ms: { count: 9, p50: 1, p99: 1001, max: 2000 } }, ['symptom: alert latency']],
  [{ machine_busy_share: 0.96 }, ['resource: machine CPU']],
  [
    { busiest_thread_share: { collector: 0.99, writer: 0.2, alerter: 0.96 } },
    ['resource: collector thread', 'resource: alerter thread'],
  ],
  [
    { descriptors: { ...good.descriptors, collector: { open: 19_500, limit: 20_000 } } },
    ['resource: collector descriptors'],
  ],
];

await t.test('each bound has its finding', (t) => {
  for (const [changes, expected] of CASES) t.same(whatOf(changes), expected);
  t.end();
});

function withStreams(of: (seconds: number, seen: number) => number): Partial<LoadReport> {
  const timeline = good.timeline.map((row) => ({
    ...row,
    queue_bytes: { ...row.queue_bytes, streams: of(row.seconds, row.queue_bytes.streams) },
  }));
  return { timeline };
}

await t.test(
  'a queue that grows is told from one that is long, or only seen after the load',
  (t) => {
    const bytesPerSecond = good.samples_per_second * good.wire_bytes_per_sample;
    const growing = withStreams((seconds) => Math.max(0, seconds) * bytesPerSecond * 0.2);
    t.same(whatOf(growing), ['symptom: queue of streams growing']);
    t.same(whatOf(withStreams(() => 100 * bytesPerSecond)), []);
    t.same(whatOf(withStreams((seconds, seen) => (seconds > good.seconds + 1 ? 1e12 : seen))), []);
    t.end();
  },
);

function step(changes: Partial<LoadReport>): Step {
  const load = madeUpReport(changes);
  return { agents: load.agents, load, findings: judge(load, STEP_BOUNDS) };
}

await t.test('the verdict names the resource first and the numbers', (t) => {
  const slow = { freshness_ms: { count: 9, p50: 1, p99: 9000, max: 9000 } };
  t.equal(verdictOf([step({})]), 'nothing gave up to 10000 agents');
  t.equal(
    verdictOf([step({}), step({ ...slow, machine_busy_share: 0.97 })]),
    'at 10000 agents gave machine CPU (97.0% of 2 cores busy, bound 95.0%); ' +
      'noticed as freshness (p99 9000 ms, bound 8000 ms)',
  );
  t.equal(
    verdictOf([step(slow)]),
    'at 10000 agents gave freshness (p99 9000 ms, bound 8000 ms); no resource was used up: ' +
      'machine 31.0% busy, busiest threads collector 7.0%, writer 5.0%, alerter 3.0% of a core',
  );
  t.end();
});
