import { hostname } from 'node:os';
import { pino } from 'pino';
import type { Logger } from 'pino';
import type { BusOptions } from '../pipeline/bus/bus.ts';
import type { TlsPaths } from '../pipeline/dial/tls-files.ts';
import { RollcallError } from '../pipeline/error.ts';
import type { Retention } from '../pipeline/store/migrate.ts';
import type { StoreOptions } from '../pipeline/store/store.ts';
import type { Config } from './config/settings.ts';

/** The parts that components are made of, from the configuration's sections. */

export function loggerOf(config: Pick<Config, 'general'>, component: string): Logger {
  const destination = pino.destination({ fd: 2, sync: true });
  // A log that cannot be written (a full disk, a reader that is gone) is no reason to end.
  destination.on('error', () => undefined);
  return pino(
    { level: config.general.logLevel, base: { component, pid: process.pid } },
    destination,
  );
}

/** Names the process among those of its kind. */
export function memberOf({ general }: Pick<Config, 'general'>): string {
  return general.member ?? hostname();
}

export function busOptionsOf(
  { general, nats }: Pick<Config, 'general' | 'nats'>,
  component: string,
): Omit<BusOptions, 'log'> {
  return {
    fleet: general.fleet,
    lanes: nats.lanes,
    laneBytesMax: nats.laneStreamBytesMax,
    logBytesMax: nats.logStreamBytesMax,
    servers: nats.servers,
    user: nats.user,
    password: nats.password,
    token: nats.token,
    credsFile: nats.credsFile,
    tlsCaFile: nats.tlsCaFile,
    tlsCertFile: nats.tlsCertFile,
    tlsKeyFile: nats.tlsKeyFile,
    duplicateWindowMs: nats.duplicateWindowMs,
    replicas: nats.replicas,
    name: `rollcall-${component}`,
  };
}

export function storeOptionsOf({
  general,
  clickhouse,
}: Pick<Config, 'general' | 'clickhouse'>): StoreOptions {
  return {
    url: clickhouse.url,
    user: clickhouse.user,
    password: clickhouse.password,
    database: general.fleet,
    requestTimeoutMs: clickhouse.requestTimeoutMs,
  };
}

export function retentionOf({ clickhouse }: Pick<Config, 'clickhouse'>): Retention {
  return {
    samplesMs: clickhouse.retentionMs,
    framesMs: clickhouse.framesRetentionMs,
    rollupMinutesMs: clickhouse.rollupMinutesRetentionMs,
    rollupHoursMs: clickhouse.rollupHoursRetentionMs,
  };
}

/** Undefined when TLS is not configured; half a configuration is an error. */
export function tlsPathsOf({ tls }: Pick<Config, 'tls'>): TlsPaths | undefined {
  const { certFile: cert, keyFile: key, caFile: ca } = tls;
  if (cert === undefined && key === undefined && ca === undefined) return undefined;
  if (cert === undefined || key === undefined || ca === undefined) {
    throw new RollcallError(
      'usage',
      'TLS needs all of --tls-cert-file, --tls-key-file and --tls-ca-file: both sides show a ' +
        'certificate and check the other',
    );
  }
  return { cert, key, ca };
}
