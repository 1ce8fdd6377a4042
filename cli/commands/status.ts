import { setTimeout as sleep } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { loadConfig } from '../config/load.ts';
import { addOptions } from '../config/options.ts';
import { printTable } from '../print-table.ts';
import { OverviewTaker } from '../status/overview.ts';
import type { Overview } from '../status/overview.ts';
import { age, bytes, count, duration, short } from '../up/quantity.ts';
import { withStore } from '../with-store.ts';

const sections = ['general', 'nats', 'clickhouse', 'collector', 'writer', 'alerter'] as const;

/** Rates need two looks, an interval of the usual length apart: a target speaks once in it. */
const RATE_OVER_MS = 5000;

export function command(): Command {
  const command = new Command('status').addOption(new Option('--json', 'one JSON object'));
  addOptions(command, sections);
  return command.action(async () => {
    const config = loadConfig({ sections, flags: command.opts(), env: process.env });
    const overview = await withStore(config, async (store) => {
      const taker = new OverviewTaker(config, store);
      await taker.take();
      if (process.stderr.isTTY) process.stderr.write('measuring for 5 s …\n');
      await sleep(RATE_OVER_MS);
      return taker.take();
    });
    if (command.opts<{ json?: boolean }>().json === true) {
      process.stdout.write(`${JSON.stringify(overview)}\n`);
    } else {
      print(overview);
    }
    if (overview.silent.length > 0) {
      process.stderr.write(
        'rollcall: is it running? "./rollcall up" starts it; addresses come from the settings\n',
      );
      process.exitCode = 1;
    }
  });
}

function print(overview: Overview): void {
  const { targetsUp, targetsDown, samplesInPerSecond, samplesStoredPerSecond } = overview;
  for (const name of overview.silent) process.stdout.write(`${name} does not answer\n`);
  printTable(
    ['', ''],
    [
      ['targets', `${count(targetsUp)} up, ${count(targetsDown)} down`],
      ['samples/s', `${short(samplesInPerSecond)} in, ${short(samplesStoredPerSecond)} stored`],
      ['newest sample', `${duration(overview.freshnessSeconds)} old`],
      ...overview.queues.map(({ name, unit, value, max }) => [
        name,
        unit === 'bytes' ? `${bytes(value)} of ${bytes(max)}` : count(value),
      ]),
    ],
  );
  process.stdout.write('\n');
  printTable(
    ['ALERT', 'STATE', 'INSTANCE', 'FOR'],
    overview.alerts.map(({ name, state, instance, sinceMs }) => [
      name,
      state,
      instance ?? '',
      age(sinceMs, Date.now()),
    ]),
  );
}
