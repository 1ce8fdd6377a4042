import { pino } from 'pino';
import { Bus } from '../../bus/bus.ts';
import { testBusOptions } from '../../embedded/test-servers.ts';
import { Store } from '../../store/store.ts';
import { CatalogueBook } from '../catalogue-book.ts';
import { InsertSlots } from '../insert-slots.ts';
import { LaneWriter } from '../lane-writer.ts';
import { Parking } from '../parking.ts';

/*
 * A writer of one lane in a process of its own, to be killed.
 * Arguments: port of NATS, port of ClickHouse, fleet, epoch.
 */
const [natsPort, clickhousePort, fleet, epoch] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
];
const log = pino({ level: 'silent' });
const bus = await Bus.connect(testBusOptions(Number(natsPort), fleet));
const store = new Store({
  url: `http://127.0.0.1:${clickhousePort}`,
  user: 'default',
  database: fleet,
  requestTimeoutMs: 10_000,
});
const writer = new LaneWriter(
  {
    bus,
    store,
    catalogues: new CatalogueBook(store, bus),
    parking: new Parking(bus, log),
    slots: new InsertSlots(1),
    log,
  },
  {
    lane: bus.topology.lane(0),
    laneIndex: 0,
    laneCount: 2,
    epoch: Number(epoch),
    writer: `writer-${epoch}`,
    flushIntervalMs: 10,
    flushBytesMax: 64 * 1024,
    bufferBytesMax: 4 << 20,
    closingBytesMax: 256 * 1024,
    closingSpanMs: 1000,
    closingIdleMs: 100,
    frameMemoryMs: 3_600_000,
  },
  new AbortController().signal,
);
const running = writer.run();
process.stdout.write('running\n');
await running.catch((error: unknown) => {
  process.stdout.write(
    `${error instanceof Error && 'code' in error ? String(error.code) : 'failed'}\n`,
  );
});
process.exit(0);
