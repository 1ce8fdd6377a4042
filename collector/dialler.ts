import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import type { BatchPublisher } from '../pipeline/bus/batch-publisher.ts';
import { DeadlineWheel } from '../pipeline/dial/deadline-wheel.ts';
import { DialGate } from '../pipeline/dial/dial-gate.ts';
import type { TlsFiles } from '../pipeline/dial/tls-files.ts';
import type { Target } from '../pipeline/targets/target.ts';
import { laneOf, shardOf } from '../pipeline/wire/shard.ts';
import type { AgentSession } from './agent-session.ts';
import { BatchBuffers } from './batch-buffers.ts';
import type { CatalogueRegistry, RegisteredCatalogue } from './catalogue-registry.ts';
import { FlushClock } from './flush-clock.ts';
import { LaneOutbox } from './lane-outbox.ts';
import type { FrameOrigin, OutgoingFrame } from './lane-outbox.ts';
import type { Quarantine } from './quarantine.ts';
import { TargetLink } from './target-link.ts';
import type { LinkState } from './target-link.ts';
import { REPORT_CATALOGUE } from './target-report.ts';

export interface DiallerOptions {
  readonly fleet: string;
  readonly name: string;
  readonly dialsPerSecond: number;
  readonly dialsInFlightMax: number;
  readonly connectTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  readonly backoffMsMin: number;
  readonly backoffMsMax: number;
  readonly batchBytesMax: number;
  readonly batchDelayMsMax: number;
  readonly publishBytesInFlightMax: number;
  readonly creditBytes: number;
  readonly clockSkewMsMax: number;
}

export interface DiallerCounters {
  dials: number;
  frames: number;
  frameBytes: number;
  samples: number;
  /** Frames whose time cannot be true. */
  quarantined: number;
  /** Times a socket was not read for a while because too much was in flight. */
  throttled: number;
  /** Times the thread was held up for so long that it knew nothing of its targets. */
  stalls: number;
  readonly ends: Map<string, number>;
}

const READ_BUFFER_BYTES = 256 * 1024;
const TICK_MS = 100;
/** Ticks that lie so far apart: we were stopped, or the machine was, and sockets were not read meanwhile. */
const STALL_MS = 2000;
/** Nobody waits for these frames: batches may be larger. */
const QUARANTINE_DELAY_MS = 1000;
/** Different reasons counted apart: some of them are an agent's own words. */
const END_CODES_MAX = 64;

/**
 * A worker's targets: dials them at a capped rate, moves their frames onto the lanes, and stops reading
 * while more than the cap is in flight to JetStream, so that agents keep what the centre cannot
 * take.
 */
export class Dialler {
  readonly options: DiallerOptions;
  readonly log: Logger;
  readonly tls: TlsFiles | undefined;
  /** Plain TCP is allowed to any address. */
  readonly insecure: boolean;
  readonly gate: DialGate;
  readonly wheel: DeadlineWheel;
  readonly catalogues: CatalogueRegistry;
  /** Names this run in the batches. */
  readonly incarnation: bigint = randomBytes(8).readBigUInt64LE(0);
  /** Every plain socket of the thread reads into this. */
  readonly readBuffer: Buffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  readonly counters: DiallerCounters = {
    dials: 0,
    frames: 0,
    frameBytes: 0,
    samples: 0,
    quarantined: 0,
    throttled: 0,
    stalls: 0,
    ends: new Map(),
  };
  readonly #publisher: BatchPublisher;
  readonly #lanes: readonly LaneOutbox[];
  readonly #quarantine: LaneOutbox;
  readonly #links = new Map<bigint, TargetLink>();
  readonly #paused = new Map<Socket, TargetLink>();
  readonly #toAcknowledge = new Set<AgentSession>();
  readonly #reportCatalogue: RegisteredCatalogue;
  readonly #onStale: (message: string) => void;
  #ticker: NodeJS.Timeout | undefined;
  #tickedMs = Infinity;

  constructor(parts: {
    options: DiallerOptions;
    laneSubjects: readonly string[];
    publisher: BatchPublisher;
    quarantine: Quarantine;
    catalogues: CatalogueRegistry;
    tls: TlsFiles | undefined;
    insecure: boolean;
    log: Logger;
    onStaleEpoch: (message: string) => void;
  }) {
    const { options, publisher } = parts;
    this.options = options;
    this.log = parts.log;
    this.tls = parts.tls;
    this.insecure = parts.insecure;
    this.catalogues = parts.catalogues;
    this.#publisher = publisher;
    this.#onStale = parts.onStaleEpoch;
    this.gate = new DialGate(options.dialsPerSecond, options.dialsInFlightMax, performance.now());
    this.wheel = new DeadlineWheel(TICK_MS);
    const outbox = {
      batchBytesMax: options.batchBytesMax,
      buffers: new BatchBuffers(options.batchBytesMax),
      collector: this.incarnation,
      onPublished: () => this.#onPublished(),
    };
    const clock = new FlushClock(options.batchDelayMsMax);
    this.#lanes = parts.laneSubjects.map(
      (subject) => new LaneOutbox({ ...outbox, subject, publisher, clock }),
    );
    const { quarantine } = parts;
    this.#quarantine = new LaneOutbox({
      ...outbox,
      subject: quarantine.subject,
      publisher: quarantine,
      clock: new FlushClock(QUARANTINE_DELAY_MS),
    });
    this.#reportCatalogue = this.catalogues.add(REPORT_CATALOGUE);
  }

  /** Links by state, for the gauge. */
  linkStates(): Map<LinkState, number> {
    const states = new Map<LinkState, number>();
    for (const link of this.#links.values()) {
      states.set(link.state, (states.get(link.state) ?? 0) + 1);
    }
    return states;
  }

  /** Targets that are up, and all. */
  upCount(): { up: number; all: number } {
    let up = 0;
    let all = 0;
    for (const link of this.#links.values()) {
      if (link.isUp) up += 1;
      if (link.state !== 'lent') all += 1;
    }
    return { up, all };
  }

  /** Targets whose agent is watched as another target. */
  get addressTakenCount(): number {
    let count = 0;
    for (const link of this.#links.values()) if (link.isAddressTaken) count += 1;
    return count;
  }

  /** Connections to agents that their new collector has not taken over yet. */
  get lentCount(): number {
    return this.linkStates().get('lent') ?? 0;
  }

  get pausedSockets(): number {
    return this.#paused.size;
  }

  /** Bytes of batches that are closed and that JetStream does not have yet. */
  get bytesInFlight(): number {
    let bytes = this.#publisher.bytesInFlight;
    for (const lane of this.#lanes) bytes += lane.waitingBytes;
    return bytes;
  }

  /** Bytes in the batches that are being filled. */
  get pendingBytes(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.pendingBytes, 0);
  }

  start(): void {
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
  }

  stop(): void {
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    clearInterval(this.#ticker);
    for (const lane of [...this.#lanes, this.#quarantine]) lane.flush();
  }

  /** A shard is ours under this epoch, and these are its targets now. */
  setShard(shard: number, epoch: number, targets: readonly Target[]): void {
    const wanted = new Set(targets.map(({ id }) => id));
    for (const [id, link] of this.#links) {
      if (link.shard === shard && !wanted.has(id)) {
        link.close();
        this.#links.delete(id);
      }
    }
    for (const target of targets) {
      const link = this.#links.get(target.id);
      if (link === undefined) this.#add(target, epoch);
      else link.reclaim(target, epoch);
    }
  }

  /** A shard is another collector's now: connections end as it takes the agents over. */
  lendShard(shard: number): void {
    for (const [id, link] of this.#links) {
      if (link.shard !== shard) continue;
      link.lend();
      if (link.state === 'closed') this.#links.delete(id);
    }
  }

  /** A lent connection has ended, or nobody came for the agent. */
  onReturned(link: TargetLink): void {
    link.close();
    this.#links.delete(link.target.id);
  }

  addFrame(lane: number, frame: OutgoingFrame, seq: number, origin: FrameOrigin): void {
    this.counters.frames += 1;
    this.counters.frameBytes += frame.length;
    this.counters.samples += frame.catalogue.series;
    this.#lanes[lane]!.addFrame(frame, seq, origin);
  }

  /** A frame whose time cannot be true goes to where a person can look at it. */
  quarantineFrame(frame: OutgoingFrame, seq: number, origin: FrameOrigin): void {
    this.#quarantine.addFrame(frame, seq, origin);
  }

  addReport(link: TargetLink, frame: Buffer, seq: number): void {
    // While JetStream takes nothing there is no room for reports either: the gap says the same.
    if (this.#isFull()) return;
    const { lane, idHalves: target } = link;
    const { length } = frame;
    const outgoing = { source: frame, offset: 0, length, target, catalogue: this.#reportCatalogue };
    this.#lanes[lane]!.addFrame(outgoing, seq, undefined);
  }

  acknowledgeSoon(session: AgentSession): void {
    this.#toAcknowledge.add(session);
  }

  /** Stops reading a socket while too much is in flight. */
  throttle(link: TargetLink, socket: Socket): void {
    if (!this.#isFull() || this.#paused.has(socket)) return;
    this.counters.throttled += 1;
    this.#paused.set(socket, link);
    socket.pause();
  }

  isPaused(socket: Socket): boolean {
    return this.#paused.has(socket);
  }

  /** A socket is gone. */
  release(socket: Socket): void {
    this.#paused.delete(socket);
  }

  countEnd(code: string): void {
    const { ends } = this.counters;
    const reason = ends.has(code) || ends.size < END_CODES_MAX ? code : 'other';
    ends.set(reason, (ends.get(reason) ?? 0) + 1);
  }

  onStaleEpoch(target: Target, message: string): void {
    this.log.warn({ instance: target.instance, reason: message }, 'another collector took over');
    this.#onStale(message);
  }

  #tick(): void {
    const now = performance.now();
    // Timers come before what waits in the sockets: every deadline is due, and none of them means anything.
    if (now - this.#tickedMs > STALL_MS) this.#onStalled(now - this.#tickedMs);
    this.#tickedMs = now;
    this.wheel.advance();
    this.gate.release(now);
  }

  #onStalled(forMs: number): void {
    this.counters.stalls += 1;
    this.log.warn({ seconds: forMs / 1000 }, 'held up: the silence of targets does not count');
    for (const link of this.#links.values()) link.onStalled();
  }

  #add(target: Target, epoch: number): void {
    const lane = laneOf(shardOf(target.id), this.#lanes.length);
    const link = new TargetLink(this, target, lane, epoch);
    this.#links.set(target.id, link);
    link.start();
  }

  #isFull(): boolean {
    return this.bytesInFlight >= this.options.publishBytesInFlightMax;
  }

  #onPublished(): void {
    for (const session of this.#toAcknowledge) session.acknowledge();
    this.#toAcknowledge.clear();
    if (this.#paused.size === 0 || this.#isFull()) return;
    for (const [socket, link] of this.#paused) {
      socket.resume();
      link.onResumed();
    }
    this.#paused.clear();
  }
}
