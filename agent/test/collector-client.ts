import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { once } from 'node:events';
import { encodeAck } from '../../pipeline/wire/ack.ts';
import * as control from '../../pipeline/wire/control.ts';
import * as frame from '../../pipeline/wire/frame.ts';
import { COLLECTOR_ACCEPTS, MessageType } from '../../pipeline/wire/message.ts';
import { MessageReader } from '../../pipeline/wire/message-reader.ts';
import { SeqRanges } from '../../pipeline/wire/seq-ranges.ts';
import { hexId, targetId } from '../../pipeline/wire/shard.ts';

export interface GotFrame {
  seq: number;
  timestampMs: number;
  isBacklog: boolean;
  catalogue: bigint;
  values: number[];
}

/** A collector reduced to the protocol, to look at an agent from outside. */
export class CollectorClient {
  readonly socket: Socket;
  readonly frames: GotFrame[] = [];
  readonly catalogues: Buffer[] = [];
  readonly order: string[] = [];
  welcome: control.Welcome | undefined;
  error: control.WireError | undefined;
  closed = false;
  #wake = Promise.withResolvers<void>();

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    const reader = new MessageReader(COLLECTOR_ACCEPTS, {
      onMessage: (type, _flags, source, offset, length) => {
        this.#take(type, source, offset, length);
        return true;
      },
    });
    this.socket.on('data', (chunk: Buffer) => {
      reader.push(chunk);
      this.#signal();
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.closed = true;
      this.#signal();
    });
  }

  async connected(): Promise<this> {
    await once(this.socket, 'connect');
    return this;
  }

  /** As the target of this name; as an older collector if there is none. */
  hello(fleet = 'f', epoch = 1, versions = [1], instance?: string): void {
    const named = instance === undefined ? {} : { target: hexId(targetId(instance)), instance };
    this.socket.write(
      control.encodeHello({
        protocol: 'rollcall',
        versions,
        fleet,
        epoch,
        collector: 'test',
        ...named,
      }),
    );
  }

  subscribe(creditBytes = 1 << 20, intervalMs = 5000): void {
    this.socket.write(control.encodeSubscribe({ intervalMs, phaseMs: 0, creditBytes }));
  }

  ack(first: number, last: number, creditBytes = 0): void {
    const ranges = new SeqRanges();
    ranges.addRange(first, last);
    this.socket.write(encodeAck(ranges, creditBytes).message);
  }

  /** Waits until the condition holds; the test's own time limit is the deadline. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      this.#wake = Promise.withResolvers<void>();
      await this.#wake.promise;
    }
  }

  async open(fleet = 'f', epoch = 1, creditBytes = 1 << 20, instance?: string): Promise<void> {
    this.hello(fleet, epoch, [1], instance);
    await this.until(() => this.welcome !== undefined || this.closed);
    this.subscribe(creditBytes);
  }

  seqs(): number[] {
    return this.frames.map(({ seq }) => seq);
  }

  #signal(): void {
    this.#wake.resolve();
  }

  #take(type: MessageType, source: Buffer, offset: number, length: number): void {
    if (type === MessageType.welcome) {
      this.welcome = control.decodeWelcome(source, offset, length);
    } else if (type === MessageType.error) {
      this.error = control.decodeError(source, offset, length);
    } else if (type === MessageType.catalogue) {
      this.catalogues.push(Buffer.from(source.subarray(offset, offset + length)));
      this.order.push('catalogue');
    } else if (type === MessageType.samples) {
      frame.checkFrame(source, offset, length);
      const slots = frame.frameSlots(source, offset);
      const at = offset + frame.valuesAt(slots);
      this.order.push('samples');
      this.frames.push({
        seq: frame.frameSeq(source, offset),
        timestampMs: frame.frameTimestampMs(source, offset),
        isBacklog: frame.frameIsBacklog(source, offset),
        catalogue: frame.frameCatalogue(source, offset),
        values: Array.from({ length: slots }, (_, slot) => source.readDoubleLE(at + 8 * slot)),
      });
    }
  }
}
