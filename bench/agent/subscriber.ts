import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { encodeAck } from '../../pipeline/wire/ack.ts';
import { decodeCatalogueMessage } from '../../pipeline/wire/catalogue-message.ts';
import * as control from '../../pipeline/wire/control.ts';
import { frameSeq, isPresent } from '../../pipeline/wire/frame.ts';
import { COLLECTOR_ACCEPTS, MessageType, padded } from '../../pipeline/wire/message.ts';
import { MessageReader } from '../../pipeline/wire/message-reader.ts';
import { SeqRanges } from '../../pipeline/wire/seq-ranges.ts';
import { RollcallError } from '../../pipeline/error.ts';

const CREDIT_BYTES = 4 << 20;

/** A collector's side of one connection, which acknowledges every frame and counts. */
export class Subscriber {
  frames = 0;
  frameBytes = 0;
  /** Frames that did not come at their turn: later ones came first. */
  missed = 0;
  #lastSeq: number | undefined;
  /** Values of the host in the latest frame; the agent's own are not counted. */
  series = 0;
  #isOfHost: readonly boolean[] = [];
  readonly #socket: Socket;
  readonly #intervalMs: number;
  #failure: RollcallError | undefined;
  #wake: () => void = () => undefined;

  constructor(port: number, intervalMs: number) {
    this.#intervalMs = intervalMs;
    this.#socket = connect(port, '127.0.0.1');
    const reader = new MessageReader(COLLECTOR_ACCEPTS, {
      onMessage: (type, _flags, source, offset, length) => {
        this.#take(type, source, offset, length);
        return true;
      },
    });
    this.#socket.on('data', (chunk: Buffer) => reader.push(chunk));
    this.#socket.on('error', (error) => this.#fail(error.message));
    this.#socket.on('close', () => this.#fail('the agent closed the connection'));
    this.#socket.write(
      control.encodeHello({
        protocol: 'rollcall',
        versions: [control.PROTOCOL_VERSION],
        fleet: 'bench',
        epoch: Date.now(),
        collector: 'bench',
      }),
    );
  }

  /** Waits until so many frames have come in all. @throws RollcallError `agent_lost` */
  async until(frames: number): Promise<void> {
    while (this.frames < frames) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  #take(type: MessageType, source: Buffer, offset: number, length: number): void {
    if (type === MessageType.welcome) {
      this.#socket.write(
        control.encodeSubscribe({
          intervalMs: this.#intervalMs,
          phaseMs: 0,
          creditBytes: CREDIT_BYTES,
        }),
      );
    } else if (type === MessageType.samples) {
      this.frames += 1;
      const seq = frameSeq(source, offset);
      this.missed += seq - (this.#lastSeq ?? seq - 1) - 1;
      this.#lastSeq = seq;
      this.frameBytes += padded(length);
      this.series = this.#isOfHost.filter(
        (is, slot) => is && isPresent(source, offset, slot),
      ).length;
      this.#acknowledge(seq, length);
      this.#wake();
    } else if (type === MessageType.error) {
      this.#fail(control.decodeError(source, offset, length).message);
    } else if (type === MessageType.catalogue) {
      const { series } = decodeCatalogueMessage(source, offset, length);
      this.#isOfHost = series.map(({ name }) => name.startsWith('node_'));
      this.#socket.write(encodeAck(new SeqRanges(), padded(length)).message);
    }
  }

  #acknowledge(seq: number, bytes: number): void {
    const ranges = new SeqRanges();
    ranges.addRange(seq, seq);
    this.#socket.write(encodeAck(ranges, padded(bytes)).message);
  }

  #fail(reason: string): void {
    this.#failure ??= new RollcallError('agent_lost', `the agent is gone: ${reason}`);
    this.#wake();
  }
}
