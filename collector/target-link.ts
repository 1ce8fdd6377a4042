import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { parseAddress, requireTlsOffLoopback } from '../pipeline/dial/address.ts';
import { Backoff } from '../pipeline/dial/backoff.ts';
import { connect } from '../pipeline/dial/connect.ts';
import type { ConnectEvents } from '../pipeline/dial/connect.ts';
import type { Dialling } from '../pipeline/dial/dial-gate.ts';
import { Deadline } from '../pipeline/dial/deadline-wheel.ts';
import { reasonOf, RollcallError } from '../pipeline/error.ts';
import type { Target } from '../pipeline/targets/target.ts';
import * as control from '../pipeline/wire/control.ts';
import { highOf, lowOf } from '../pipeline/wire/id-map.ts';
import { phaseMsOf, shardOf } from '../pipeline/wire/shard.ts';
import type { Dialler } from './dialler.ts';
import { AgentSession } from './agent-session.ts';
import { CatalogueBudget } from './catalogue-budget.ts';
import type { IdHalves } from './lane-outbox.ts';
import { TargetVoice } from './target-voice.ts';

/**
 * Everything about one target: dial, open, stream, and dial again when it ends. At any time it is in
 * exactly one state, and one deadline watches it.
 *
 *     waiting ──► queued ──► dialling ──► opening ──► streaming
 *        ▲           (the gate)  │           │            │ another collector
 *        └───────────────────────┴───────────┴────────────┤ has the shard
 *                                                         ▼
 *                                                        lent ──► closed
 */
export type LinkState =
  | 'waiting'
  | 'queued'
  | 'dialling'
  | 'opening'
  | 'streaming'
  | 'lent'
  | 'closed';

/** Who was held up may find that others have its targets by now; it takes so long until it knows. */
const DOUBT_MS_MIN = 10_000;
/** An agent that the shard's new owner has not taken over by then is let go of. */
const LENT_MS_MAX = 30_000;

export class TargetLink implements ConnectEvents, Dialling {
  readonly lane: number;
  readonly shard: number;
  /** The id as it is stamped into frames. */
  readonly idHalves: IdHalves;
  readonly catalogueBudget = new CatalogueBudget();
  /** What we say of it. */
  readonly voice = new TargetVoice();
  target: Target;
  /** Of our claim to the shard: an agent refuses a lower one. */
  epoch: number;
  state: LinkState = 'waiting';
  readonly #dialler: Dialler;
  readonly #backoff: Backoff;
  readonly #deadline = new Deadline(() => this.#onDeadline());
  readonly #reportDue = new Deadline(() => this.#report());
  #socket: Socket | undefined;
  #session: AgentSession | undefined;
  /** The certificates of the current connection. */
  #tlsContext: SecureContext | undefined;
  /** The latest TLS session, and the certificates it was opened with. */
  #tlsSession: { context: SecureContext; session: Buffer } | undefined;
  #dialledMs = 0;
  #pings = 0;
  #lastFrameMs = -Infinity;
  #openedMs = -Infinity;
  /** What the agent said when it refused us as another target than the one it is. */
  #addressTaken: string | undefined;
  /** Until then it is not called down: we were held up, and have not heard of it since. */
  #doubtUntilMs = -Infinity;
  readonly #beganMs = performance.now();

  constructor(dialler: Dialler, target: Target, lane: number, epoch: number) {
    this.#dialler = dialler;
    this.target = target;
    this.epoch = epoch;
    this.lane = lane;
    this.shard = shardOf(target.id);
    this.idHalves = { low: lowOf(target.id) | 0, high: highOf(target.id) | 0 };
    const { backoffMsMin, backoffMsMax } = dialler.options;
    this.#backoff = new Backoff(backoffMsMin, backoffMsMax);
  }

  get dialler(): Dialler {
    return this.#dialler;
  }

  /** Answers, and its last frame is at most two intervals old, unless we took no more. */
  get isUp(): boolean {
    if (this.#session?.isStarved === true) return this.state === 'streaming';
    const sinceMs = Math.max(this.#lastFrameMs, this.#openedMs);
    const ageMs = performance.now() - sinceMs;
    return this.state === 'streaming' && ageMs < 2 * this.target.intervalMs;
  }

  /** The agent at our address is watched as another target. */
  get isAddressTaken(): boolean {
    return this.#addressTaken !== undefined;
  }

  start(): void {
    this.#askGate();
    this.#scheduleReport();
  }

  /** The target was changed: a new address or interval needs a new connection. */
  change(target: Target): void {
    const isSame =
      target.address === this.target.address && target.intervalMs === this.target.intervalMs;
    this.target = target;
    if (isSame) return;
    this.end('target_changed', 'its address or interval was changed');
    this.#scheduleReport();
  }

  /**
   * Another collector has the shard: we go on until it has taken the agent over, which ends our
   * connection, and say no more about the target. Whatever is not a stream yet ends at once.
   */
  lend(): void {
    if (this.state === 'lent') return;
    if (this.state !== 'streaming') return this.close();
    this.state = 'lent';
    this.#dialler.wheel.set(this.#reportDue, LENT_MS_MAX);
    // What is acknowledged now the next collector is not told again.
    this.#session!.acknowledge();
  }

  /** The shard is ours again, and the agent never left. */
  reclaim(target: Target, epoch: number): void {
    this.epoch = epoch;
    if (this.state === 'lent') {
      this.state = 'streaming';
      this.#scheduleReport();
    }
    this.change(target);
  }

  close(): void {
    const isGreeted = this.state === 'streaming' || this.state === 'lent';
    const farewell = control.encodeError('shutting_down', 'the collector stops');
    this.#drop('collector_stops', isGreeted ? farewell : undefined);
    this.state = 'closed';
    this.#deadline.cancel();
    this.#reportDue.cancel();
    this.#dialler.gate.withdraw(this);
  }

  /** Ends the connection, telling the agent why, and dials again later. */
  end(code: string, message: string): void {
    if (this.#socket === undefined) return;
    this.#lose(code, message, control.encodeError(code, message));
  }

  onWelcome(clockSkewMs: number): void {
    const now = performance.now();
    this.state = 'streaming';
    this.#openedMs = now;
    this.#addressTaken = undefined;
    this.#doubtUntilMs = -Infinity;
    this.voice.connectSeconds = (now - this.#dialledMs) / 1000;
    this.onSkew(clockSkewMs);
    this.#heard();
  }

  /** The agent's clock less ours, ms, as last measured. */
  get clockSkewMs(): number {
    return (this.voice.clockSkewSeconds ?? 0) * 1000;
  }

  onSkew(clockSkewMs: number): void {
    this.voice.clockSkewSeconds = clockSkewMs / 1000;
  }

  /** A frame was good; a WELCOME alone is no reason to dial more often. */
  onFrame(): void {
    this.#lastFrameMs = performance.now();
    this.#backoff.reset();
    this.#heard();
  }

  onQuarantined(): void {
    this.voice.quarantined += 1;
    this.#dialler.counters.quarantined += 1;
  }

  /** The dialler reads the connection again: what was not read meanwhile is not the agent's fault. */
  onResumed(): void {
    this.#openedMs = performance.now();
    this.#heard();
  }

  /** We were held up and read nothing: what is due begins anew, and nobody's silence counts. */
  onStalled(): void {
    const { connectTimeoutMs, handshakeTimeoutMs } = this.#dialler.options;
    const { wheel } = this.#dialler;
    this.#doubtUntilMs = performance.now() + Math.max(DOUBT_MS_MIN, 2 * this.target.intervalMs);
    if (this.state === 'streaming' || this.state === 'lent') this.#heard();
    else if (this.state === 'opening') wheel.set(this.#deadline, handshakeTimeoutMs);
    else if (this.state === 'dialling') wheel.set(this.#deadline, connectTimeoutMs);
    if (this.state !== 'lent') this.#scheduleReport();
  }

  /** Anything came: the connection lives. */
  #heard(): void {
    this.#pings = 0;
    this.#dialler.wheel.set(this.#deadline, this.target.intervalMs + this.#graceMs());
  }

  onPong(): void {
    this.#heard();
  }

  /** The agent ended the connection with an ERROR. */
  onRefused(code: string, message: string): void {
    if (code === 'stale_epoch') this.#dialler.onStaleEpoch(this.target, message);
    this.#lose(code, message);
  }

  #graceMs(): number {
    return Math.min(1000, this.target.intervalMs / 2);
  }

  #askGate(): void {
    this.state = 'queued';
    this.#dialler.gate.request(this);
  }

  /** The gate lets us. */
  dial(): void {
    const { options, wheel, readBuffer } = this.#dialler;
    this.state = 'dialling';
    this.#dialledMs = performance.now();
    wheel.set(this.#deadline, options.connectTimeoutMs);
    this.#dialler.counters.dials += 1;
    try {
      const address = parseAddress(this.target.address);
      const { tls, insecure } = this.#dialler;
      requireTlsOffLoopback(address.host, tls !== undefined, insecure);
      this.#tlsContext = tls?.context;
      const isKnown = this.#tlsSession?.context === this.#tlsContext;
      const session = isKnown ? this.#tlsSession?.session : undefined;
      this.#socket = connect({ address, tls, readBuffer, session }, this);
    } catch (error) {
      this.#dialler.gate.done();
      this.#dialler.countEnd('dial_failed');
      this.#dialler.log.warn({ target: this.target.instance, reason: reasonOf(error) }, 'no dial');
      this.#retryLater();
    }
  }

  onOpen(socket: Socket): void {
    if (socket !== this.#socket) return;
    this.#dialler.gate.done();
    this.state = 'opening';
    this.#dialler.wheel.set(this.#deadline, this.#dialler.options.handshakeTimeoutMs);
    const phaseMs = phaseMsOf(this.target.id, this.target.intervalMs);
    this.#session = new AgentSession(this, socket, phaseMs);
  }

  onData(chunk: Buffer, socket: Socket): void {
    if (socket !== this.#socket) return;
    try {
      this.#session!.push(chunk);
    } catch (error) {
      const code = error instanceof RollcallError ? error.code : 'internal';
      this.end(code, reasonOf(error));
      return;
    }
    if (this.#socket !== undefined) this.#dialler.throttle(this, this.#socket);
  }

  onSession(session: Buffer, socket: Socket): void {
    const context = this.#tlsContext;
    if (socket === this.#socket && context !== undefined) this.#tlsSession = { context, session };
  }

  onClose(error: Error | undefined, socket: Socket): void {
    if (socket !== this.#socket) return;
    this.#lose(lossCode(error), error?.message ?? 'closed by the agent');
  }

  #onDeadline(): void {
    switch (this.state) {
      case 'waiting':
        return this.#askGate();
      case 'dialling':
        return this.#lose('connect_timeout', 'no connection in time');
      case 'opening':
        return this.end('too_slow', 'no WELCOME in time');
      case 'streaming':
      case 'lent':
        if (this.#dialler.isPaused(this.#socket!)) return this.#keepAlive();
        if (this.#pings >= 2) return this.#lose('silent', 'no answer to two pings');
        return this.#probe();
      default:
    }
  }

  /** No frame came that the next acknowledgement could wait for. */
  #probe(): void {
    this.#pings += 1;
    this.#session!.acknowledge();
    if (this.#session === undefined) return;
    this.#session.ping();
    this.#dialler.wheel.set(this.#deadline, this.target.intervalMs / 2);
  }

  /** While we do not read, silence is ours; the agent must hear that we live. */
  #keepAlive(): void {
    this.#session!.acknowledge();
    if (this.#session === undefined) return;
    this.#session.keepAlive();
    this.#dialler.wheel.set(this.#deadline, this.target.intervalMs);
  }

  #lose(code: string, reason: string, farewell?: Buffer): void {
    const { instance, address } = this.target;
    const taken = code === 'address_taken' ? reason : undefined;
    // Said once, not at every dial.
    const isNews = taken !== undefined && taken !== this.#addressTaken;
    this.#addressTaken = taken;
    const level = isNews ? 'warn' : this.state === 'streaming' ? 'info' : 'debug';
    this.#dialler.log[level]({ instance, address, code, reason }, 'connection to target ended');
    const isLent = this.state === 'lent';
    this.#drop(code, farewell);
    if (isLent) return this.#dialler.onReturned(this);
    this.#retryLater();
  }

  /** Lets go of the connection, whatever state it is in. */
  #drop(code: string, farewell: Buffer | undefined): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    const isOpen = this.state !== 'dialling';
    if (!isOpen) this.#dialler.gate.done();
    const session = this.#session;
    this.#socket = undefined;
    this.#session = undefined;
    this.#dialler.release(socket);
    this.#dialler.countEnd(code);
    if (!isOpen || farewell === undefined) {
      socket.destroy();
      return;
    }
    session?.acknowledge();
    hangUp(socket, farewell);
  }

  #retryLater(): void {
    this.state = 'waiting';
    this.#dialler.wheel.set(this.#deadline, this.#backoff.nextMs());
  }

  #scheduleReport(): void {
    const { intervalMs, id } = this.target;
    // Half an interval from its tick, so that a frame just about to come still counts.
    const phaseMs = (phaseMsOf(id, intervalMs) + intervalMs / 2) % intervalMs;
    const untilMs =
      intervalMs - ((((Date.now() - phaseMs) % intervalMs) + intervalMs) % intervalMs);
    this.#dialler.wheel.set(this.#reportDue, untilMs);
  }

  #report(): void {
    if (this.state === 'lent') return this.#dialler.onReturned(this);
    // We have only just come: that we have not reached it yet says nothing about the target.
    const isNew = performance.now() - this.#beganMs < 2 * this.target.intervalMs;
    if (isNew && this.voice.connectSeconds === undefined) return this.#scheduleReport();
    const { isUp } = this;
    const hasSpoken = this.voice.takeHasSpoken();
    const isSilent = isUp ? hasSpoken : performance.now() < this.#doubtUntilMs;
    if (!isSilent) this.#dialler.addReport(this, this.voice.frame(isUp), this.voice.seq);
    this.#scheduleReport();
  }

  /** The connection's current session, if `incarnation` is still the agent's. */
  sessionOf(incarnation: bigint | undefined): AgentSession | undefined {
    return this.#session?.incarnation === incarnation ? this.#session : undefined;
  }
}

const FAREWELL_MS = 1000;

/**
 * Says why and closes. What the peer still sends is read and forgotten: left unread it would make the
 * kernel reset the connection, and the reason be lost. A peer that does not hang up in time is cut off.
 */
function hangUp(socket: Socket, farewell: Buffer): void {
  const timer = setTimeout(() => socket.destroy(), FAREWELL_MS).unref();
  socket.once('close', () => clearTimeout(timer));
  socket.resume();
  socket.end(farewell);
}

/** Why a connection went, as far as its last error tells: the label of a counter. */
function lossCode(error: Error | undefined): string {
  const { code = '' } = (error ?? {}) as { code?: string };
  if (code === 'ECONNREFUSED') return 'refused';
  if (/^ERR_(TLS|SSL)|^CERT_|SELF_SIGNED|UNABLE_TO|ISSUER/.test(code)) return 'tls_failed';
  return 'connection_lost';
}
