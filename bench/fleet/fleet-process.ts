/*
 * One process of the simulated fleet: many agents, and the ledger of what they said. The runner forks it
 * and talks to it over the channel between them; when that ends, so does the process.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { pino } from 'pino';
import type { SeriesTable } from '../../agent/series-table.ts';
import { listen } from '../../pipeline/dial/listen.ts';
import { Replay } from '../recording/replay.ts';
import { RECORDED, RecordedSource } from '../recording/recorded-source.ts';
import { standardRecording } from '../recording/standard-recording.ts';
import type { FleetAnswer, FleetRequest, FleetStatus } from './fleet-protocol.ts';
import type { SimulatedHost } from './fleet-protocol.ts';
import type { FleetSource } from './fleet-source.ts';
import { answerParent } from './forked-process.ts';
import { HostCatalogues, LentTable, OWN_SERIES } from './host-catalogue.ts';
import { hostSeed } from './host-seed.ts';
import { Ledger } from './ledger.ts';
import type { Connection } from './ledger.ts';
import { SimulatedAgent, SkewedClock } from './simulated-agent.ts';
import { SyntheticSource } from './synthetic-source.ts';
import { TlsFront } from './tls-front.ts';

type StartRequest = Extract<FleetRequest, { kind: 'start' }>;

/** A host that has more connections refuses the next. */
const CONNECTIONS_PER_HOST_MAX = 16;

const log = pino({ level: 'silent' });
const ledger = new Ledger();
/** As they were accepted, under TLS too. */
const sockets = new Set<Socket>();
/** What sessions write to. */
const served = new Set<Socket>();
const hosts = new Map<number, Host>();
const hostByAddress = new Map<string, Host>();
/** Of connections and agents that are no more. */
const past = { bytesSent: 0, skipped: 0 };
let isQuiet = false;

/** How the agents of this process come to their readings. */
interface Readings {
  sourceOf(host: SimulatedHost): FleetSource;
  /** Shared by all agents where they all have as many series at every tick. */
  readonly table: SeriesTable | undefined;
  /** Left out where all have the same. */
  readonly catalogues?: HostCatalogues | undefined;
}

/** One simulated server: its readings and its clock outlive its agent. */
class Host {
  readonly index: number;
  readonly source: FleetSource;
  readonly clock = new SkewedClock();
  agent: SimulatedAgent | undefined;
  readonly #ringBytesMax: number;
  readonly #readings: Readings;

  constructor(host: SimulatedHost, { ringBytesMax }: StartRequest, readings: Readings) {
    this.index = host.index;
    this.source = readings.sourceOf(host);
    this.#readings = readings;
    this.#ringBytesMax = ringBytesMax;
  }

  start(): void {
    if (this.agent !== undefined) return;
    const { index, source, clock } = this;
    const { table, catalogues } = this.#readings;
    this.agent = new SimulatedAgent({
      index,
      source,
      clock,
      ledger,
      table,
      catalogues,
      ringBytesMax: this.#ringBytesMax,
      log,
    });
    this.agent.isQuiet = isQuiet;
  }

  async stop(): Promise<void> {
    const { agent } = this;
    this.agent = undefined;
    past.skipped += agent?.ticker.skippedTotal ?? 0;
    await agent?.stop();
  }
}

// Node tells of every socket that a server of this process accepts, before anybody reads from it.
subscribe('net.server.socket', (message) => {
  const { socket } = message as { socket: Socket };
  const host = hostByAddress.get(socket.localAddress ?? '');
  // A server that is down refuses; ours share a listener, which can only hang up at once.
  if (host?.agent === undefined) socket.resetAndDestroy();
  else note(socket, host.index);
});

function note(socket: Socket, agent: number): void {
  const connection: Connection = { agent, openedMs: Date.now(), closedMs: undefined };
  ledger.connections.push(connection);
  sockets.add(socket);
  socket.once('close', () => {
    sockets.delete(socket);
    connection.closedMs = Date.now();
  });
}

function serve(socket: Socket): void {
  const agent = hostByAddress.get(socket.localAddress ?? '')?.agent;
  if (agent === undefined || agent.sessionCount >= CONNECTIONS_PER_HOST_MAX) {
    socket.on('error', () => undefined);
    socket.destroy();
    return;
  }
  served.add(socket);
  socket.once('close', () => {
    served.delete(socket);
    past.bytesSent += socket.bytesWritten;
  });
  agent.accept(socket);
}

async function start(request: StartRequest): Promise<void> {
  const readings = readingsOf(request);
  for (const each of request.agents) {
    const host = new Host(each, request, readings);
    hosts.set(each.index, host);
    hostByAddress.set(each.listen.host, host);
    host.start();
  }
  if (request.agents.length === 0) return;
  const front = request.tls && (await TlsFront.open(request.tls, [...hostByAddress.keys()], serve));
  await listen({
    address: { host: '0.0.0.0', port: request.agents[0]!.listen.port },
    insecure: true,
    connectionsMax: CONNECTIONS_PER_HOST_MAX * request.agents.length,
    onConnection: (socket) => (front === undefined ? serve(socket) : front.accept(socket)),
    onRefused: () => undefined,
  });
}

function readingsOf({ source, series, seed, catalogues }: StartRequest): Readings {
  const seedOf = ({ index }: SimulatedHost): number => hostSeed(seed, index);
  if (source === 'synthetic') {
    return { sourceOf: (host) => new SyntheticSource(series, seedOf(host)), table: undefined };
  }
  const isOwn = catalogues === 'own';
  const replay = new Replay(standardRecording(), series, isOwn ? OWN_SERIES : []);
  const table = new LentTable({
    seriesMax: replay.count,
    wants: (_metric, from) => from === RECORDED,
  });
  table.reading = RECORDED;
  replay.declare(table);
  return {
    sourceOf: (host) => new RecordedSource(replay, seedOf(host)),
    table,
    catalogues: isOwn ? new HostCatalogues(table, replay) : undefined,
  };
}

function agents(): SimulatedAgent[] {
  return [...hosts.values()].flatMap(({ agent }) => (agent === undefined ? [] : [agent]));
}

function status(): FleetStatus {
  let [ticking, connected, unacknowledged, dropped] = [0, 0, 0, 0];
  let { bytesSent, skipped } = past;
  for (const agent of agents()) {
    if (agent.store.ring.nextSeq > 1) ticking += 1;
    if (agent.sessionCount > 0) connected += 1;
    unacknowledged += agent.store.ring.frames;
    dropped += agent.droppedTotal;
    skipped += agent.ticker.skippedTotal;
  }
  for (const socket of served) bytesSent += socket.bytesWritten;
  const frames = ledger.frameCount;
  return { ticking, connected, frames, unacknowledged, dropped, skipped, bytesSent };
}

function chosen(numbers: readonly number[]): Host[] {
  return numbers.map((index) => hosts.get(index)!);
}

async function answer(request: FleetRequest): Promise<FleetAnswer> {
  if (request.kind === 'status') return status();
  if (request.kind === 'ledger') {
    const { frames, runs, episodes, connections } = ledger;
    return { frames, runs, episodes, connections };
  }
  await obey(request);
  return undefined;
}

async function obey(request: Exclude<FleetRequest, { kind: 'status' | 'ledger' }>): Promise<void> {
  switch (request.kind) {
    case 'start':
      await start(request);
      break;
    case 'breach':
      hosts.get(request.agent)!.source.set(request.breach, request.isOn);
      break;
    case 'skew':
      for (const host of chosen(request.agents)) host.clock.offsetMs = request.offsetMs;
      break;
    case 'stopAgents':
      await Promise.all(chosen(request.agents).map((host) => host.stop()));
      break;
    case 'startAgents':
      for (const host of chosen(request.agents)) host.start();
      break;
    case 'reset':
      for (const socket of sockets) socket.resetAndDestroy();
      break;
    case 'quiet':
      isQuiet = request.isQuiet;
      for (const agent of agents()) agent.isQuiet = isQuiet;
      break;
  }
}

answerParent(answer);
