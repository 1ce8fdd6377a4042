import { EventEmitter } from 'node:events';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import { SimulatedSocket } from './simulated-socket.ts';
import type { SocketOptions } from './simulated-socket.ts';

/** Latency of one direction, ms: mostly short, now and then long. */
const LATENCY_MS = { min: 0.05, max: 1.5, slowMax: 40, slowShare: 0.01 } as const;

/** A listening socket of the simulation, as much of `net.Server` as the product uses. */
export class SimulatedListener extends EventEmitter {
  maxConnections = Infinity;
  readonly owner: SimulatedProcess;
  readonly #network: SimulatedNetwork;
  #port = 0;

  constructor(network: SimulatedNetwork, owner: SimulatedProcess) {
    super();
    this.#network = network;
    this.owner = owner;
  }

  listen({ port }: { port: number }): this {
    this.#port = port;
    this.#network.listen(port, this);
    process.nextTick(() => this.emit('listening'));
    return this;
  }

  address(): { port: number } {
    return { port: this.#port };
  }

  close(done?: () => void): this {
    this.#network.unlisten(this.#port, this);
    if (done !== undefined) process.nextTick(done);
    return this;
  }
}

/** The machines' TCP: who listens, who is connected, and which processes cannot be reached. */
export class SimulatedNetwork {
  readonly #scheduler: Scheduler;
  readonly #listeners = new Map<number, SimulatedListener>();
  readonly #sockets = new Set<SimulatedSocket>();
  readonly #watched = new WeakSet<SimulatedProcess>();
  readonly #cut = new Set<string>();
  /** Dials that wait for a link to carry them. */
  #stalled: (() => void)[] = [];

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get random(): Random {
    return this.#scheduler.random;
  }

  get nowMs(): number {
    return this.#scheduler.nowMs;
  }

  latencyMs(): number {
    const { random } = this;
    const { min, max, slowMax, slowShare } = LATENCY_MS;
    return random.between(min, random.chance(slowShare) ? slowMax : max);
  }

  deliver(to: SimulatedSocket, label: string, delayMs: number, run: () => void): void {
    this.#scheduler.after(delayMs, to.owner, `${to.title} ${label}`, run);
  }

  listen(port: number, listener: SimulatedListener): void {
    this.#watch(listener.owner);
    this.#listeners.set(port, listener);
  }

  unlisten(port: number, listener: SimulatedListener): void {
    if (this.#listeners.get(port) === listener) this.#listeners.delete(port);
  }

  /** `createServer` of `node:net`. */
  createListener(onConnection: (socket: SimulatedSocket) => void): SimulatedListener {
    const listener = new SimulatedListener(this, this.#scheduler.current!);
    listener.on('connection', onConnection);
    return listener;
  }

  /** `connect` of `node:net`. */
  dial({ port, onread }: SocketOptions, onConnect?: () => void): SimulatedSocket {
    const owner = this.#scheduler.current!;
    const socket = new SimulatedSocket(this, owner, `dialled:${port}`, onread);
    this.#watch(owner);
    this.#sockets.add(socket);
    if (onConnect !== undefined) socket.once('connect', onConnect);
    this.#scheduler.after(this.latencyMs(), undefined, `dial ${port}`, () => {
      this.#onDial(socket, port);
    });
    return socket;
  }

  forget(socket: SimulatedSocket): void {
    this.#sockets.delete(socket);
  }

  /** Nothing passes between two processes until `heal`. */
  cut(one: string, other: string): void {
    this.#cut.add(`${one}|${other}`).add(`${other}|${one}`);
  }

  /** Bytes flow again; with `isReset` the connections had given up meanwhile. */
  heal(one: string, other: string, isReset: boolean): void {
    this.#cut.delete(`${one}|${other}`);
    this.#cut.delete(`${other}|${one}`);
    for (const socket of this.#sockets) {
      const peer = socket.peer?.owner.name;
      const isConcerned =
        (socket.owner.name === one && peer === other) ||
        (socket.owner.name === other && peer === one);
      if (!isConcerned) continue;
      if (isReset) socket.reset();
      else socket.onHealed();
      // One that was closed meanwhile is no longer listed, and its end has yet to be told.
      if (!isReset) socket.peer?.onHealed();
    }
    const stalled = this.#stalled;
    this.#stalled = [];
    for (const dial of stalled) dial();
  }

  /** Resets every connection between two processes. */
  resetAll(one: string, other: string): void {
    this.heal(one, other, true);
  }

  isCut(socket: SimulatedSocket): boolean {
    return this.#isCutBetween(socket.owner, socket.peer?.owner);
  }

  #isCutBetween(one: SimulatedProcess, other: SimulatedProcess | undefined): boolean {
    return other !== undefined && this.#cut.has(`${one.name}|${other.name}`);
  }

  #onDial(socket: SimulatedSocket, port: number): void {
    if (socket.destroyed) return;
    const listener = this.#listeners.get(port);
    if (listener === undefined) return socket.fail('ECONNREFUSED');
    if (this.#isCutBetween(socket.owner, listener.owner)) {
      this.#stalled.push(() => this.#onDial(socket, port));
      return;
    }
    const accepted = new SimulatedSocket(this, listener.owner, `accepted:${port}`);
    this.#sockets.add(accepted);
    socket.peer = accepted;
    accepted.peer = socket;
    accepted.connecting = false;
    this.deliver(accepted, 'connection', 0, () => listener.emit('connection', accepted));
    this.deliver(socket, 'connect', 0, () => {
      if (socket.destroyed) return;
      socket.connecting = false;
      socket.emit('connect');
    });
  }

  /** When a process dies its sockets and listeners go. */
  #watch(process: SimulatedProcess): void {
    if (this.#watched.has(process)) return;
    this.#watched.add(process);
    process.onDeath(() => {
      for (const [port, { owner }] of this.#listeners) {
        if (owner === process) this.#listeners.delete(port);
      }
      for (const socket of this.#sockets) {
        if (socket.owner === process) socket.closeByKernel();
      }
    });
  }
}
