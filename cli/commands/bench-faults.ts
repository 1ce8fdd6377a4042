import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { ALL_CASES } from '../../bench/faults/all-cases.ts';
import type { FaultCase } from '../../bench/faults/fault-case.ts';
import { benchFaults, caseOf } from '../../bench/faults/fault-bench.ts';
import type { FaultBenchReport } from '../../bench/faults/fault-bench.ts';
import type { CaseReport } from '../../bench/faults/verdict.ts';
import { SERIES_MIN } from '../../bench/fleet/synthetic-source.ts';
import { findProgram } from '../../pipeline/embedded/debian-program.ts';
import { natsServerProgram } from '../../pipeline/embedded/nats-server.ts';
import { RollcallError } from '../../pipeline/error.ts';
import { printTable } from '../print-table.ts';
import { projectRoot } from '../project-root.ts';
import { tickInterval, wholeNumber } from '../flag-parsers.ts';

const CACHE = fileURLToPath(new URL('.cache/', projectRoot));

interface FaultFlags {
  readonly case: readonly FaultCase[];
  readonly all?: boolean;
  readonly list?: boolean;
  readonly quick?: boolean;
  readonly seed: number;
  readonly agents: number;
  readonly series: number;
  readonly collectors: number;
  readonly writers: number;
  readonly alerters: number;
  readonly interval: number;
  readonly natsServerPath?: string;
  readonly json?: string;
  readonly keep?: string;
}

export function faultsCommand(): Command {
  return new Command('faults')
    .description('Break a running system on purpose and hold what is left against a ledger.')
    .addOption(
      new Option('--case <id>', 'a case, such as F1; may be repeated')
        .argParser(addCase)
        .default([], 'none'),
    )
    .option('--all', 'every case')
    .option('--list', 'say which cases there are')
    .option('--quick', 'shorten waits and kill less often')
    .option('--seed <number>', 'of everything that is random', wholeNumber(0, 0xffff_ffff), 1)
    .option('--agents <number>', 'simulated servers', wholeNumber(4, 1_000_000), 500)
    .option('--series <number>', 'series of each', wholeNumber(SERIES_MIN, 20_000), 40)
    .option('--collectors <number>', 'collector processes, at least', wholeNumber(1, 64), 1)
    .option('--writers <number>', 'writer processes, at least', wholeNumber(1, 64), 1)
    .option('--alerters <number>', 'alerter processes, at least', wholeNumber(1, 64), 1)
    .addOption(
      new Option('--interval <duration>', 'time between two frames of a server')
        .argParser(tickInterval)
        .default(1000, '1s'),
    )
    .option('--nats-server-path <path>', "a nats-server (default: PATH's, else Debian's)")
    .option('--json <file>', 'write the report as JSON')
    .option('--keep <folder>', 'keep data and logs there')
    .action((flags: FaultFlags) => runFaults(flags));
}

function addCase(id: string, before: readonly FaultCase[]): FaultCase[] {
  const found = caseOf(id);
  if (found !== undefined) return [...before, found];
  throw new InvalidArgumentError(`expected one of ${ALL_CASES.map((each) => each.id).join(', ')}`);
}

async function runFaults(flags: FaultFlags): Promise<void> {
  if (flags.list === true) return list();
  const cases = flags.all === true ? ALL_CASES : flags.case;
  if (cases.length === 0) {
    throw new RollcallError('usage', 'name cases with --case, or all of them with --all');
  }
  const { seed, agents, series, interval: intervalMs, quick: isQuick = false } = flags;
  const report = await benchFaults({
    cases,
    keepIn: flags.keep === undefined ? undefined : resolve(flags.keep),
    natsProgram: await findProgram(natsServerProgram, CACHE, flags.natsServerPath),
    cacheDir: CACHE,
    processes: { collector: flags.collectors, writer: flags.writers, alerter: flags.alerters },
    agents,
    series,
    seed,
    intervalMs,
    isQuick,
    say: (progress) => process.stderr.write(`${progress}\n`),
  });
  if (flags.json !== undefined) {
    writeFileSync(flags.json, `${JSON.stringify(report, null, 2)}\n`);
  }
  print(report);
  const failed = report.cases.filter(({ verdict }) => verdict !== 'holds').map(({ id }) => id);
  if (failed.length > 0) {
    throw new RollcallError('faults_found', `these cases do not hold: ${failed.join(', ')}`);
  }
}

function list(): void {
  printTable(
    ['case', 'fault', 'must hold'],
    ALL_CASES.map(({ id, title, mustHold }) => [id, title, mustHold]),
  );
}

const COLUMNS: readonly (readonly [string, (report: CaseReport) => number | undefined])[] = [
  ['sent', ({ frames }) => frames?.sent],
  ['stored', ({ frames }) => frames?.stored],
  ['dropped', ({ frames }) => frames?.dropped],
  ['lost', ({ frames }) => frames?.lost],
  ['duplicated', ({ frames }) => frames?.duplicated],
  ['paged', ({ pages }) => pages?.paged],
  ['missed', ({ pages }) => pages?.missed],
  ['repeated', ({ pages }) => pages?.repeated],
  ['resent', ({ pages }) => pages?.resent],
  ['false', ({ pages }) => pages?.false],
];

function print(report: FaultBenchReport): void {
  const { cases, seed, agents, series, interval_ms: intervalMs, is_quick: isQuick } = report;
  printTable(['case', ...COLUMNS.map(([title]) => title), 'seconds', 'verdict'], cases.map(rowOf));
  process.stdout.write(
    `\n${agents} agents of ${series} series every ${intervalMs} ms, seed ${seed}` +
      `${isQuick ? '; quick: waits were shortened' : ''}\n`,
  );
  for (const each of cases) process.stdout.write(detailsOf(each));
}

function rowOf(report: CaseReport): string[] {
  const counts = COLUMNS.map(([, of]) => String(of(report) ?? '–'));
  return [report.id, ...counts, report.seconds.toFixed(0), report.verdict];
}

function detailsOf({ id, title, findings, notes }: CaseReport): string {
  // What the table says with a 0 need not be said again.
  const told = findings.filter(({ holds, detail }) => !holds || detail !== '');
  const lines = told.map(({ what, holds, detail }) => {
    const figures = detail === '' ? '' : `: ${detail}`;
    return `  ${holds ? 'holds' : 'DOES NOT HOLD'}  ${what}${figures}`;
  });
  return [`\n${id}, ${title}`, ...lines, ...notes.map((note) => `  ${note}`), ''].join('\n');
}
