import { Bus } from '../../pipeline/bus/bus.ts';
import { Membership } from '../../pipeline/membership/membership.ts';
import { PartTasks } from '../../pipeline/membership/part-tasks.ts';
import { CatalogueBook } from '../../pipeline/writer/catalogue-book.ts';
import { InsertSlots } from '../../pipeline/writer/insert-slots.ts';
import { LaneWriter } from '../../pipeline/writer/lane-writer.ts';
import { Parking } from '../../pipeline/writer/parking.ts';
import { RecentSweep } from '../../pipeline/writer/recent-sweep.ts';
import type { SimulatedMember } from './simulated-member.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import { SimulatedStore } from './simulated-store.ts';
import type { World } from './world.ts';

const FLUSH_INTERVAL_MS = 200;
const FLUSH_BYTES_MAX = 8 * 1024;
const BUFFER_BYTES_MAX = 32 * 1024;
const FRAME_MEMORY_MS = 3_600_000;
const INSERTS_AT_ONCE = 2;
/** The part of whoever empties `samples_recent`. */
export const SWEEP_PART = 'projection';
const SWEEP_EVERY_MS = 500;
const KEEP_MS = 7 * 86_400_000;

/** A writer as `pipeline/writer/writer.ts` puts it together, without migrations and projections. */
export class WriterProcess implements SimulatedMember {
  readonly process: SimulatedProcess;
  readonly #world: World;
  readonly #stop = new AbortController();
  #bus: Bus | undefined;
  #membership: Membership | undefined;

  constructor(world: World, process: SimulatedProcess) {
    this.#world = world;
    this.process = process;
    world.start(process, () => this.#run());
  }

  get membership(): Membership | undefined {
    return this.#membership;
  }

  async stop(): Promise<void> {
    await this.#membership?.leave();
    this.#stop.abort();
    await this.#bus?.close();
  }

  async #run(): Promise<void> {
    const { process } = this;
    const world = this.#world;
    const options = world.busOptions(process.name);
    const { log } = options;
    this.#bus = await Bus.connect(options, this.#stop.signal).catch(() => undefined);
    const bus = this.#bus;
    if (bus === undefined || this.#stop.signal.aborted) return;
    const lanes = new Map((await this.#lanes(bus)).map((part) => [part.lane.id, part]));
    const { store } = new SimulatedStore(world.database, process);
    const parking = new Parking(bus, log);
    const slots = new InsertSlots(INSERTS_AT_ONCE);
    const catalogues = new CatalogueBook(store, bus);
    const sweep = new RecentSweep(store, log, KEEP_MS, SWEEP_EVERY_MS);
    const { bytesMax, spanMs, idleMs } = world.size.closing;
    const owner = new PartTasks(
      (part, epoch, signal) => {
        if (part === SWEEP_PART) return sweep.run(signal);
        const { lane, index, count } = lanes.get(part)!;
        const writer = new LaneWriter(
          { bus, store, catalogues, parking, slots, log },
          {
            lane,
            laneIndex: index,
            laneCount: count,
            epoch,
            writer: process.name,
            flushIntervalMs: FLUSH_INTERVAL_MS,
            flushBytesMax: FLUSH_BYTES_MAX,
            bufferBytesMax: BUFFER_BYTES_MAX,
            closingBytesMax: bytesMax,
            closingSpanMs: spanMs,
            closingIdleMs: idleMs,
            frameMemoryMs: FRAME_MEMORY_MS,
          },
          signal,
        );
        return writer.run();
      },
      (_part, error) => world.fail(process, error),
    );
    this.#membership = new Membership(bus, {
      role: 'writer',
      name: process.name,
      parts: [...lanes.keys(), SWEEP_PART],
      spread: 'even',
      owner,
    });
    await this.#membership.run();
  }

  /** A process that fails here is started again by its service manager; so is this. */
  async #lanes(bus: Bus): ReturnType<Bus['lanes']> {
    for (;;) {
      try {
        return await bus.lanes();
      } catch {
        await new Promise((resolve) => {
          setTimeout(resolve, 500);
        });
      }
    }
  }
}
