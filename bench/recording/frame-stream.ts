import type { Socket } from 'node:net';
import type { Address } from '../../pipeline/dial/address.ts';
import { connect } from '../../pipeline/dial/connect.ts';
import { encodeAck, encodeCredit } from '../../pipeline/wire/ack.ts';
import { decodeCatalogueMessage } from '../../pipeline/wire/catalogue-message.ts';
import type { Catalogue } from '../../pipeline/wire/catalogue.ts';
import * as control from '../../pipeline/wire/control.ts';
import { checkFrame, frameSeq } from '../../pipeline/wire/frame.ts';
import { Channel, COLLECTOR_ACCEPTS, MessageType, padded } from '../../pipeline/wire/message.ts';
import { MessageReader } from '../../pipeline/wire/message-reader.ts';
import { SeqRanges } from '../../pipeline/wire/seq-ranges.ts';
import { reasonOf, RollcallError } from '../../pipeline/error.ts';

const CREDIT_BYTES = 4 << 20;
const READ_BYTES = 64 * 1024;

/** What comes over the connection, in order. */
export interface FrameHandler {
  onCatalogue(catalogue: Catalogue): void;
  /** A frame that has been checked; it is valid only during the call. */
  onFrame(source: Buffer, offset: number): void;
  /** The connection is gone, or the agent broke the protocol; called once. */
  onEnd(error: RollcallError): void;
}

/** A collector's side of one connection: acknowledges every frame as soon as it has been handled. */
export class FrameStream {
  readonly #socket: Socket;
  readonly #intervalMs: number;
  readonly #handler: FrameHandler;
  #hasEnded = false;

  /** Dials an agent without TLS. */
  constructor(address: Address, intervalMs: number, handler: FrameHandler) {
    this.#intervalMs = intervalMs;
    this.#handler = handler;
    const reader = new MessageReader(COLLECTOR_ACCEPTS, {
      onMessage: (type, _flags, source, offset, length) => {
        this.#take(type, source, offset, length);
        return !this.#hasEnded;
      },
    });
    this.#socket = connect(
      { address, readBuffer: Buffer.alloc(READ_BYTES) },
      {
        onOpen: () => this.#greet(),
        onData: (chunk) => this.#push(reader, chunk),
        onSession: () => undefined,
        onClose: (error) => this.#end(reasonOf(error ?? 'the agent closed the connection')),
      },
    );
  }

  close(): void {
    this.#hasEnded = true;
    this.#socket.destroy();
  }

  #greet(): void {
    this.#socket.write(
      control.encodeHello({
        protocol: 'rollcall',
        versions: [control.PROTOCOL_VERSION],
        fleet: 'recorder',
        epoch: Date.now(),
        collector: 'recorder',
      }),
    );
  }

  #push(reader: MessageReader, chunk: Buffer): void {
    try {
      reader.push(chunk);
    } catch (error) {
      this.#end(reasonOf(error));
      this.#socket.destroy();
    }
  }

  #take(type: MessageType, source: Buffer, offset: number, length: number): void {
    if (type === MessageType.welcome) {
      const subscription = { intervalMs: this.#intervalMs, phaseMs: 0, creditBytes: CREDIT_BYTES };
      this.#socket.write(control.encodeSubscribe(subscription));
    } else if (type === MessageType.samples) {
      checkFrame(source, offset, length);
      this.#handler.onFrame(source, offset);
      const ranges = new SeqRanges();
      ranges.add(frameSeq(source, offset));
      this.#socket.write(encodeAck(ranges, padded(length)).message);
    } else if (type === MessageType.catalogue) {
      this.#handler.onCatalogue(decodeCatalogueMessage(source, offset, length));
      this.#socket.write(encodeCredit(Channel.samples, padded(length)));
    } else if (type === MessageType.error) {
      this.#end(control.decodeError(source, offset, length).message);
    }
  }

  #end(reason: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#handler.onEnd(new RollcallError('agent_lost', `the agent is gone: ${reason}`));
  }
}
