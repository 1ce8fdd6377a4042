import { Command } from 'commander';
import { dumpConfig } from '../config/dump.ts';
import { sectionNames } from '../config/named-setting.ts';
import { addOptions } from '../config/options.ts';
import { settingsReference } from '../config/reference.ts';

export function command(): Command {
  const root = new Command('config');
  const show = new Command('show').description('The settings in force and where each came from.');
  addOptions(show, sectionNames);
  show.action(() => {
    const request = { sections: sectionNames, flags: show.opts(), env: process.env };
    process.stdout.write(dumpConfig(request));
  });
  const reference = new Command('reference')
    .description('Every setting there is, as Markdown.')
    .action(() => {
      process.stdout.write(settingsReference());
    });
  return root.addCommand(show).addCommand(reference);
}
