import { accessSync, constants, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import type { CatalogueKind } from '../../bench/fleet/fleet-protocol.ts';
import { SERIES_MIN } from '../../bench/fleet/synthetic-source.ts';
import { benchLoad } from '../../bench/load/load-bench.ts';
import { LOAD_WAITS } from '../../bench/load/load-options.ts';
import { loadPage } from '../../bench/report/load-page.ts';
import { LoadProgress } from '../../bench/report/load-progress.ts';
import { wrongSamples } from '../../bench/report/load-summary.ts';
import { loadTable } from '../../bench/report/load-table.ts';
import { findProgram } from '../../pipeline/embedded/debian-program.ts';
import { natsServerProgram } from '../../pipeline/embedded/nats-server.ts';
import { reasonOf, RollcallError } from '../../pipeline/error.ts';
import { projectRoot } from '../project-root.ts';
import { canDraw, wantsColour } from '../up/dashboard.ts';
import { tickInterval, wholeNumber } from '../flag-parsers.ts';

const CACHE = fileURLToPath(new URL('.cache/', projectRoot));
/** A process may have 20,000 open files on many machines; what is left is for everything but agents. */
const AGENTS_PER_COLLECTOR = 18_000;

interface LoadFlags {
  readonly agents: number;
  readonly metrics: number;
  readonly interval: number;
  readonly seconds: number;
  readonly warmUp: number;
  readonly collectors?: number;
  readonly writers: number;
  readonly alerters: number;
  readonly rules?: string;
  readonly tls?: boolean;
  readonly catalogues: CatalogueKind;
  readonly seed: number;
  readonly natsServerPath?: string;
  readonly json?: string;
  readonly html?: string;
  readonly keep?: string;
}

const MEASURED = `
Measured, between the warm-up and the end of --seconds:
  CPU       microseconds for each sample that was stored, by component, with the merges that are left
            when the load has ended (drain); beside it the simulated servers' own, and the machine's
  memory    peak of resident memory, by component, and of a collector for each connection; from 5 minutes on
            also how it grew over the second half, with freshness and parts
  freshness from a sample's timestamp until a query finds it
  alerts    from the timestamp of the sample that breaches a rule until the webhook has it
  bytes     on the wire and on disk, for each sample
  loss      what the servers say they sent, held against what is stored: exit status 1 if a sample
            was lost, stored twice or stored with another value

Progress goes to standard error. Its "cores" and "memory" are those of Rollcall, NATS and ClickHouse;
"busy" is the whole machine, "queued" all that waits on the road, "lag" messages not yet evaluated.`;

/** As few collectors as have descriptors enough. */
export function collectorsFor(agents: number): number {
  return Math.ceil(agents / AGENTS_PER_COLLECTOR);
}

export function loadCommand(): Command {
  return new Command('load')
    .description(
      'Let simulated servers send to a whole system with real NATS and ClickHouse, and say what a ' +
        'sample costs.',
    )
    .option('--agents <number>', 'simulated servers', wholeNumber(1, 1_000_000), 1000)
    .option('--metrics <number>', 'series of each', wholeNumber(SERIES_MIN, 20_000), 200)
    .addOption(
      new Option('--interval <duration>', 'time between two frames of a server')
        .argParser(tickInterval)
        .default(5000, '5s'),
    )
    .option('--seconds <number>', 'how long it is measured', wholeNumber(1, 604_800), 60)
    .option('--warm-up <seconds>', 'how long before that', wholeNumber(0, 86_400), 30)
    .option(
      '--collectors <number>',
      `collector processes (default: one for every ${AGENTS_PER_COLLECTOR} agents)`,
      wholeNumber(1, 64),
    )
    .option('--writers <number>', 'writer processes', wholeNumber(1, 64), 1)
    .option('--alerters <number>', 'alerter processes', wholeNumber(1, 64), 1)
    .option('--rules <file>', "a rule file (default: the bench's own)")
    .option('--tls', 'mutual TLS between collectors and servers')
    .addOption(
      new Option(
        '--catalogues <kind>',
        'whether each server has series that name it, as real ones do',
      )
        .choices(['shared', 'own'])
        .default('own'),
    )
    .option('--seed <number>', 'of everything that is random', wholeNumber(0, 0xffff_ffff), 1)
    .option('--nats-server-path <path>', "a nats-server (default: PATH's, else Debian's)")
    .option('--json <file>', 'write the report as JSON')
    .option('--html <file>', 'write the report as a page with charts, in one file')
    .option('--keep <folder>', 'keep data and logs there')
    .addHelpText('after', MEASURED)
    .action((flags: LoadFlags) => runLoad(flags));
}

async function runLoad(flags: LoadFlags): Promise<void> {
  if (flags.rules !== undefined) mustBe(constants.R_OK, flags.rules, '--rules');
  for (const name of ['json', 'html'] as const) {
    const file = flags[name];
    if (file !== undefined) mustBe(constants.W_OK, dirname(resolve(file)), `--${name}`);
  }
  const progress = new LoadProgress(process.stderr, canDraw(process.stderr));
  const report = await benchLoad({
    keepIn: flags.keep === undefined ? undefined : resolve(flags.keep),
    natsProgram: await findProgram(natsServerProgram, CACHE, flags.natsServerPath),
    cacheDir: CACHE,
    agents: flags.agents,
    metrics: flags.metrics,
    intervalMs: flags.interval,
    seconds: flags.seconds,
    warmUpSeconds: flags.warmUp,
    processes: {
      collector: flags.collectors ?? collectorsFor(flags.agents),
      writer: flags.writers,
      alerter: flags.alerters,
    },
    rulesFile: flags.rules === undefined ? undefined : resolve(flags.rules),
    isTls: flags.tls === true,
    catalogues: flags.catalogues,
    seed: flags.seed,
    command: ['rollcall', ...process.argv.slice(2)].join(' '),
    waits: LOAD_WAITS,
    say: (text) => progress.say(text),
    onRow: (row) => progress.row(row),
  }).finally(() => progress.end());
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(report, null, 2)}\n`);
  if (flags.html !== undefined) writeFileSync(flags.html, loadPage(report));
  process.stdout.write(loadTable(report, { colour: wantsColour(process.stdout) }));
  const wrong = wrongSamples(report);
  if (wrong.length > 0) throw new RollcallError('samples_wrong', wrong.join(', '));
}

/** Whoever runs for minutes wants to know before whether the result can be kept. */
function mustBe(mode: number, path: string, flag: string): void {
  try {
    accessSync(path, mode);
  } catch (error) {
    throw new RollcallError('usage', `${flag}: ${reasonOf(error)}`, { cause: error });
  }
}
