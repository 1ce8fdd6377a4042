import t from 'tap';
import { RollcallError } from '../../../pipeline/error.ts';
import type { LoadBenchOptions } from '../../load/load-options.ts';
import type { LoadReport } from '../../load/load-report.ts';
import { stepPage } from '../../report/step-page.ts';
import { stepTable } from '../../report/step-table.ts';
import { madeUpReport } from '../../report/test/made-up-report.ts';
import { STEP_BOUNDS } from '../judge.ts';
import { benchStep } from '../step-bench.ts';
import type { StepBenchOptions } from '../step-bench.ts';
import type { StepBounds } from '../step-report.ts';

/* What is stored is stored for good after a second instead of a minute. */
process.env['ROLLCALL_WRITER_CLOSING_SPAN'] = '1s';
process.env['ROLLCALL_WRITER_FLUSH_INTERVAL'] = '200ms';

const loadOf = (agents: number): LoadBenchOptions => ({
  keepIn: undefined,
  natsProgram: process.env['ROLLCALL_NATS_SERVER'] ?? 'nats-server',
  cacheDir: '',
  agents,
  metrics: 40,
  intervalMs: 1000,
  seconds: 8,
  warmUpSeconds: 1,
  processes: { collector: 1, writer: 1, alerter: 1 },
  rulesFile: undefined,
  isTls: false,
  catalogues: 'own',
  seed: 1,
  command: 'a test',
  waits: { simulatorMs: 0, mergesStillMs: 500 },
  say: () => undefined,
  onRow: () => undefined,
});

const options = (bounds: Partial<StepBounds>): StepBenchOptions => ({
  from: 10,
  to: 50,
  bounds: { ...STEP_BOUNDS, ...bounds },
  command: 'a test',
  say: () => undefined,
  loadOf,
  onStep: () => undefined,
});

/** So many agents are carried, and no more. */
const carries =
  (most: number) =>
  ({ agents }: LoadBenchOptions): Promise<LoadReport> => {
    const rate = madeUpReport().samples_per_second;
    const { agents: standard } = madeUpReport();
    const changes = { agents, samples_per_second: (rate * agents) / standard };
    return Promise.resolve(madeUpReport({ ...changes, samples_lost: agents > most ? 1 : 0 }));
  };

await t.test('agents are doubled until something gives', async (t) => {
  const report = await benchStep(options({}), carries(20));
  t.same(
    report.steps.map(({ agents }) => agents),
    [10, 20, 40],
  );
  t.equal(report.agents_carried, 20);
  t.equal(report.agents_gave, 40);
  t.match(report.verdict, /^at 40 agents gave samples lost \(1\)/);
  const table = stepTable(report, { colour: false });
  t.match(table, /^! at 40 agents gave/m);
  t.equal(table.match(/^ +\d+ +\d/gm)?.length, 3);
  const page = stepPage(report);
  t.notMatch(page, /<(?:script|img|iframe|link)[^>]*\s(?:src|href)="(?!data:)/i);
  t.match(page, '<b>samples lost</b> 1');
});

await t.test('the last number is tried, and where nothing gives that is said', async (t) => {
  const report = await benchStep(options({}), carries(100));
  t.same(
    report.steps.map(({ agents }) => agents),
    [10, 20, 40, 50],
  );
  t.equal(report.agents_carried, 50);
  t.equal(report.agents_gave, null);
  t.equal(report.verdict, 'nothing gave up to 50 agents');
});

await t.test('a system that does not come up has given; other failures are failures', async (t) => {
  const report = await benchStep(options({}), async () => {
    throw new RollcallError('not_started', 'only 7 of 10');
  });
  t.equal(report.agents_carried, 0);
  t.equal(report.machine, null);
  t.match(report.verdict, 'at 10 agents gave start (not_started: only 7 of 10)');
  t.match(stepTable(report, { colour: false }), /^ +10 +–/m);
  t.match(stepPage(report), 'only 7 of 10');
  await t.rejects(
    benchStep(options({}), async () => {
      throw new RollcallError('rules_invalid', 'line 3');
    }),
    { code: 'rules_invalid' },
  );
});

await t.test(
  'with real servers a bound that nobody can keep gives at the first step',
  async (t) => {
    const steps: number[] = [];
    const report = await benchStep({
      ...options({ freshness_p99_ms_max: 0 }),
      onStep: ({ agents }) => steps.push(agents),
    });
    t.same(steps, [10]);
    t.equal(report.agents_carried, 0);
    t.equal(report.agents_gave, 10);
    t.equal(report.steps[0]!.load!.samples_lost, 0);
    t.ok(report.steps[0]!.findings.some(({ what }) => what === 'freshness'));
    t.match(report.verdict, 'freshness (p99 ');
  },
);
