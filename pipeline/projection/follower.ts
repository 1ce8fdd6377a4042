import type { Bus } from '../bus/bus.ts';
import { StreamReader } from '../bus/stream-reader.ts';
import { projectedValue } from './projector.ts';

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

  async run(): Promise<void> {
    for await (const message of this.#reader) {
      const key = message.subject.slice(this.#prefix.length);
      this.#onValue(key, Uint8Array.from(projectedValue(message.data)));
    }
  }

  stop(): void {
    this.#reader.stop();
  }
}
