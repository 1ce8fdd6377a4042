import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { RollcallError } from '../pipeline/error.ts';
import { formatAddress } from '../pipeline/dial/address.ts';
import type { Address } from '../pipeline/dial/address.ts';
import { qualityOf } from './accept-header.ts';
import type { Agent } from './agent.ts';
import { contentTypes, ExpositionText } from './exposition-text.ts';
import type { TextFormat } from './exposition-text.ts';

const CONNECTIONS_MAX = 16;
/** A scraper that takes longer to ask or to read is cut off. */
const PATIENCE_MS = 10_000;

const compress = promisify(gzip);

/**
 * Serves `/metrics` for a Prometheus that wants to read the agent too. A scrape reads the sources
 * at most once a second, and touches neither the ticks nor the frames of the collectors.
 *
 * @throws RollcallError `listen_failed`
 */
export async function serveExposition(agent: Agent, address: Address): Promise<Server> {
  const texts: Record<TextFormat, ExpositionText> = {
    prometheus: new ExpositionText(agent.table, 'prometheus'),
    openmetrics: new ExpositionText(agent.table, 'openmetrics'),
  };
  const server = createServer((request, response) => {
    const deadline = setTimeout(() => response.destroy(), PATIENCE_MS);
    response.once('close', () => clearTimeout(deadline));
    if (!isForMetrics(request)) {
      response.writeHead(404, { 'content-type': 'text/plain' });
      response.end('The metrics of this host are at GET /metrics.\n');
      return;
    }
    const format = formatFor(request.headers.accept);
    agent.readIfStale();
    answer(request, response, texts[format].render(), contentTypes[format]).catch(() => {
      response.destroy();
    });
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.headersTimeout = PATIENCE_MS;
  server.requestTimeout = PATIENCE_MS;
  server.listen(address.port, address.host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new RollcallError(
      'listen_failed',
      `cannot serve metrics on ${formatAddress(address)}: ${(cause as Error).message}`,
      { cause },
    );
  }
  return server;
}

function isForMetrics({ method, url }: IncomingMessage): boolean {
  return (method === 'GET' || method === 'HEAD') && url?.split('?', 1)[0] === '/metrics';
}

function formatFor(accept: string | undefined): TextFormat {
  const openMetrics = qualityOf(accept, 'application/openmetrics-text');
  return openMetrics > 0 && openMetrics >= qualityOf(accept, 'text/plain')
    ? 'openmetrics'
    : 'prometheus';
}

async function answer(
  { method, headers }: IncomingMessage,
  response: ServerResponse,
  text: string,
  contentType: string,
): Promise<void> {
  const zipped = qualityOf(headers['accept-encoding'], 'gzip') > 0;
  const body = zipped ? await compress(text) : Buffer.from(text);
  response.writeHead(200, {
    'content-type': contentType,
    'content-length': body.length,
    vary: 'accept, accept-encoding',
    ...(zipped && { 'content-encoding': 'gzip' }),
  });
  response.end(method === 'HEAD' ? undefined : body);
}
