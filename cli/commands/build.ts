import { statSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { Command } from 'commander';
import { buildAgent } from '../../agent/packaging/built-agent.ts';
import { packDeb } from '../../agent/packaging/deb.ts';
import { packTarball } from '../../agent/packaging/tarball.ts';
import { RollcallError } from '../../pipeline/error.ts';
import { printTable } from '../print-table.ts';
import { version } from '../version.ts';

interface AgentFlags {
  readonly out: string;
  readonly deb: boolean;
}

export function command(): Command {
  const command = new Command('build');
  command
    .command('agent')
    .description('Make the agent ready for servers: one JavaScript file, a tarball, a .deb.')
    .option('--out <folder>', 'where they are put', 'dist')
    .option('--no-deb', 'leave out the Debian package, which needs dpkg-deb')
    .action((flags: AgentFlags) => build(flags));
  return command;
}

/** What could be made is shown also if something after it could not. */
async function build({ out, deb }: AgentFlags): Promise<void> {
  const folder = resolve(out);
  const agent = await buildAgent({ folder, version });
  const paths = [agent.bundle.path, await packTarball(agent, folder)];
  try {
    if (deb) paths.push(await packDeb(agent, folder));
  } catch (error) {
    if (!(error instanceof RollcallError) || error.code !== 'program_missing') throw error;
    const message = `${error.message}, or leave the Debian package out with --no-deb`;
    throw new RollcallError(error.code, message, { cause: error });
  } finally {
    printTable(
      ['file', 'KiB'],
      paths.map((path) => [relative('', path), (statSync(path).size / 1024).toFixed(0)]),
    );
  }
}
