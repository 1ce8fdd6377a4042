import { Command } from 'commander';
import { Collector } from '../../collector/collector.ts';
import { loadConfig } from '../config/load.ts';
import { addOptions } from '../config/options.ts';
import { busOptionsOf, loggerOf, memberOf, tlsPathsOf } from '../parts.ts';
import { runComponent } from '../run-component.ts';

const sections = ['general', 'nats', 'tls', 'collector'] as const;

export function command(): Command {
  const command = new Command('collector');
  addOptions(command, sections);
  return command.action(async () => {
    const config = loadConfig({ sections, flags: command.opts(), env: process.env });
    const log = loggerOf(config, 'collector');
    const { workers, metricsListen, ...dialler } = config.collector;
    const collector = new Collector({
      bus: busOptionsOf(config, 'collector'),
      member: memberOf(config),
      dialler: { ...dialler, fleet: config.general.fleet },
      tls: tlsPathsOf(config),
      insecure: config.tls.insecure,
      workers,
      metricsListen,
      log,
    });
    await runComponent(collector, log);
  });
}
