import { join } from 'node:path';
import type { HostPaths, SourceOptions } from '../../agent/source.ts';
import { ChildServer } from '../../pipeline/embedded/child-server.ts';
import type { DebianProgram } from '../../pipeline/embedded/debian-program.ts';
import { freePort } from '../../pipeline/embedded/free-port.ts';

/** The peer that the agent's metrics are named after. */
export const nodeExporterProgram: DebianProgram = {
  package: 'prometheus-node-exporter',
  path: 'usr/bin/prometheus-node-exporter',
  flag: '--node-exporter-path',
};

/**
 * What upstream leaves out unless told otherwise, which Debian's package changes: with these flags
 * both say the same.
 */
const UPSTREAM_DEFAULTS = [
  '--collector.netdev.device-exclude=^$',
  '--collector.filesystem.mount-points-exclude=' +
    '^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)',
];

export interface NodeExporterOptions {
  readonly binary: string;
  /** Names of collectors; all others are off. */
  readonly collectors: readonly string[];
  readonly host: HostPaths;
  readonly textfileDirectory?: SourceOptions['textfileDirectories'];
  readonly env?: Readonly<Record<string, string>>;
}

/** A running node_exporter; `url` is that of its metrics. */
export async function startNodeExporter(
  options: NodeExporterOptions,
): Promise<{ server: ChildServer; url: string }> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/metrics`;
  const server = new ChildServer({
    name: 'node_exporter',
    command: options.binary,
    args: [
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.disable-exporter-metrics',
      '--collector.disable-defaults',
      ...options.collectors.map((name) => `--collector.${name}`),
      ...UPSTREAM_DEFAULTS,
      ...(options.textfileDirectory ?? []).map((path) => `--collector.textfile.directory=${path}`),
      `--path.procfs=${options.host.procfs}`,
      `--path.sysfs=${options.host.sysfs}`,
      `--path.rootfs=${options.host.rootfs}`,
      `--path.udev.data=${join(options.host.rootfs, 'run/udev/data')}`,
      // Netlink speaks of this machine, whatever the paths say.
      ...(options.host.procfs === '/proc' ? [] : ['--no-collector.netdev.netlink']),
    ],
    ...(options.env !== undefined && { env: options.env }),
    stopBy: 'SIGTERM',
    stopTimeoutMs: 3000,
    isReady: () => answers(url.replace('/metrics', '/')),
  });
  await server.ready();
  return { server, url };
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
