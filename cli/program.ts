import { Command } from 'commander';
import { agentCommand } from './commands/agent.ts';
import { alerterCommand } from './commands/alerter.ts';
import { collectorCommand } from './commands/collector.ts';
import { configCommand } from './commands/config.ts';
import { migrateCommand } from './commands/migrate.ts';
import { rulesCommand } from './commands/rules.ts';
import { statusCommand } from './commands/status.ts';
import { targetsCommand } from './commands/targets.ts';
import { testCommand } from './commands/test.ts';
import { upCommand } from './commands/up.ts';
import { writerCommand } from './commands/writer.ts';
import { version } from './version.ts';

/** The whole command line. Errors of usage are thrown, not printed and exited on. */
export function program(): Command {
  const root = new Command('rollcall')
    .description('Monitoring pipeline for massive server fleets.')
    .version(version)
    .showHelpAfterError('(--help shows what is possible)');
  const commands = [
    upCommand(),
    statusCommand(),
    targetsCommand(),
    rulesCommand(),
    agentCommand(),
    collectorCommand(),
    writerCommand(),
    alerterCommand(),
    migrateCommand(),
    configCommand(),
    testCommand(),
  ];
  for (const command of commands) root.addCommand(command);
  throwInsteadOfExiting(root);
  return root;
}

function throwInsteadOfExiting(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) throwInsteadOfExiting(child);
}
