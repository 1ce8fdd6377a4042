import { Command } from 'commander';
import type { Server } from 'node:http';
import { Agent } from '../../agent/agent.ts';
import { serveExposition } from '../../agent/exposition.ts';
import { sourceFactories } from '../../agent/sources/index.ts';
import type { Source } from '../../agent/source.ts';
import { formatAddress } from '../../pipeline/dial/address.ts';
import { TlsFiles } from '../../pipeline/dial/tls-files.ts';
import { RollcallError } from '../../pipeline/error.ts';
import { loadConfig } from '../config/load.ts';
import { addOptions } from '../config/options.ts';
import type { Config } from '../config/settings.ts';
import { loggerOf, tlsPathsOf } from '../parts.ts';
import { runComponent } from '../run-component.ts';
import { version } from '../version.ts';

const sections = ['general', 'tls', 'agent'] as const;

export function command(): Command {
  const command = new Command('agent');
  addOptions(command, sections);
  return command.action(async () => {
    const config = loadConfig({ sections, flags: command.opts(), env: process.env });
    const log = loggerOf(config, 'agent');
    const tlsPaths = tlsPathsOf(config);
    const agent = new Agent({
      listen: config.agent.listen,
      tls: tlsPaths === undefined ? undefined : new TlsFiles(tlsPaths),
      insecure: config.tls.insecure,
      sources: sourcesOf(config),
      ringBytesMax: config.agent.ringBytesMax,
      seriesMax: config.agent.seriesMax,
      connectionsMax: config.agent.connectionsMax,
      version,
      log,
    });
    let exposition: Server | undefined;
    await runComponent(
      {
        async start() {
          const address = await agent.start();
          log.info({ address: formatAddress(address), version }, 'listening');
          const { metricsListen } = config.agent;
          if (metricsListen !== undefined) exposition = await serveExposition(agent, metricsListen);
        },
        async stop() {
          exposition?.close();
          exposition?.closeAllConnections();
          await agent.stop();
        },
      },
      log,
    );
  });
}

function sourcesOf({ agent }: Pick<Config, 'agent'>): Source[] {
  const paths = {
    procfs: agent.pathProcfs,
    sysfs: agent.pathSysfs,
    rootfs: agent.pathRootfs,
  };
  const names = agent.sources.length === 0 ? Object.keys(sourceFactories) : agent.sources;
  return names.map((name) => {
    const factory = sourceFactories[name];
    if (factory === undefined) {
      const known = Object.keys(sourceFactories).join(', ');
      throw new RollcallError('usage', `there is no source ${name}; there are: ${known}`);
    }
    return factory(paths);
  });
}
