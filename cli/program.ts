import { Command } from 'commander';
import { version } from './version.ts';

interface Entry {
  readonly name: string;
  readonly description: string;
  readonly load: () => Promise<{ command: () => Command }>;
}

/** A command is loaded when it is called: an agent must not carry a database client in its memory. */
const ENTRIES: readonly Entry[] = [
  {
    name: 'up',
    description:
      'Run the whole pipeline on this machine: real NATS, real ClickHouse, and an agent for this host.',
    load: () => import('./commands/up.ts'),
  },
  {
    name: 'status',
    description: 'Say how the whole road is doing.',
    load: () => import('./commands/status.ts'),
  },
  {
    name: 'targets',
    description: 'The servers that are monitored.',
    load: () => import('./commands/targets.ts'),
  },
  {
    name: 'rules',
    description: "Alert rules, in Prometheus' file format.",
    load: () => import('./commands/rules.ts'),
  },
  {
    name: 'agent',
    description: "Read this host's kernel and serve it to the collectors that dial in.",
    load: () => import('./commands/agent.ts'),
  },
  {
    name: 'collector',
    description: 'Dial the agents and publish their frames to JetStream.',
    load: () => import('./commands/collector.ts'),
  },
  {
    name: 'writer',
    description: 'Carry frames from JetStream into ClickHouse, each once.',
    load: () => import('./commands/writer.ts'),
  },
  {
    name: 'alerter',
    description: 'Evaluate the rules on every frame as it arrives and notify people.',
    load: () => import('./commands/alerter.ts'),
  },
  {
    name: 'migrate',
    description: 'Bring the database up to date (the writer does so by itself when it starts).',
    load: () => import('./commands/migrate.ts'),
  },
  {
    name: 'config',
    description: 'Show the configuration and all settings.',
    load: () => import('./commands/config.ts'),
  },
  {
    name: 'build',
    description: 'Make what is installed on the servers.',
    load: () => import('./commands/build.ts'),
  },
  {
    name: 'bench',
    description: 'Measure, beside peers and under faults.',
    load: () => import('./commands/bench.ts'),
  },
  {
    name: 'test',
    description: 'Check formatting, lint and types, and run the tests.',
    load: () => import('./commands/test.ts'),
  },
];

/**
 * The command line for these arguments. Errors of usage are thrown, not printed and exited on.
 *
 * @param args without the program's own path
 */
export async function program(args: readonly string[]): Promise<Command> {
  const root = new Command('rollcall')
    .description('Monitoring pipeline for massive server fleets.')
    .version(version)
    .showHelpAfterError('(--help shows what is possible)');
  const wanted = args[0] === 'help' ? args[1] : args[0];
  for (const { name, description, load } of ENTRIES) {
    const command = name === wanted ? (await load()).command() : new Command(name);
    root.addCommand(command.description(description).copyInheritedSettings(root));
  }
  return root;
}
