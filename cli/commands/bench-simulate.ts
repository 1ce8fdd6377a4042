import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import type { ScheduleResult } from '../../bench/simulation/schedule.ts';
import { simulate } from '../../bench/simulation/simulate.ts';
import type { SimulationReport } from '../../bench/simulation/simulate.ts';
import { RollcallError } from '../../pipeline/error.ts';
import { wholeNumber } from '../flag-parsers.ts';

interface SimulateFlags {
  readonly seed?: number;
  readonly schedules: number;
  readonly seconds: number;
  readonly threads: number;
  readonly powerLoss: boolean;
  readonly trace: boolean;
}

/** Seeds are drawn below this, so that they are short to type. */
const SEED_MAX = 2 ** 32;
const RECENT_SHOWN = 60;

export function command(): Command {
  return new Command('simulate')
    .description(
      'Play seeded schedules of membership, hand-over, rings, closings and deduplication, with time, ' +
        'network and databases simulated.',
    )
    .option(
      '--seed <number>',
      'of the first schedule; the next has the next (default: random)',
      wholeNumber(0),
    )
    .option('--schedules <number>', 'end after so many', wholeNumber(1), 1_000_000)
    .option('--seconds <number>', 'end after so many seconds', wholeNumber(1), 60)
    .option('--threads <number>', 'schedules at a time', wholeNumber(1), availableParallelism())
    .option('--power-loss', 'let NATS also lose what it wrote last', false)
    .option('--trace', 'print every event and what is logged', false)
    .action((flags: SimulateFlags) => run(flags));
}

async function run(flags: SimulateFlags): Promise<void> {
  const seed = flags.seed ?? randomInt(SEED_MAX);
  process.stdout.write(`Seed ${seed}\n`);
  const report = await simulate({
    seed,
    schedules: flags.schedules,
    seconds: flags.seconds,
    threads: flags.trace ? 1 : flags.threads,
    hasPowerLoss: flags.powerLoss,
    ...(flags.trace ? { onTrace: (line: string) => void process.stdout.write(`${line}\n`) } : {}),
  });
  print(report);
  if (report.failed === undefined) {
    process.stdout.write('No invariant was violated.\n');
    return;
  }
  printFailure(report.failed, flags);
  throw new RollcallError('simulation_failed', `the schedule of seed ${report.failed.seed} failed`);
}

function print(report: SimulationReport): void {
  const { schedules, steps, checks, storedFrames, simulatedSeconds, seconds } = report;
  const perMinute = Math.round((60 * schedules) / seconds);
  process.stdout.write(
    [
      `${schedules} schedules in ${seconds.toFixed(1)} s, ${perMinute} a minute`,
      `${steps} steps, ${Math.round(steps / seconds)} a second`,
      `${checks} invariants checked, ${Math.round(checks / seconds)} a second`,
      `${storedFrames} frames stored, ${(simulatedSeconds / 3600).toFixed(1)} hours simulated`,
      '',
    ].join('\n'),
  );
}

function printFailure(result: ScheduleResult, flags: SimulateFlags): void {
  const { seed, failure, recent, faults } = result;
  const lines = flags.trace ? [] : ['', 'What happened last:', ...recent.slice(-RECENT_SHOWN)];
  const more = flags.powerLoss ? ' --power-loss' : '';
  process.stdout.write(
    [
      ...lines,
      '',
      `Seed ${seed} failed; faults: ${faults.join(', ') || 'none'}`,
      failure!.message,
      `Replay it: ./rollcall bench simulate --seed ${seed} --schedules 1${more} --trace`,
      '',
    ].join('\n'),
  );
}
