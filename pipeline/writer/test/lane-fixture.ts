import type { Test } from 'tap';
import type { Bus, BusOptions } from '../../bus/bus.ts';
import { silentLog, testBus, testStore } from '../../embedded/test-servers.ts';
import { until } from '../../embedded/test/until.ts';
import type { Store } from '../../store/store.ts';
import { CatalogueBook } from '../catalogue-book.ts';
import { InsertSlots } from '../insert-slots.ts';
import { LaneWriter } from '../lane-writer.ts';
import type { LaneWriterOptions } from '../lane-writer.ts';
import { Parking } from '../parking.ts';
import { newestIdentity, storedBelow } from '../run-ledger.ts';
import { countRows } from './traffic.ts';

/** A lane of a fleet of its own, and writers for it. */
export async function laneFixture(
  t: Test,
  ports: { nats: number; clickhouse: number },
  fleet: string,
  busChanges: Partial<BusOptions> = {},
) {
  const bus = await testBus(t, ports.nats, fleet, busChanges);
  const store = await testStore(t, ports.clickhouse, fleet);
  const lane = bus.topology.lane(0);
  let epoch = 0;

  /** Starts a writer as a new process would: it knows nothing. Epochs grow. */
  const write = (changes: Partial<LaneWriterOptions> = {}, parts: { store?: Store } = {}) => {
    epoch += 1;
    const stop = new AbortController();
    const writerStore = parts.store ?? store;
    const parking = new Parking(bus, silentLog);
    const catalogues = new CatalogueBook(writerStore, bus);
    const options: LaneWriterOptions = {
      lane,
      laneIndex: 0,
      laneCount: 2,
      epoch,
      writer: `writer-${epoch}`,
      flushIntervalMs: 20,
      flushBytesMax: 1 << 20,
      bufferBytesMax: 4 << 20,
      closingBytesMax: 4 << 20,
      closingSpanMs: 1000,
      closingIdleMs: 100,
      frameMemoryMs: 3_600_000,
      ...changes,
    };
    const writer = new LaneWriter(
      { bus, store: writerStore, catalogues, parking, slots: new InsertSlots(1), log: silentLog },
      options,
      stop.signal,
    );
    /** How it ended: undefined when it was stopped. */
    const ended = writer.run().then(
      () => undefined,
      (error: unknown) => (stop.signal.aborted ? undefined : error),
    );
    const end = async (): Promise<unknown> => {
      stop.abort();
      return ended;
    };
    t.teardown(end);
    return {
      writer,
      counters: writer.counters,
      parking,
      catalogues,
      epoch: options.epoch,
      ended,
      end,
    };
  };
  /** Waits until that many frames are stored. */
  const stored = (frames: number) =>
    until(
      `${frames} frames are stored`,
      async () => (await countRows(store, 'stored_frames')) >= frames,
    );
  /** Waits until everything in the lane is stored for good. */
  const closed = () =>
    until('the lane is closed', async () => {
      const { created, state } = await bus.streamInfo(lane.stream);
      const streamId = await newestIdentity(store, lane.id, Date.parse(created));
      return (await storedBelow(store, { lane: lane.id, streamId })) > state.last_seq;
    });
  return { bus, store, lane, write, stored, closed };
}

/** The store, but blocks go through `insertBlock`, which gets the call and the way to make it. */
export function storeWith(
  store: Store,
  insertBlock: (table: string, token: string, insert: () => Promise<void>) => Promise<void>,
): Store {
  const wrapped: Pick<Store, 'rows' | 'run' | 'insertRows' | 'insertBlock'> = {
    rows: (...given) => store.rows(...given),
    run: (...given) => store.run(...given),
    insertRows: (...given) => store.insertRows(...given),
    insertBlock: (table, chunks, token) =>
      insertBlock(table, token, () => store.insertBlock(table, chunks, token)),
  };
  return wrapped as Store;
}

/** What was parked, as [reason, bytes]. */
export async function parked(bus: Bus): Promise<[reason: string, bytes: Buffer][]> {
  const { parkedStream, fleet } = bus.topology;
  const { state } = await bus.streamInfo(parkedStream);
  const found: [string, Buffer][] = [];
  if (state.messages === 0) return found;
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const message = await bus.manager.streams.getMessage(parkedStream, { seq });
    if (message === null) continue;
    found.push([message.subject.slice(`${fleet}.parked.`.length), Buffer.from(message.data)]);
  }
  return found;
}
