import { Command } from 'commander';
import { migrate } from '../../pipeline/store/migrate.ts';
import { loadConfig } from '../config/load.ts';
import { addOptions } from '../config/options.ts';
import { retentionOf } from '../parts.ts';
import { withStore } from '../with-store.ts';

const sections = ['general', 'clickhouse'] as const;

export function command(): Command {
  const command = new Command('migrate');
  addOptions(command, sections);
  return command.action(async () => {
    const config = loadConfig({ sections, flags: command.opts(), env: process.env });
    await withStore(config, async (store) => {
      const applied = await migrate(store, retentionOf(config));
      for (const { version, name } of applied) {
        process.stdout.write(`applied ${String(version).padStart(4, '0')} ${name}\n`);
      }
      if (applied.length === 0) process.stdout.write('nothing to do\n');
    });
  });
}
