import type { Bus } from '../../pipeline/bus/bus.ts';
import { StreamReader } from '../../pipeline/bus/stream-reader.ts';

const TRIM_EVERY_MS = 2000;

/** Reads every lane and throws away what it reads, as busy for the server as a writer or an alerter. */
export class LaneDrain {
  readonly #bus: Bus;
  readonly #readers: StreamReader[] = [];
  /** By stream: everything below has been read. */
  readonly #readTo = new Map<string, number>();
  readonly #trimmer: NodeJS.Timeout | undefined;

  /** @param options.trims deletes from the streams what it has read */
  constructor(bus: Bus, options: { readonly trims: boolean }) {
    this.#bus = bus;
    for (let lane = 0; lane < bus.topology.lanes; lane += 1) {
      const { stream } = bus.topology.lane(lane);
      const reader = new StreamReader(bus, { stream, from: 1 });
      this.#readers.push(reader);
      void this.#read(reader, stream);
    }
    if (options.trims) this.#trimmer = setInterval(() => void this.#trim(), TRIM_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#trimmer);
    for (const reader of this.#readers) reader.stop();
  }

  async #read(reader: StreamReader, stream: string): Promise<void> {
    for await (const { seq } of reader) this.#readTo.set(stream, seq);
  }

  async #trim(): Promise<void> {
    for (const [stream, seq] of this.#readTo) {
      await this.#bus.trim(stream, seq).catch(() => undefined);
    }
  }
}
