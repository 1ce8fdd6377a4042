import type { Socket } from 'node:net';
import { RollcallError } from '../pipeline/error.ts';
import { failPoint } from '../pipeline/fault/fail-point.ts';
import { decodePong, encodeAck, encodeCredit, encodePing } from '../pipeline/wire/ack.ts';
import * as control from '../pipeline/wire/control.ts';
import * as frame from '../pipeline/wire/frame.ts';
import { Channel, COLLECTOR_ACCEPTS, MessageType, padded } from '../pipeline/wire/message.ts';
import { MessageReader } from '../pipeline/wire/message-reader.ts';
import type { MessageSink } from '../pipeline/wire/message-reader.ts';
import { SeqRanges } from '../pipeline/wire/seq-ranges.ts';
import { hexId, parseHexId } from '../pipeline/wire/shard.ts';
import type { FrameOrigin } from './lane-outbox.ts';
import type { TargetLink } from './target-link.ts';

const KEEP_ALIVE_TOKEN = 0;
/**
 * An acknowledgement waits until it is of so many frames, or of so many bytes, a quarter of the smallest ring: a write
 * costs as much as all else that is done for a frame. Shorter than an agent's patience, which is six intervals.
 */
const ACK_FRAMES = 4;
const ACK_BYTES = 16 * 1024;
/** An agent that reads has at most some ACKs of a few kB before it; more waits for one that does not. */
const UNSENT_BYTES_MAX = 128 * 1024;

/** One open connection to an agent, from HELLO to its end. */
export class AgentSession implements FrameOrigin, MessageSink {
  readonly #link: TargetLink;
  readonly #socket: Socket;
  readonly #reader: MessageReader;
  readonly #phaseMs: number;
  readonly #stored = new SeqRanges();
  /** Hashes of the catalogues that it has sent: nearly always one. */
  #catalogues: bigint[] = [];
  #incarnation: bigint | undefined;
  #askedMs: number;
  /** When a frame's time last made us ask for the agent's clock. */
  #clockAskedMs = -Infinity;
  #pingToken = KEEP_ALIVE_TOKEN + 1;
  /** Stored and not acknowledged. */
  #ackFrames = 0;
  #ackBytes = 0;
  #creditDueBytes = 0;
  #outstandingBytes = 0;
  #isStreaming = false;

  constructor(link: TargetLink, socket: Socket, phaseMs: number) {
    this.#link = link;
    this.#socket = socket;
    this.#phaseMs = phaseMs;
    this.#reader = new MessageReader(COLLECTOR_ACCEPTS, this);
    const { fleet, name } = link.dialler.options;
    const { id, instance } = link.target;
    this.#askedMs = Date.now();
    this.#send(
      control.encodeHello({
        protocol: 'rollcall',
        versions: [control.PROTOCOL_VERSION],
        fleet,
        epoch: link.epoch,
        collector: name,
        target: hexId(id),
        instance: instance.slice(0, control.INSTANCE_LENGTH_MAX),
      }),
    );
  }

  /** The agent's run; undefined until it has said it. */
  get incarnation(): bigint | undefined {
    return this.#incarnation;
  }

  /** @throws RollcallError when the agent breaks the protocol */
  push(chunk: Buffer): void {
    this.#reader.push(chunk);
  }

  ping(): void {
    this.#pingToken += 1;
    this.#askedMs = Date.now();
    this.#send(encodePing(this.#pingToken));
  }

  /** Tells the agent that we are there; the answer is not awaited. */
  keepAlive(): void {
    this.#send(encodePing(KEEP_ALIVE_TOKEN));
  }

  /**
   * JetStream has the frame. It may have come over an earlier connection: the acknowledgement then goes
   * over the present one, if the agent is still the same run.
   */
  onStored(seq: number, bytes: number): void {
    const current = this.#link.sessionOf(this.#incarnation);
    if (current === undefined) return;
    current.#stored.add(seq);
    if (current === this) {
      this.#creditDueBytes += bytes;
      this.#outstandingBytes -= bytes;
    }
    current.#ackFrames += 1;
    current.#ackBytes += bytes;
    if (current.#isAckDue) this.#link.dialler.acknowledgeSoon(current);
  }

  get #isAckDue(): boolean {
    if (this.#ackFrames >= ACK_FRAMES || this.#link.state === 'lent') return true;
    return this.#ackBytes >= Math.min(ACK_BYTES, this.#link.dialler.options.creditBytes / 4);
  }

  /** The quarantine takes no more: the agent keeps what it has, and tries again later. */
  onRefused(): void {
    if (this.#link.sessionOf(this.#incarnation) !== this) return;
    const { clockSkewMsMax } = this.#link.dialler.options;
    this.#link.end(
      'clock_skew',
      `the agent's clock differs by more than ${clockSkewMsMax / 1000} s, and the quarantine takes ` +
        'no more: set its clock, or raise --clock-skew-max',
    );
  }

  /** Sends what has been stored since the last acknowledgement. */
  acknowledge(): void {
    if (this.#isEnded) return;
    if (this.isStarved) this.#link.onResumed();
    this.#ackFrames = 0;
    this.#ackBytes = 0;
    while (this.#stored.count > 0) {
      const { message, lastSeq } = encodeAck(this.#stored, this.#creditDueBytes);
      if (!this.#send(message)) return;
      failPoint('collector.frames_acknowledged');
      this.#stored.trimBelow(lastSeq + 1);
      this.#creditDueBytes = 0;
    }
  }

  /** The agent may not send: what it has sent is not stored yet. That is not its fault. */
  get isStarved(): boolean {
    const { creditBytes } = this.#link.dialler.options;
    return this.#outstandingBytes + this.#creditDueBytes >= creditBytes;
  }

  onMessage(
    type: MessageType,
    _flags: number,
    source: Buffer,
    offset: number,
    length: number,
  ): boolean {
    this.#take(type, source, offset, length);
    return !this.#isEnded;
  }

  #take(type: MessageType, source: Buffer, offset: number, length: number): void {
    if (type === MessageType.samples) return this.#onFrame(source, offset, length);
    if (type === MessageType.welcome) {
      return this.#onWelcome(control.decodeWelcome(source, offset, length));
    }
    if (type === MessageType.pong) return this.#onPong(source, offset, length);
    if (type === MessageType.error) {
      const { code, message } = control.decodeError(source, offset, length);
      return this.#link.onRefused(code, message);
    }
    if (type === MessageType.catalogue) return this.#onCatalogue(source, offset, length);
    throw new RollcallError('bad_message', `unexpected message of type ${type}`);
  }

  #onCatalogue(source: Buffer, offset: number, length: number): void {
    this.#mustStream();
    this.#charge(padded(length));
    const { catalogues } = this.#link.dialler;
    const hash = catalogues.admit(source, offset, length, this.#link.catalogueBudget);
    if (this.#catalogues.includes(hash)) {
      throw new RollcallError('bad_message', 'a catalogue twice');
    }
    if (this.#catalogues.length === 0) this.#catalogues = [hash];
    else this.#catalogues.push(hash);
    // A catalogue is not acknowledged: its credit comes back at once, or a large one would block.
    this.#outstandingBytes -= padded(length);
    this.#send(encodeCredit(Channel.samples, padded(length)));
  }

  #onWelcome(welcome: control.Welcome): void {
    if (this.#isStreaming) throw new RollcallError('bad_message', 'a second WELCOME');
    if (welcome.version !== control.PROTOCOL_VERSION) {
      throw new RollcallError('unsupported_version', `the agent chose ${welcome.version}`);
    }
    this.#incarnation = parseHexId(welcome.incarnation);
    this.#isStreaming = true;
    const { intervalMs } = this.#link.target;
    const { creditBytes } = this.#link.dialler.options;
    this.#send(control.encodeSubscribe({ intervalMs, phaseMs: this.#phaseMs, creditBytes }));
    this.#link.onWelcome(this.#skewMs(welcome.timeMs));
  }

  #onPong(source: Buffer, offset: number, length: number): void {
    const { token, timeMs } = decodePong(source, offset, length);
    if (token !== this.#pingToken) return;
    // What waited somewhere, perhaps with us, says little about a clock.
    if (Date.now() - this.#askedMs < ANSWER_MS_MAX) this.#link.onSkew(this.#skewMs(timeMs));
    this.#link.onPong();
  }

  /** The agent's clock less the middle of asking and hearing. */
  #skewMs(agentMs: number): number {
    return agentMs - (this.#askedMs + Date.now()) / 2;
  }

  #onFrame(source: Buffer, offset: number, length: number): void {
    this.#mustStream();
    frame.checkFrame(source, offset, length);
    this.#charge(padded(length));
    if (frame.frameIncarnation(source, offset) !== this.#incarnation) {
      throw new RollcallError('bad_message', 'a frame of another incarnation');
    }
    const { dialler } = this.#link;
    const catalogue = dialler.catalogues.get(frame.frameCatalogue(source, offset));
    if (catalogue === undefined || catalogue.series !== frame.frameSlots(source, offset)) {
      throw new RollcallError('bad_message', 'a frame without its catalogue');
    }
    this.#link.onFrame();
    this.#watchClock(source, offset);
    const seq = frame.frameSeq(source, offset);
    const target = this.#link.idHalves;
    if (this.#isTimePossible(source, offset)) {
      const isLive = !frame.frameIsBacklog(source, offset);
      const report = isLive && catalogue.isReported ? this.#link.voice.alongside() : undefined;
      dialler.addFrame(
        this.#link.lane,
        { source, offset, length, target, catalogue, report },
        seq,
        this,
      );
    } else {
      this.#link.onQuarantined();
      dialler.quarantineFrame({ source, offset, length, target, catalogue }, seq, this);
    }
  }

  /** A live frame whose time does not fit the known skew: the clock was set, or it came late. A ping tells. */
  #watchClock(source: Buffer, offset: number): void {
    if (frame.frameIsBacklog(source, offset)) return;
    const aheadMs = frame.frameTimestampMs(source, offset) - Date.now();
    if (Math.abs(aheadMs - this.#link.clockSkewMs) <= CLOCK_DRIFT_MS_MAX) return;
    const nowMs = performance.now();
    if (nowMs - this.#clockAskedMs < this.#link.target.intervalMs) return;
    this.#clockAskedMs = nowMs;
    this.ping();
  }

  /** A time that cannot be true must not reach a partition. */
  #isTimePossible(source: Buffer, offset: number): boolean {
    const { clockSkewMsMax } = this.#link.dialler.options;
    const aheadMs = frame.frameTimestampMs(source, offset) - Date.now();
    const behindMsMax = frame.frameIsBacklog(source, offset) ? BACKLOG_AGE_MS_MAX : clockSkewMsMax;
    return aheadMs <= clockSkewMsMax && -aheadMs <= behindMsMax;
  }

  get #isEnded(): boolean {
    return this.#socket.destroyed || this.#socket.writableEnded;
  }

  /** False if that ended the session: the agent does not read. */
  #send(message: Buffer): boolean {
    this.#socket.write(message);
    if (this.#socket.writableLength <= UNSENT_BYTES_MAX) return true;
    this.#link.end('too_slow', 'the agent does not read what it is told');
    return false;
  }

  #mustStream(): void {
    if (!this.#isStreaming) throw new RollcallError('bad_message', 'data before WELCOME');
  }

  /** A message may start while there is credit; the one before may have used it up. */
  #charge(bytes: number): void {
    if (this.isStarved) {
      throw new RollcallError('credit_exceeded', 'data without credit');
    }
    this.#outstandingBytes += bytes;
  }
}

const BACKLOG_AGE_MS_MAX = 24 * 3_600_000;
/** A frame is some way behind its tick when it is here: less than this says nothing. */
const CLOCK_DRIFT_MS_MAX = 1000;
const ANSWER_MS_MAX = 2000;
