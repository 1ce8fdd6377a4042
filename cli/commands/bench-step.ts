import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import type { CatalogueKind } from '../../bench/fleet/fleet-protocol.ts';
import { SERIES_MIN } from '../../bench/fleet/synthetic-source.ts';
import { LOAD_WAITS } from '../../bench/load/load-options.ts';
import { LoadProgress } from '../../bench/report/load-progress.ts';
import { stepPage } from '../../bench/report/step-page.ts';
import { stepTable } from '../../bench/report/step-table.ts';
import { STEP_BOUNDS } from '../../bench/step/judge.ts';
import { benchStep } from '../../bench/step/step-bench.ts';
import { findProgram } from '../../pipeline/embedded/debian-program.ts';
import { natsServerProgram } from '../../pipeline/embedded/nats-server.ts';
import { tickInterval, wholeNumber } from '../flag-parsers.ts';
import { projectRoot } from '../project-root.ts';
import { canDraw, wantsColour } from '../up/dashboard.ts';
import { collectorsFor } from './bench-load.ts';

const CACHE = fileURLToPath(new URL('.cache/', projectRoot));

interface StepFlags {
  readonly from: number;
  readonly to: number;
  readonly metrics: number;
  readonly interval: number;
  readonly seconds: number;
  readonly warmUp: number;
  readonly collectors?: number;
  readonly rules?: string;
  readonly tls?: boolean;
  readonly catalogues: CatalogueKind;
  readonly freshnessMax: number;
  readonly alertLatencyMax: number;
  readonly seed: number;
  readonly natsServerPath?: string;
  readonly json?: string;
  readonly html?: string;
}

const GIVES = `
It gives when samples were lost, dropped, stored twice or changed, when frames were not sent at their time, when
freshness or alert latency is beyond its bound, when a queue grows, when the machine, a thread or the descriptors of
a process are used up, or when the system does not come up. The verdict names what was used up, if anything was.`;

export function stepCommand(): Command {
  return new Command('step')
    .description('Double the simulated servers until something gives, and say what gave.')
    .option('--from <number>', 'servers of the first step', wholeNumber(1, 1_000_000), 1000)
    .option('--to <number>', 'servers of the last step', wholeNumber(1, 1_000_000), 100_000)
    .option('--metrics <number>', 'series of each', wholeNumber(SERIES_MIN, 20_000), 200)
    .addOption(
      new Option('--interval <duration>', 'time between two frames of a server')
        .argParser(tickInterval)
        .default(5000, '5s'),
    )
    .option('--seconds <number>', 'how long each step is measured', wholeNumber(1, 86_400), 60)
    .option('--warm-up <seconds>', 'how long before that', wholeNumber(0, 86_400), 30)
    .option('--collectors <number>', 'collector processes (default: as needed)', wholeNumber(1, 64))
    .option('--rules <file>', "a rule file (default: the bench's own)")
    .option('--tls', 'mutual TLS between collectors and servers')
    .addOption(
      new Option('--catalogues <kind>', 'whether each server has series that name it')
        .choices(['shared', 'own'])
        .default('own'),
    )
    .option(
      '--freshness-max <ms>',
      'bound of freshness, p99',
      wholeNumber(0),
      STEP_BOUNDS.freshness_p99_ms_max,
    )
    .option(
      '--alert-latency-max <ms>',
      'bound of alert latency, p99',
      wholeNumber(0),
      STEP_BOUNDS.alert_latency_p99_ms_max,
    )
    .option('--seed <number>', 'of everything that is random', wholeNumber(0, 0xffff_ffff), 1)
    .option('--nats-server-path <path>', "a nats-server (default: PATH's, else Debian's)")
    .option('--json <file>', 'write the report as JSON')
    .option('--html <file>', 'write the report as a page, in one file')
    .addHelpText('after', GIVES)
    .action((flags: StepFlags) => runStep(flags));
}

async function runStep(flags: StepFlags): Promise<void> {
  const natsProgram = await findProgram(natsServerProgram, CACHE, flags.natsServerPath);
  const progress = new LoadProgress(process.stderr, canDraw(process.stderr));
  const command = ['rollcall', ...process.argv.slice(2)].join(' ');
  const report = await benchStep({
    from: flags.from,
    to: flags.to,
    bounds: {
      ...STEP_BOUNDS,
      freshness_p99_ms_max: flags.freshnessMax,
      alert_latency_p99_ms_max: flags.alertLatencyMax,
    },
    command,
    say: (text) => progress.say(text),
    onStep: ({ findings }) => {
      for (const { what, evidence } of findings) progress.say(`${what} gave: ${evidence}`);
    },
    loadOf: (agents) => ({
      keepIn: undefined,
      natsProgram,
      cacheDir: CACHE,
      agents,
      metrics: flags.metrics,
      intervalMs: flags.interval,
      seconds: flags.seconds,
      warmUpSeconds: flags.warmUp,
      processes: { collector: flags.collectors ?? collectorsFor(agents), writer: 1, alerter: 1 },
      rulesFile: flags.rules === undefined ? undefined : resolve(flags.rules),
      isTls: flags.tls === true,
      catalogues: flags.catalogues,
      seed: flags.seed,
      command,
      // What the simulator costs by itself is measured by a load run.
      waits: { ...LOAD_WAITS, simulatorMs: 0 },
      say: (text) => progress.say(text),
      onRow: (row) => progress.row(row),
    }),
  }).finally(() => progress.end());
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(report, null, 2)}\n`);
  if (flags.html !== undefined) writeFileSync(flags.html, stepPage(report));
  process.stdout.write(stepTable(report, { colour: wantsColour(process.stdout) }));
}
