import { setTimeout as sleep } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { loadConfig } from '../config/load.ts';
import { addOptions } from '../config/options.ts';
import { OverviewTaker } from '../status/overview.ts';
import type { Overview } from '../status/overview.ts';
import { printOverview } from '../status/print-overview.ts';
import { withStore } from '../with-store.ts';

const sections = ['general', 'nats', 'clickhouse', 'collector', 'writer', 'alerter'] as const;

/** Rates need two looks, an interval of the usual length apart: a target speaks once in it. */
const RATE_OVER_MS = 5000;

export function command(): Command {
  const command = new Command('status').addOption(new Option('--json', 'one JSON object'));
  addOptions(command, sections);
  return command.action(async () => {
    const config = loadConfig({ sections, flags: command.opts(), env: process.env });
    const overview = await withStore(config, (store) => take(new OverviewTaker(config, store)));
    if (command.opts<{ json?: boolean }>().json === true) {
      process.stdout.write(`${JSON.stringify(overview)}\n`);
    } else {
      printOverview(overview, Date.now());
    }
    if (overview.silent.length > 0) {
      process.stderr.write(
        'rollcall: is it running? "./rollcall up" starts it; addresses come from the settings\n',
      );
    }
    if (overview.silent.length + overview.faults.length > 0) process.exitCode = 1;
  });
}

/** Where the fleet's own reports tell the rates, one look is enough. */
async function take(taker: OverviewTaker): Promise<Overview> {
  const first = await taker.take();
  const { samplesInPerSecond, samplesStoredPerSecond } = first;
  if (samplesInPerSecond !== undefined && samplesStoredPerSecond !== undefined) return first;
  // Nobody is there whose counters could grow.
  if (['collector', 'writer'].every((name) => first.silent.includes(name))) return first;
  if (process.stderr.isTTY) process.stderr.write('measuring for 5 s …\n');
  await sleep(RATE_OVER_MS);
  return taker.take();
}
