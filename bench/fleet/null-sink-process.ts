/*
 * One process of the null sink. The runner forks it and talks to it over the channel between them; when
 * that ends, so does the process.
 */
import type { Socket } from 'node:net';
import { connect } from '../../pipeline/dial/connect.ts';
import { DialGate } from '../../pipeline/dial/dial-gate.ts';
import { TlsFiles } from '../../pipeline/dial/tls-files.ts';
import { encodeAck, encodeCredit } from '../../pipeline/wire/ack.ts';
import * as control from '../../pipeline/wire/control.ts';
import { frameSeq } from '../../pipeline/wire/frame.ts';
import { Channel, COLLECTOR_ACCEPTS, MessageType, padded } from '../../pipeline/wire/message.ts';
import { MessageReader } from '../../pipeline/wire/message-reader.ts';
import { SeqRanges } from '../../pipeline/wire/seq-ranges.ts';
import type { SimulatedHost } from './fleet-protocol.ts';
import { answerParent } from './forked-process.ts';
import type { SinkAnswer, SinkRequest } from './null-sink-protocol.ts';
import { mixed } from './random.ts';

type StartRequest = Extract<SinkRequest, { kind: 'start' }>;

const CREDIT_BYTES = 256 * 1024;
const DIALS_IN_FLIGHT_MAX = 512;
const GATE_EVERY_MS = 20;
const REDIAL_MS = 1000;
const readBuffer = Buffer.alloc(64 * 1024);
const epoch = Date.now();
const total = { connected: 0, frames: 0, missed: 0, bytes: 0 };

/** One agent's connection, dialled anew whenever it ends. */
class Link {
  readonly #start: StartRequest;
  readonly #host: SimulatedHost;
  readonly #gate: DialGate;
  readonly #tls: TlsFiles | undefined;
  readonly #ranges = new SeqRanges();
  #socket: Socket | undefined;
  #reader: MessageReader | undefined;
  #lastSeq: number | undefined;
  #isSubscribed = false;
  #isInFlight = false;

  constructor(host: SimulatedHost, start: StartRequest, gate: DialGate, tls: TlsFiles | undefined) {
    this.#host = host;
    this.#start = start;
    this.#gate = gate;
    this.#tls = tls;
  }

  /** Dials as soon as the gate lets it. */
  ask(): void {
    this.#gate.request(this);
  }

  dial(): void {
    this.#isInFlight = true;
    this.#lastSeq = undefined;
    this.#reader = new MessageReader(COLLECTOR_ACCEPTS, {
      onMessage: (type, _flags, source, offset, length) => {
        this.#take(type, source, offset, length);
        return true;
      },
    });
    const options = { address: this.#host.listen, tls: this.#tls, readBuffer };
    this.#socket = connect(options, {
      onOpen: () => this.#greet(),
      onData: (chunk) => this.#reader!.push(chunk),
      onSession: () => undefined,
      onClose: () => this.#lose(),
    });
  }

  #greet(): void {
    this.#socket!.write(
      control.encodeHello({
        protocol: 'rollcall',
        versions: [control.PROTOCOL_VERSION],
        fleet: 'bench',
        epoch,
        collector: 'null-sink',
      }),
    );
  }

  #take(type: MessageType, source: Buffer, offset: number, length: number): void {
    total.bytes += padded(length);
    if (type === MessageType.samples) this.#acknowledge(frameSeq(source, offset), padded(length));
    else if (type === MessageType.welcome) this.#subscribe();
    else if (type === MessageType.catalogue) {
      this.#socket!.write(encodeCredit(Channel.samples, padded(length)));
    }
  }

  #subscribe(): void {
    const { intervalMs } = this.#start;
    // Spread over the interval, as collectors spread the targets that they subscribe to.
    const phaseMs = mixed(this.#host.index + 1) % intervalMs;
    this.#socket!.write(
      control.encodeSubscribe({ intervalMs, phaseMs, creditBytes: CREDIT_BYTES }),
    );
    this.#isSubscribed = true;
    total.connected += 1;
    this.#landed();
  }

  #acknowledge(seq: number, bytes: number): void {
    total.frames += 1;
    if (this.#lastSeq !== undefined) total.missed += Math.max(0, seq - this.#lastSeq - 1);
    this.#lastSeq = seq;
    this.#ranges.clear();
    this.#ranges.add(seq);
    this.#socket!.write(encodeAck(this.#ranges, bytes).message);
  }

  #lose(): void {
    this.#landed();
    if (this.#isSubscribed) total.connected -= 1;
    this.#isSubscribed = false;
    setTimeout(() => this.ask(), REDIAL_MS);
  }

  /** The dial has ended, well or badly. */
  #landed(): void {
    if (this.#isInFlight) this.#gate.done();
    this.#isInFlight = false;
  }
}

function start(request: StartRequest): void {
  const tls = request.tls === undefined ? undefined : new TlsFiles(request.tls);
  const gate = new DialGate(request.dialsPerSecond, DIALS_IN_FLIGHT_MAX, performance.now());
  setInterval(() => gate.release(performance.now()), GATE_EVERY_MS);
  for (const host of request.hosts) new Link(host, request, gate, tls).ask();
}

answerParent(async (request: SinkRequest): Promise<SinkAnswer> => {
  if (request.kind === 'status') return { ...total };
  start(request);
  return undefined;
});
