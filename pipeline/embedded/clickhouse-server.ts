import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { RollcallError } from '../error.ts';
import type { ServerSpec } from './server-spec.ts';

export interface ClickHouseServerOptions {
  readonly httpPort: number;
  readonly tcpPort: number;
  readonly dataDir: string;
  /** The database of queries that name none. */
  readonly database: string;
}

const HOST = fileURLToPath(new URL('clickhouse-host.ts', import.meta.url));

/**
 * ClickHouse out of the npm package chdb, as a server of its own process on loopback. It has one user,
 * `default`, without a password, and ends when its standard input does.
 */
export function clickhouseServer(options: ClickHouseServerOptions): ServerSpec {
  const { httpPort, tcpPort, dataDir, database } = options;
  mkdirSync(dataDir, { recursive: true });
  const config = join(dataDir, 'clickhouse.xml');
  writeFileSync(config, configOf(database));
  return {
    name: 'clickhouse',
    command: process.execPath,
    args: [HOST, libraryPath(), config, join(dataDir, 'store'), String(httpPort), String(tcpPort)],
    stopBy: 'closing stdin',
    // It waits for as long as anybody keeps a connection open.
    stopTimeoutMs: 1000,
    isReady: () => pings(httpPort),
  };
}

/*
 * Little, for it shares a machine with everything else: no system logs, which would be merged for ever,
 * caches that stay small, and a look at its own memory once a second instead of twenty times.
 */
const configOf = (database: string): string => `<clickhouse>
  <default_database>${database}</default_database>
  <timezone>UTC</timezone>
  <mark_cache_size>134217728</mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <shutdown_wait_unfinished>1</shutdown_wait_unfinished>
  <memory_worker_period_ms>1000</memory_worker_period_ms>
  <keep_alive_timeout>30</keep_alive_timeout>
  <max_server_memory_usage_to_ram_ratio>0.5</max_server_memory_usage_to_ram_ratio>
</clickhouse>
`;

function libraryPath(): string {
  const require = createRequire(import.meta.url);
  const isMusl = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  const libc = isMusl.header?.glibcVersionRuntime === undefined ? 'musl' : 'gnu';
  const suffix = process.platform === 'linux' ? `-${libc}` : '';
  const name = `@chdb/lib-${process.platform}-${process.arch}${suffix}`;
  try {
    return join(require.resolve(`${name}/package.json`), '..', 'libchdb.so');
  } catch (cause) {
    throw new RollcallError(
      'clickhouse_missing',
      `the embedded ClickHouse has no build for this machine (${name}): ` +
        'run ClickHouse yourself and name it with --clickhouse-url',
      { cause },
    );
  }
}

async function pings(port: number): Promise<boolean> {
  try {
    const response = await request(`http://127.0.0.1:${port}/ping`, {
      headersTimeout: 1000,
      reset: true,
    });
    await response.body.dump();
    return response.statusCode === 200;
  } catch {
    return false;
  }
}
