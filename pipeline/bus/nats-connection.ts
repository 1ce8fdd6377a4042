import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, credsAuthenticator } from '@nats-io/transport-node';
import type { Authenticator, NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node';
import { Backoff } from '../dial/backoff.ts';
import { reasonOf, RollcallError } from '../error.ts';
import type { BusOptions } from './bus.ts';

/**
 * Connects, for as long as that takes. From then on the client reconnects for ever by itself.
 *
 * @throws RollcallError `nats_refused` when a server answers but does not let us in
 */
export async function connectPatiently(
  options: BusOptions,
  signal?: AbortSignal,
): Promise<NatsConnection> {
  const backoff = new Backoff(100, 2000);
  let warned = false;
  for (;;) {
    try {
      return await connect(connectionOptions(options));
    } catch (cause) {
      const reason = reasonOf(cause);
      if (/authorization|authentication/i.test(reason)) {
        throw new RollcallError('nats_refused', `NATS does not let us in: ${reason}`, { cause });
      }
      if (!warned) {
        options.log.warn({ servers: options.servers, reason }, 'waiting for NATS');
        warned = true;
      }
      await sleep(50 + backoff.nextMs(), undefined, signal === undefined ? {} : { signal });
    }
  }
}

function connectionOptions(options: BusOptions): NodeConnectionOptions {
  const { user, password, token, credsFile, tlsCaFile, tlsCertFile, tlsKeyFile } = options;
  return {
    servers: [...options.servers],
    name: options.name,
    maxReconnectAttempts: -1,
    // Otherwise the second refusal in a row would end the connection for good.
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    pingInterval: 5000,
    maxPingOut: 2,
    // A stack trace per request, in case it fails.
    noAsyncTraces: true,
    timeout: 5000,
    ...(user === undefined ? {} : { user, pass: password ?? '' }),
    ...(token === undefined ? {} : { token }),
    ...(credsFile === undefined ? {} : { authenticator: renewedCredentials(credsFile) }),
    ...(tlsCaFile === undefined && tlsCertFile === undefined
      ? {}
      : { tls: { caFile: tlsCaFile, certFile: tlsCertFile, keyFile: tlsKeyFile } }),
  };
}

/** Read at each dial, for credentials expire and are renewed; a file that is just being written does not count. */
export function renewedCredentials(file: string): Authenticator {
  const read = (): Authenticator => credsAuthenticator(new Uint8Array(readFileSync(file)));
  let good = read();
  return (nonce) => {
    try {
      const renewed = read();
      const said = renewed(nonce);
      good = renewed;
      return said;
    } catch {
      return good(nonce);
    }
  };
}
