/*
 * One process of the fleet that speaks HTTP: many hosts that repeat a recording, each with a tick a scrape. The runner
 * forks it and talks to it over the channel between them; when that ends, so does the process.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { Replay } from '../recording/replay.ts';
import { RecordedSource } from '../recording/recorded-source.ts';
import { standardRecording } from '../recording/standard-recording.ts';
import { answerParent } from './forked-process.ts';
import { hostSeed } from './host-seed.ts';
import { advance, Exposition } from './http-exposition.ts';
import type { HttpFleetAnswer, HttpFleetRequest } from './http-fleet-protocol.ts';

type StartRequest = Extract<HttpFleetRequest, { kind: 'start' }>;

interface Host {
  readonly source: RecordedSource;
  scrapes: number;
}

/** A request is its head: nobody sends a body to be told metrics. RFC 9112, section 2.1. */
const HEAD_END = '\r\n\r\n';
const HEAD_BYTES_MAX = 16 * 1024;
const BACKLOG = 4096;

const hosts = new Map<string, Host>();
const total = { reached: 0, scrapes: 0, bytesSent: 0 };

async function start({ hosts: wanted, series, seed }: StartRequest): Promise<void> {
  const replay = new Replay(standardRecording(), series);
  const exposition = new Exposition(replay);
  for (const { index, listen } of wanted) {
    const source = new RecordedSource(replay, hostSeed(seed, index));
    hosts.set(listen.host, { source, scrapes: 0 });
  }
  if (wanted.length === 0) return;
  const server = createServer({ noDelay: true }, (socket) => serve(socket, exposition));
  server.listen({ host: '0.0.0.0', port: wanted[0]!.listen.port, backlog: BACKLOG });
  await once(server, 'listening');
}

/** Answers whatever is asked for with the metrics. */
function serve(socket: Socket, exposition: Exposition): void {
  const host = hosts.get(socket.localAddress ?? '');
  socket.on('error', () => undefined);
  if (host === undefined) {
    socket.destroy();
    return;
  }
  let pending = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    pending += text;
    for (let end = headEnd(pending); end >= 0; end = headEnd(pending)) {
      pending = pending.slice(end + HEAD_END.length);
      socket.write(answered(host, exposition));
    }
    if (pending.length > HEAD_BYTES_MAX) socket.destroy();
  });
}

function headEnd(text: string): number {
  return text.indexOf(HEAD_END);
}

function answered(host: Host, exposition: Exposition): string {
  advance(host.source);
  const body = exposition.text(host.source);
  const bytes = Buffer.byteLength(body);
  if (host.scrapes === 0) total.reached += 1;
  host.scrapes += 1;
  total.scrapes += 1;
  total.bytesSent += bytes;
  return (
    'HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n' +
    `Content-Length: ${bytes}\r\n\r\n${body}`
  );
}

answerParent(async (request: HttpFleetRequest): Promise<HttpFleetAnswer> => {
  if (request.kind === 'status') return { ...total };
  await start(request);
  return undefined;
});
