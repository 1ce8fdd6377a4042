import { Command, Option } from 'commander';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { isLoopback, parseAddress } from '../../pipeline/dial/address.ts';
import { reasonOf, RollcallError } from '../../pipeline/error.ts';
import { isSelfTarget } from '../../pipeline/targets/self-target.ts';
import { listTargets, putTargets, removeTargets } from '../../pipeline/targets/target-store.ts';
import type { NewTarget } from '../../pipeline/targets/target-store.ts';
import type { Target } from '../../pipeline/targets/target.ts';
import { parseDuration } from '../../alerter/promql/duration.ts';
import { loadConfig } from '../config/load.ts';
import { addOptions } from '../config/options.ts';
import { printTable } from '../print-table.ts';
import { readComponentStates } from '../status/members.ts';
import { withStore } from '../with-store.ts';

const sections = ['general', 'clickhouse'] as const;

const importFile = z.array(
  z.strictObject({
    instance: z.string().optional(),
    address: z.string(),
    labels: z.record(z.string(), z.string()).default({}),
    interval: z.string().default('5s'),
  }),
);

export function command(): Command {
  return new Command('targets')
    .addCommand(addCommand())
    .addCommand(removeCommand())
    .addCommand(listCommand())
    .addCommand(importCommand());
}

function configOf(command: Command) {
  return loadConfig({ sections, flags: command.opts(), env: process.env });
}

function addCommand(): Command {
  const command = new Command('add')
    .description('Add a target, or change the one of the same instance.')
    .argument('<address>', "the agent's host:port")
    .addOption(new Option('--instance <name>', 'name of the server [default: the address]'))
    .addOption(
      new Option('--label <name=value>', 'label of all its series, may be repeated').argParser(
        (pair: string, labels: Record<string, string> | undefined) => withLabel(pair, labels),
      ),
    )
    .addOption(new Option('--interval <duration>', 'time between two frames').default('5s'));
  addOptions(command, sections);
  return command.action(async (address: string) => {
    const { instance, label, interval } = command.opts<{
      instance?: string;
      label?: Record<string, string>;
      interval: string;
    }>();
    const target = {
      instance: instance ?? address,
      address,
      labels: label ?? {},
      intervalMs: intervalMsOf(interval),
    };
    const targets = await withStore(configOf(command), async (store) => {
      await putTargets(store, [target]);
      return listTargets(store);
    });
    process.stdout.write(`added ${target.instance}\n`);
    warnOfSharedAddress(target, targets);
    if (!isLoopback(parseAddress(address).host)) {
      process.stderr.write(
        'rollcall: off loopback collectors dial with TLS only, unless they run with --insecure: ' +
          'see docs/operations.md\n',
      );
    }
  });
}

/** Collectors would take the agent from each other for ever. */
function warnOfSharedAddress({ instance, address }: NewTarget, targets: readonly Target[]): void {
  const others = targets.filter((one) => one.address === address && one.instance !== instance);
  if (others.length === 0) return;
  const names = others.map((other) => other.instance).join(', ');
  process.stderr.write(
    `rollcall: ${address} is also the address of ${names}: an agent is one target only, so remove ` +
      'one of them with "rollcall targets remove"\n',
  );
}

function removeCommand(): Command {
  const command = new Command('remove')
    .description('Stop monitoring targets. What they have said stays until it expires.')
    .argument('<instance...>', 'names as "targets list" shows them');
  addOptions(command, sections);
  return command.action(async (instances: string[]) => {
    await withStore(configOf(command), (store) => removeTargets(store, instances));
    for (const instance of instances) process.stdout.write(`removed ${instance}\n`);
  });
}

function listCommand(): Command {
  const command = new Command('list')
    .description('Show the targets.')
    .addOption(new Option('--json', 'one JSON object a line'));
  addOptions(command, sections);
  return command.action(async () => {
    const [targets, states] = await withStore(configOf(command), (store) =>
      Promise.all([listTargets(store), readComponentStates(store)]),
    );
    if (command.opts<{ json?: boolean }>().json === true) {
      for (const { id: _, ...target } of targets) {
        process.stdout.write(`${JSON.stringify(target)}\n`);
      }
      return;
    }
    printTable(
      ['INSTANCE', 'ADDRESS', 'INTERVAL', 'LABELS'],
      targets.map(({ instance, address, intervalMs, labels }) => [
        instance,
        isSelfTarget({ address }) ? selfAddress(states.get(instance)) : address,
        `${intervalMs / 1000}s`,
        Object.entries(labels)
          .map(([name, value]) => `${name}=${value}`)
          .join(','),
      ]),
    );
  });
}

/** In place of an address; of a component that has ended, that it has. */
function selfAddress(state = 'gone'): string {
  return state === 'alive' ? '(self)' : `(self, ${state})`;
}

function importCommand(): Command {
  const command = new Command('import')
    .description('Add or change many targets from a YAML or JSON file.')
    .argument('<file>', 'a list of {address, instance, labels, interval}');
  addOptions(command, sections);
  return command.action(async (file: string) => {
    const targets = readTargets(file);
    await withStore(configOf(command), (store) => putTargets(store, targets));
    process.stdout.write(`imported ${targets.length} targets\n`);
  });
}

function readTargets(file: string): NewTarget[] {
  let content: unknown;
  try {
    content = parse(readFileSync(file, 'utf8'), { maxAliasCount: 0 });
  } catch (cause) {
    throw new RollcallError('usage', `${file}: ${reasonOf(cause)}`, { cause });
  }
  const result = importFile.safeParse(content);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => {
      return `${file}: entry ${issue.path.join('.')}: ${issue.message}`;
    });
    throw new RollcallError('usage', problems.join('\n'));
  }
  return result.data.map(({ instance, address, labels, interval }) => ({
    instance: instance ?? address,
    address,
    labels,
    intervalMs: intervalMsOf(interval),
  }));
}

function withLabel(
  pair: string,
  labels: Record<string, string> | undefined,
): Record<string, string> {
  const at = pair.indexOf('=');
  if (at < 1) throw new RollcallError('usage', `--label ${pair}: write --label name=value`);
  return { ...labels, [pair.slice(0, at)]: pair.slice(at + 1) };
}

function intervalMsOf(text: string): number {
  const parsed = parseDuration(text);
  if (!parsed.ok) throw new RollcallError('usage', `interval ${text}: write a duration such as 5s`);
  return parsed.value;
}
