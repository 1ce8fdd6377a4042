import { isIP } from 'node:net';
import { RollcallError } from '../error.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Parses `host:port`, with IPv6 in brackets.
 *
 * @throws RollcallError `bad_address`
 */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host !== undefined && port > 65_535) {
    throw new RollcallError('bad_address', `${JSON.stringify(text)}: ports go up to 65535`);
  }
  if (host === undefined) {
    throw new RollcallError(
      'bad_address',
      `${JSON.stringify(text)} is no address; write host:port, or [address]:port for IPv6`,
    );
  }
  return { host, port };
}

export function formatAddress({ host, port }: Address): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether nothing outside this machine can reach the host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/**
 * Plain TCP is for loopback only, unless the operator says otherwise.
 *
 * @throws RollcallError `tls_required`
 */
export function requireTlsOffLoopback(host: string, hasTls: boolean, insecure: boolean): void {
  if (hasTls || insecure || isLoopback(host)) return;
  throw new RollcallError(
    'tls_required',
    `${host} is not loopback, and there is no TLS: give --tls-cert-file, --tls-key-file and --tls-ca-file, ` +
      'or --insecure if the network itself is trusted',
  );
}
