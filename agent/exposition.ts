import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { RollcallError } from '../pipeline/error.ts';
import { formatAddress } from '../pipeline/dial/address.ts';
import type { Address } from '../pipeline/dial/address.ts';
import type { Agent } from './agent.ts';
import type { SeriesTable } from './series-table.ts';

/**
 * The table as Prometheus text format 0.0.4.
 * Source: prometheus.io/docs/instrumenting/exposition_formats
 */
export function prometheusText(table: SeriesTable): string {
  const byName = Map.groupBy(
    table.series.map((info, slot) => ({ info, slot })).filter(({ slot }) => table.isPresent(slot)),
    ({ info }) => info.name,
  );
  const lines: string[] = [];
  for (const [name, rows] of byName) {
    const { help, kind } = rows[0]!.info;
    if (help !== '') lines.push(`# HELP ${name} ${help.replace(/[\\\n]/g, escapeHelp)}`);
    lines.push(`# TYPE ${name} ${kind}`);
    for (const { info, slot } of rows) {
      const labels = info.labels.map(([label, value]) => `${label}="${escapeLabel(value)}"`);
      const suffix = labels.length === 0 ? '' : `{${labels.join(',')}}`;
      lines.push(`${name}${suffix} ${formatValue(table.values[slot]!)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function escapeHelp(character: string): string {
  return character === '\n' ? '\\n' : '\\\\';
}

function escapeLabel(value: string): string {
  return value.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`));
}

function formatValue(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  return String(value);
}

/**
 * Serves `/metrics` for a Prometheus that wants to read the agent too.
 *
 * @throws RollcallError `listen_failed`
 */
export async function serveExposition(agent: Agent, address: Address): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics') {
      response.writeHead(404).end('Only GET /metrics is here.\n');
      return;
    }
    agent.readIfStale();
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    response.end(prometheusText(agent.table));
  });
  server.maxConnections = 16;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(address.port, address.host, resolve);
  try {
    await promise;
  } catch (cause) {
    throw new RollcallError(
      'listen_failed',
      `cannot serve metrics on ${formatAddress(address)}: ${(cause as Error).message}`,
      { cause },
    );
  }
  return server;
}
