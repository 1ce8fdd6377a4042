import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { encodeRecording } from '../../bench/recording/recording-codec.ts';
import { record } from '../../bench/recording/record.ts';
import { doesVary } from '../../bench/recording/recording.ts';
import { duration, Refusal } from '../config/value-type.ts';
import { projectRoot } from '../project-root.ts';
import { wholeNumber } from '../flag-parsers.ts';

const ROLLCALL = fileURLToPath(new URL('rollcall', projectRoot));
const intervalType = duration({ min: '100ms', max: '1h' });

interface RecordFlags {
  readonly seconds: number;
  readonly interval: number;
  readonly out: string;
  readonly exclude?: RegExp;
}

export function command(): Command {
  return new Command('record')
    .description(
      'Run the agent on this machine and keep what it says in a file, for simulated fleets to repeat.',
    )
    .option(
      '--seconds <number>',
      'how long; as many ticks as fit, two or more',
      wholeNumber(1),
      1800,
    )
    .addOption(
      new Option('--interval <duration>', 'time between two ticks')
        .argParser(interval)
        .default(5000, '5s'),
    )
    .option(
      '--exclude <pattern>',
      "leave out series that match, such as 'mountpoint=\"/mnt/'",
      regex,
    )
    .requiredOption('--out <file>', 'the file to write')
    .action((flags: RecordFlags) => run(flags));
}

function interval(text: string): number {
  const value = intervalType.parse(text);
  if (value instanceof Refusal) throw new InvalidArgumentError(`expected ${intervalType.expects}`);
  return value;
}

function regex(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw new InvalidArgumentError('expected a regular expression');
  }
}

async function run(flags: RecordFlags): Promise<void> {
  const { interval: intervalMs, exclude } = flags;
  const ticks = Math.max(2, Math.floor((flags.seconds * 1000) / intervalMs));
  const recording = await record({
    command: [ROLLCALL, 'agent'],
    ticks,
    intervalMs,
    exclude,
    onTick: (done, series) => {
      process.stderr.write(`\r${done} of ${ticks} ticks, ${series} series `);
    },
  });
  process.stderr.write('\n');
  const file = encodeRecording(recording);
  writeFileSync(resolve(flags.out), file);
  const varying = recording.series.filter((each) => doesVary(each)).length;
  process.stdout.write(
    `${flags.out}: ${recording.series.length} series, ${varying} of which vary, ` +
      `over ${recording.ticks} ticks, ${(file.length / 1024).toFixed(1)} KiB\n`,
  );
}
