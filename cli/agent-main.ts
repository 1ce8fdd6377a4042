import { runCommandLine } from './command-line.ts';
import { command } from './commands/agent.ts';
import { version } from './version.ts';

/** The agent alone, as it is shipped to servers. */
void runCommandLine(() =>
  command()
    .name('rollcall-agent')
    .description("Read this host's kernel and serve it to the collectors that dial in.")
    .version(version)
    .showHelpAfterError('(--help shows what is possible)'),
);
