import { Command } from 'commander';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { formatExpression } from '../../alerter/promql/format.ts';
import { formatProblem } from '../../alerter/rules/problem.ts';
import { parseRuleFile } from '../../alerter/rules/rule-file.ts';
import { formatDuration } from '../../alerter/promql/duration.ts';
import { reasonOf, RollcallError } from '../../pipeline/error.ts';
import { listRuleFiles, putRuleFiles, removeRuleFiles } from '../../pipeline/rules/rule-store.ts';
import type { RuleFile } from '../../pipeline/rules/rule-store.ts';
import { loadConfig } from '../config/load.ts';
import { addOptions } from '../config/options.ts';
import { printTable } from '../print-table.ts';
import { withStore } from '../with-store.ts';

const sections = ['general', 'clickhouse'] as const;

export function command(): Command {
  return new Command('rules')
    .addCommand(checkCommand())
    .addCommand(loadCommand())
    .addCommand(listCommand())
    .addCommand(removeCommand());
}

function configOf(command: Command) {
  return loadConfig({ sections, flags: command.opts(), env: process.env });
}

function checkCommand(): Command {
  return new Command('check')
    .description('Check rule files and show everything that is wrong with them.')
    .argument('<file...>')
    .action((paths: string[]) => {
      const files = paths.map(readRules);
      const rules = checked(files);
      process.stdout.write(`${counted(rules, 'rule')} in ${counted(files.length, 'file')}: good\n`);
    });
}

function loadCommand(): Command {
  const command = new Command('load')
    .description('Put rule files in force, replacing files of the same name.')
    .argument('<file...>');
  addOptions(command, sections);
  return command.action(async (paths: string[]) => {
    const files = paths.map(readRules);
    const names = files.map(({ path }) => basename(path));
    const twice = names.find((name, at) => names.indexOf(name) !== at);
    if (twice !== undefined) {
      throw new RollcallError('usage', `two files are called ${twice}: rename one of them`);
    }
    const rules = checked(files);
    await withStore(configOf(command), (store) =>
      putRuleFiles(
        store,
        files.map(({ path, content }) => ({ name: basename(path), content })),
      ),
    );
    process.stdout.write(
      `loaded ${counted(rules, 'rule')} from ${counted(files.length, 'file')}\n`,
    );
  });
}

function removeCommand(): Command {
  const command = new Command('remove')
    .description('Take rule files out of force.')
    .argument('<name...>', 'names as "rules list" shows them');
  addOptions(command, sections);
  return command.action(async (names: string[]) => {
    await withStore(configOf(command), async (store) => {
      const known = new Set((await listRuleFiles(store)).map(({ name }) => name));
      const unknown = names.find((name) => !known.has(name));
      if (unknown !== undefined) {
        throw new RollcallError('usage', `there is no rule file ${unknown}`);
      }
      await removeRuleFiles(store, names);
    });
    for (const name of names) process.stdout.write(`removed ${name}\n`);
  });
}

function listCommand(): Command {
  const command = new Command('list').description('Show the rules in force.');
  addOptions(command, sections);
  return command.action(async () => {
    const files = await withStore(configOf(command), listRuleFiles);
    printTable(['FILE', 'GROUP', 'ALERT', 'EXPRESSION', 'FOR'], files.flatMap(rowsOf));
  });
}

function rowsOf({ name, content }: RuleFile): string[][] {
  return parseRuleFile(content, name)
    .groups.flatMap(({ rules }) => rules)
    .map((rule) => [
      name,
      rule.group,
      rule.alert,
      formatExpression(rule.expr),
      formatDuration(rule.forMs),
    ]);
}

function readRules(path: string): { path: string; content: string } {
  try {
    return { path, content: readFileSync(path, 'utf8') };
  } catch (cause) {
    throw new RollcallError('usage', `${path} cannot be read: ${reasonOf(cause)}`, { cause });
  }
}

/** The number of rules; throws all problems of all files at once. */
function checked(files: readonly { path: string; content: string }[]): number {
  const results = files.map(({ path, content }) => parseRuleFile(content, path));
  const problems = results.flatMap((result) => result.problems);
  if (problems.length > 0) {
    throw new RollcallError(
      'rules_invalid',
      `there are problems\n${problems.map(formatProblem).join('\n')}`,
    );
  }
  return results.flatMap(({ groups }) => groups).reduce((sum, { rules }) => sum + rules.length, 0);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
