import type { Bus } from '../bus/bus.ts';
import { payloadOf } from '../bus/numbered-value.ts';
import { StreamReader } from '../bus/stream-reader.ts';

/**
 * Follows a projected topic: first the current value of every key, then each change. `onValue` gets
 * values to keep.
 */
export class Follower {
  readonly #reader: StreamReader;
  readonly #prefix: string;
  readonly #onValue: (key: string, value: Uint8Array) => void;

  constructor(bus: Bus, topic: string, onValue: (key: string, value: Uint8Array) => void) {
    const { topology } = bus;
    this.#prefix = `${topology.stateSubject(topic)}.`;
    this.#onValue = onValue;
    this.#reader = new StreamReader(bus, {
      stream: topology.stateStream,
      subject: `${this.#prefix}>`,
      from: 'last_per_subject',
    });
  }

  /** Resolves once every value that existed in the beginning has been handed over. */
  get caughtUp(): Promise<void> {
    return this.#reader.caughtUp;
  }

  async run(): Promise<void> {
    for await (const message of this.#reader) {
      const key = message.subject.slice(this.#prefix.length);
      this.#onValue(key, Uint8Array.from(payloadOf(message.data)));
    }
  }

  stop(): void {
    this.#reader.stop();
  }
}
