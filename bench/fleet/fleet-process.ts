/*
 * One process of the simulated fleet: many agents, and the ledger of what they said. The runner forks it
 * and talks to it over the channel between them; when that ends, so does the process.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { pino } from 'pino';
import { TlsFiles } from '../../pipeline/dial/tls-files.ts';
import { reasonOf } from '../../pipeline/error.ts';
import type { FleetAnswer, FleetRequest, FleetStatus, NumberedRequest } from './fleet-protocol.ts';
import type { SimulatedHost } from './fleet-protocol.ts';
import { Ledger } from './ledger.ts';
import { mixed } from './random.ts';
import { SimulatedAgent, SkewedClock } from './simulated-agent.ts';
import { SyntheticSource } from './synthetic-source.ts';

type StartRequest = Extract<FleetRequest, { kind: 'start' }>;

/** Agents that are opened at once. */
const STARTS_AT_ONCE = 200;
/** Agents draw other numbers than the runner, whose seed is the same. */
const SEED_SALT = 0x5eed;

const log = pino({ level: 'silent' });
const ledger = new Ledger();
const sockets = new Set<Socket>();
const indexByHost = new Map<string, number>();
const hosts = new Map<number, Host>();
let isQuiet = false;

/** One simulated server: its readings and its clock outlive its agent. */
class Host {
  readonly source: SyntheticSource;
  readonly clock = new SkewedClock();
  agent: SimulatedAgent | undefined;
  readonly #host: SimulatedHost;
  readonly #start: StartRequest;
  readonly #tls: TlsFiles | undefined;

  constructor(host: SimulatedHost, start: StartRequest, tls: TlsFiles | undefined) {
    this.#host = host;
    this.#start = start;
    this.#tls = tls;
    this.source = new SyntheticSource(start.series, mixed(start.seed ^ SEED_SALT) + host.index);
  }

  async start(): Promise<void> {
    if (this.agent !== undefined) return;
    const { source, clock } = this;
    const { index, listen } = this.#host;
    const { ringBytesMax } = this.#start;
    const tls = this.#tls;
    this.agent = new SimulatedAgent({
      index,
      source,
      clock,
      ledger,
      listen,
      tls,
      ringBytesMax,
      log,
    });
    this.agent.isQuiet = isQuiet;
    await this.agent.start();
  }

  async stop(): Promise<void> {
    const { agent } = this;
    this.agent = undefined;
    await agent?.stop();
  }
}

// Node tells of every socket that a server of this process accepts, before anybody reads from it.
subscribe('net.server.socket', (message) => {
  const { socket } = message as { socket: Socket };
  const agent = indexByHost.get(socket.localAddress ?? '');
  if (agent === undefined) return;
  const connection = { agent, openedMs: Date.now(), closedMs: undefined as number | undefined };
  ledger.connections.push(connection);
  sockets.add(socket);
  socket.once('close', () => {
    sockets.delete(socket);
    connection.closedMs = Date.now();
  });
});

async function start(request: StartRequest): Promise<void> {
  const tls = request.tls === undefined ? undefined : new TlsFiles(request.tls);
  for (const each of request.agents) {
    indexByHost.set(each.listen.host, each.index);
    hosts.set(each.index, new Host(each, request, tls));
  }
  const all = [...hosts.values()];
  for (let at = 0; at < all.length; at += STARTS_AT_ONCE) {
    await Promise.all(all.slice(at, at + STARTS_AT_ONCE).map((host) => host.start()));
  }
}

function agents(): SimulatedAgent[] {
  return [...hosts.values()].flatMap(({ agent }) => (agent === undefined ? [] : [agent]));
}

function status(): FleetStatus {
  let [ticking, connected, unacknowledged, dropped] = [0, 0, 0, 0];
  for (const agent of agents()) {
    if (agent.store.ring.nextSeq > 1) ticking += 1;
    if (agent.sessionCount > 0) connected += 1;
    unacknowledged += agent.store.ring.frames;
    dropped += agent.droppedTotal;
  }
  return { ticking, connected, frames: ledger.frameCount, unacknowledged, dropped };
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
      await Promise.all(chosen(request.agents).map((host) => host.start()));
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

process.on('message', ({ id, request }: NumberedRequest) => {
  answer(request).then(
    (result) => process.send!({ id, answer: result }),
    (error: unknown) => process.send!({ id, error: reasonOf(error) }),
  );
});
process.once('disconnect', () => process.exit(0));
