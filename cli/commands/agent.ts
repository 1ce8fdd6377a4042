import { Command } from 'commander';
import type { Server } from 'node:http';
import { Agent } from '../../agent/agent.ts';
import { serveExposition } from '../../agent/exposition.ts';
import { sourceFactories } from '../../agent/sources/index.ts';
import { selection } from '../../agent/profile.ts';
import { sourceNames } from '../../agent/source-names.ts';
import type { SourceOpener } from '../../agent/source-set.ts';
import type { HostPaths } from '../../agent/source.ts';
import { formatAddress } from '../../pipeline/dial/address.ts';
import { TlsFiles } from '../../pipeline/dial/tls-files.ts';
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
      wants: selection(config.agent),
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

/**
 * The chosen sources as openers; all of them look at one host. Text files come last: of two who want
 * a series or the last free places, it is the kernel that gets them.
 */
function sourcesOf({ agent }: Pick<Config, 'agent'>): SourceOpener[] {
  const host: HostPaths = {
    procfs: agent.pathProcfs,
    sysfs: agent.pathSysfs,
    rootfs: agent.pathRootfs,
  };
  const wanted = agent.sources.length === 0 ? sourceNames : agent.sources;
  return sourceNames
    .filter((name) => wanted.includes(name) && !agent.sourcesExclude.includes(name))
    .toSorted((a, b) => Number(a === 'textfile') - Number(b === 'textfile'))
    .map((name) => () => sourceFactories[name](host, agent));
}
