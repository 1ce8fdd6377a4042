import { writeFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { storageTables } from '../../bench/report/storage-tables.ts';
import { LAYOUTS, layoutsNamed } from '../../bench/storage/layout.ts';
import { benchStorage } from '../../bench/storage/storage-bench.ts';
import { tickInterval, wholeNumber } from '../flag-parsers.ts';
import { printTable } from '../print-table.ts';

interface StorageFlags {
  readonly hosts: number;
  readonly metrics: number;
  readonly interval: number;
  readonly minutes: number;
  readonly slices: number;
  readonly layouts: readonly string[];
  readonly seed: number;
  readonly json?: string;
}

/** Merges come within seconds of an insert, if at all. */
const STILL_MS = 15_000;

const ABOUT = `
The history is the recording of a real agent, varied by host and lap. ClickHouse is given it as a writer gives it: a
closing a minute, in so many inserts. It ends with the last full hour, and is rolled up but for its newest minute.

Layouts besides the schema's own:
${LAYOUTS.slice(1)
  .map(({ name, what }) => `  ${name.padEnd(16)} ${what}`)
  .join('\n')}`;

export function storageCommand(): Command {
  return new Command('storage')
    .description('Have ClickHouse alone keep a history: what bytes, merges and roll-ups cost.')
    .option('--hosts <number>', 'servers', wholeNumber(1, 100_000), 60)
    .option('--metrics <number>', 'series of each', wholeNumber(1, 20_000), 200)
    .addOption(
      new Option('--interval <duration>', 'time between two frames of a server')
        .argParser(tickInterval)
        .default(5000, '5s'),
    )
    .option('--minutes <number>', 'how long the history is', wholeNumber(60, 8640), 240)
    .option('--slices <number>', 'inserts of each minute', wholeNumber(1, 1000), 1)
    .addOption(
      new Option('--layouts <names...>', 'other layouts of the table, or all').default(
        [],
        "the schema's own alone",
      ),
    )
    .option('--seed <number>', 'of everything that is random', wholeNumber(0, 0xffff_ffff), 1)
    .option('--json <file>', 'write the report as JSON')
    .addHelpText('after', ABOUT)
    .action((flags: StorageFlags) => runStorage(flags));
}

async function runStorage({ interval, layouts, json, ...flags }: StorageFlags): Promise<void> {
  const [own, ...others] = LAYOUTS;
  const more = layouts.includes('all') ? others : layoutsNamed(layouts);
  const report = await benchStorage({
    ...flags,
    intervalMs: interval,
    layouts: [own!, ...more.filter((each) => each !== own)],
    stillMs: STILL_MS,
    say: (progress) => process.stderr.write(`${progress} …\n`),
  });
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
  for (const { title, head, rows } of storageTables(report)) {
    process.stdout.write(`${title}\n`);
    printTable(head, rows);
    process.stdout.write('\n');
  }
}
