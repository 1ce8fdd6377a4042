import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import { formatAddress } from '../dial/address.ts';
import type { Address } from '../dial/address.ts';
import { reasonOf, RollcallError } from '../error.ts';

export interface OperationsOptions {
  readonly address: Address;
  /** The metrics in Prometheus' text format. */
  metrics(): Promise<string>;
  /** What is not ready yet, for people; undefined when all is. */
  notReady(): string | undefined;
}

export interface OperationsServer {
  readonly address: Address;
  close(): Promise<void>;
}

/**
 * `/metrics`, `/healthz` (the process lives) and `/readyz` (it does its work) of a component.
 *
 * @throws RollcallError `listen_failed`
 */
export async function serveOperations(options: OperationsOptions): Promise<OperationsServer> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    if (path === '/healthz') return answer(response, 200, 'alive\n');
    if (path === '/readyz') {
      const reason = options.notReady();
      return answer(response, reason === undefined ? 200 : 503, `${reason ?? 'ready'}\n`);
    }
    if (path !== '/metrics') return answer(response, 404, '/metrics, /healthz, /readyz\n');
    options.metrics().then(
      (text) => answer(response, 200, text, 'text/plain; version=0.0.4; charset=utf-8'),
      (error: unknown) => answer(response, 500, `${reasonOf(error)}\n`),
    );
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(options.address.port, options.address.host, resolve);
  try {
    await promise;
  } catch (cause) {
    throw new RollcallError(
      'listen_failed',
      `cannot serve metrics on ${formatAddress(options.address)}: ${reasonOf(cause)}`,
      { cause },
    );
  }
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  return {
    address: { host: options.address.host, port },
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function answer(response: ServerResponse, status: number, text: string, type = 'text/plain'): void {
  response.writeHead(status, { 'content-type': type }).end(text);
}
