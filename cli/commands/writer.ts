import { Command } from 'commander';
import { Writer } from '../../pipeline/writer/writer.ts';
import { loadConfig } from '../config/load.ts';
import { addOptions } from '../config/options.ts';
import { busOptionsOf, loggerOf, memberOf, retentionOf, storeOptionsOf } from '../parts.ts';
import { runComponent } from '../run-component.ts';

const sections = ['general', 'nats', 'clickhouse', 'writer'] as const;

export function command(): Command {
  const command = new Command('writer');
  addOptions(command, sections);
  return command.action(async () => {
    const config = loadConfig({ sections, flags: command.opts(), env: process.env });
    const log = loggerOf(config, 'writer');
    const { metricsListen, ...lane } = config.writer;
    const writer = new Writer({
      bus: busOptionsOf(config, 'writer'),
      member: memberOf(config),
      store: storeOptionsOf(config),
      retention: retentionOf(config),
      lane,
      metricsListen,
      log,
    });
    await runComponent(writer, log);
  });
}
