import { accessSync, constants, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { METRICS_MIN, STAGES } from '../../bench/peers/peers-options.ts';
import type { PeerPrograms, Stage } from '../../bench/peers/peers-options.ts';
import { benchPeers } from '../../bench/peers/peers-bench.ts';
import {
  prometheusProgram,
  promtoolProgram,
  victoriaMetricsProgram,
} from '../../bench/peers/peer-programs.ts';
import { peersPage } from '../../bench/report/peers-page.ts';
import { peersTable } from '../../bench/report/peers-table.ts';
import { findProgram } from '../../pipeline/embedded/debian-program.ts';
import { natsServerProgram } from '../../pipeline/embedded/nats-server.ts';
import { reasonOf, RollcallError } from '../../pipeline/error.ts';
import { projectRoot } from '../project-root.ts';
import { wantsColour } from '../up/dashboard.ts';
import { tickInterval, wholeNumber } from '../flag-parsers.ts';

const CACHE = fileURLToPath(new URL('.cache/', projectRoot));
/** A process may have 20,000 open files on many machines; what is left is for everything but targets. */
const TARGETS_PER_COLLECTOR = 18_000;
const IDLE_SECONDS = 20;
const QUERY_RUNS = 50;
/** Prometheus looks for something to compact once a minute. */
const STILL_MS = 75_000;
const HOUR_MS = 3_600_000;

interface PeersFlags {
  readonly targets: number;
  readonly metrics: number;
  readonly interval: number;
  readonly seconds: number;
  readonly warmUp: number;
  readonly only?: Stage;
  readonly historyHosts: number;
  readonly historyHours: number;
  readonly seed: number;
  readonly natsServerPath?: string;
  readonly prometheusPath?: string;
  readonly promtoolPath?: string;
  readonly victoriaMetricsPath?: string;
  readonly json?: string;
  readonly html?: string;
  readonly keep?: string;
}

const MEASURED = `
Stages; all of them unless --only names one:
  ingest    CPU a sample and memory of each system while it watches the whole fleet, and without targets
  disk      bytes a sample after the same history was given to each, and merged
  queries   how long dashboards wait, about that history and about now, while the whole fleet is watched;
            answers must be the same: exit status 1 if they are not, or if samples are missing

Ratios are a peer's figure divided by Rollcall's. docs/peers.md says how everything is configured and
what is not compared. The history of 300 hosts and 24 hours is a billion samples: it takes hours.`;

export function peersCommand(): Command {
  return new Command('peers')
    .description(
      'Give the same simulated servers to Prometheus, VictoriaMetrics and Rollcall, one after the ' +
        'other, and compare what that takes.',
    )
    .option('--targets <number>', 'simulated servers', wholeNumber(1, 1_000_000), 1000)
    .option('--metrics <number>', 'series of each', wholeNumber(METRICS_MIN, 20_000), 200)
    .addOption(
      new Option('--interval <duration>', 'time between two ticks of a server')
        .argParser(tickInterval)
        .default(5000, '5s'),
    )
    .option('--seconds <number>', 'how long each is measured', wholeNumber(1, 86_400), 60)
    .option('--warm-up <seconds>', 'how long before that', wholeNumber(0, 86_400), 30)
    .addOption(new Option('--only <stage>', 'one stage instead of all').choices(STAGES))
    .option('--history-hosts <number>', 'servers with a history', wholeNumber(1, 100_000), 300)
    .option('--history-hours <number>', 'how long that is', wholeNumber(1, 72), 24)
    .option('--seed <number>', 'of everything that is random', wholeNumber(0, 0xffff_ffff), 1)
    .option('--nats-server-path <path>', "a nats-server (default: PATH's, else Debian's)")
    .option('--prometheus-path <path>', "a prometheus (default: PATH's, else Debian's)")
    .option('--promtool-path <path>', "a promtool (default: PATH's, else Debian's)")
    .option('--victoria-metrics-path <path>', "a victoria-metrics (default: PATH's, else Debian's)")
    .option('--json <file>', 'write the report as JSON')
    .option('--html <file>', 'write the report as a page, in one file')
    .option('--keep <folder>', 'keep data and logs there')
    .addHelpText('after', MEASURED)
    .action((flags: PeersFlags) => runPeers(flags));
}

async function runPeers(flags: PeersFlags): Promise<void> {
  for (const name of ['json', 'html'] as const) {
    const file = flags[name];
    if (file !== undefined) mustBeWritable(dirname(resolve(file)), `--${name}`);
  }
  const report = await benchPeers({
    programs: await findPrograms(flags),
    keepIn: flags.keep === undefined ? undefined : resolve(flags.keep),
    stages: new Set(flags.only === undefined ? STAGES : [flags.only]),
    targets: flags.targets,
    metrics: flags.metrics,
    intervalMs: flags.interval,
    seconds: flags.seconds,
    warmUpSeconds: flags.warmUp,
    idleSeconds: IDLE_SECONDS,
    historyHosts: flags.historyHosts,
    historyMs: flags.historyHours * HOUR_MS,
    queryRuns: QUERY_RUNS,
    stillMs: STILL_MS,
    processes: {
      collector: Math.ceil(flags.targets / TARGETS_PER_COLLECTOR),
      writer: 1,
      alerter: 1,
    },
    seed: flags.seed,
    say: (progress) => process.stderr.write(`${progress} …\n`),
  });
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(report, null, 2)}\n`);
  if (flags.html !== undefined) writeFileSync(flags.html, peersPage(report));
  process.stdout.write(peersTable(report, { colour: wantsColour(process.stdout) }));
  if (report.problems.length > 0) {
    throw new RollcallError('comparison_differs', report.problems.join('; '));
  }
}

async function findPrograms(flags: PeersFlags): Promise<PeerPrograms> {
  return {
    nats: await findProgram(natsServerProgram, CACHE, flags.natsServerPath),
    prometheus: await findProgram(prometheusProgram, CACHE, flags.prometheusPath),
    promtool: await findProgram(promtoolProgram, CACHE, flags.promtoolPath),
    victoriaMetrics: await findProgram(victoriaMetricsProgram, CACHE, flags.victoriaMetricsPath),
  };
}

/** Whoever runs for minutes wants to know before whether the result can be kept. */
function mustBeWritable(path: string, flag: string): void {
  try {
    accessSync(path, constants.W_OK);
  } catch (error) {
    throw new RollcallError('usage', `${flag}: ${reasonOf(error)}`, { cause: error });
  }
}
