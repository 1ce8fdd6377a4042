import t from 'tap';
import type { Test } from 'tap';
import { silentLog, testClickHouse, testNats } from '../../embedded/test-servers.ts';
import { until } from '../../embedded/test/until.ts';
import { hexId } from '../../wire/shard.ts';
import { CatalogueBook } from '../catalogue-book.ts';
import { Parking } from '../parking.ts';
import { Unparking } from '../unparking.ts';
import { laneFixture, parked } from './lane-fixture.ts';
import {
  catalogueOf,
  frameMessage,
  framesOf,
  instancesOf,
  publishBatch,
  samplesOf,
  storedFrames,
  storedSamples,
} from './traffic.ts';
import type { SentFrame } from './traffic.ts';

const nats = await testNats(t);
const clickhouse = await testClickHouse(t);
const ports = { nats: nats.port, clickhouse: clickhouse.port };
const NOW_MS = Date.now();
const A = catalogueOf(['load1'], ['load5']);
const B = catalogueOf(['up'], ['load1'], ['load15']);
const NEVER = new AbortController().signal;

function sent(instance: string, seq: number, catalogue = B): SentFrame {
  const values = catalogue.series.map((_, slot) => seq + slot);
  return { instance, incarnation: 7n, seq, timestampMs: NOW_MS + seq, catalogue, values };
}

async function fixture(t: Test, fleet: string) {
  const lane = await laneFixture(t, ports, fleet);
  const { bus, store } = lane;
  const newUnparking = (): Unparking =>
    new Unparking(
      {
        bus,
        catalogues: new CatalogueBook(store, bus),
        parking: new Parking(bus, silentLog),
        log: silentLog,
      },
      20,
    );
  const register = (): Promise<number> =>
    bus.publish(bus.topology.catalogueSubject(hexId(B.hash)), B.payload);
  return { ...lane, newUnparking, register };
}

/** As they come back: late. */
const late = (frames: readonly SentFrame[]): SentFrame[] =>
  frames.map((frame) => ({ ...frame, isBacklog: true }));

await t.test('frames that overtake their catalogue on the lane are stored', async (t) => {
  const { bus, store, lane, write, stored, register } = await fixture(t, 'overtaken');
  const [instance] = instancesOf(1) as [string];
  // The collector registers a catalogue before it publishes the first batch that needs it.
  await register();
  const frames = [sent(instance, 1), sent(instance, 2)];
  const { parking } = write();
  await publishBatch(bus, lane, [frames[0]!]);
  await stored(1);
  await publishBatch(bus, lane, [B, frames[1]!]);
  await stored(2);
  t.same(await storedSamples(store), samplesOf(frames));
  t.same([...parking.parkedTotal], []);
});

await t.test('parked frames are stored when their catalogue has turned up', async (t) => {
  const { bus, store, lane, write, stored, newUnparking, register } = await fixture(t, 'back');
  const instances = instancesOf(20);
  const waiting = instances.flatMap((instance) => [sent(instance, 1), sent(instance, 2)]);
  const known = instances.map((instance) => sent(instance, 3, A));
  const { parking, counters } = write();
  await publishBatch(bus, lane, [A, ...waiting, ...known]);
  await stored(known.length);
  t.equal((await parked(bus)).length, waiting.length);
  t.equal(parking.parkedTotal.get('unknown_catalogue'), waiting.length);

  const unparking = newUnparking();
  await unparking.look(NEVER);
  t.equal(unparking.waitingCatalogues, 1);
  t.equal(unparking.unparkedTotal, 0, 'nobody knows it yet');
  t.equal((await parked(bus)).length, waiting.length);

  await register();
  await unparking.look(NEVER);
  t.equal(unparking.unparkedTotal, waiting.length);
  t.same(await parked(bus), []);
  await stored(known.length + waiting.length);
  const all = [...late(waiting), ...known];
  t.same(await storedFrames(store), framesOf(all));
  t.same(await storedSamples(store), samplesOf(all));
  await unparking.look(NEVER);
  t.equal(unparking.waitingCatalogues, 0);
  t.equal(counters.duplicates, 0);
});

await t.test('it goes on by itself, for catalogues that come along a lane too', async (t) => {
  const { bus, store, lane, write, stored, newUnparking } = await fixture(t, 'itself');
  const [instance] = instancesOf(1) as [string];
  const stop = new AbortController();
  const running = newUnparking().run(stop.signal);
  write();
  await publishBatch(bus, lane, [sent(instance, 1)]);
  await until('it is parked', async () => (await parked(bus)).length === 1);
  await publishBatch(bus, lane, [B]);
  await stored(1);
  t.same(await storedFrames(store), framesOf(late([sent(instance, 1)])));
  stop.abort();
  await running;
});

await t.test('whoever puts them back, and however often, each is stored once', async (t) => {
  const { bus, store, lane, write, stored, closed, newUnparking, register } = await fixture(
    t,
    'once',
  );
  const instances = instancesOf(10);
  const waiting = instances.map((instance) => sent(instance, 1));
  const first = write();
  await publishBatch(bus, lane, waiting);
  await until('they are parked', async () => (await parked(bus)).length === waiting.length);
  await closed();
  await first.end();
  await register();
  // One that is killed after it has published and before it has deleted.
  await publishBatch(bus, lane, late(waiting));
  await Promise.all([newUnparking().look(NEVER), newUnparking().look(NEVER)]);
  t.same(await parked(bus), []);
  const { counters } = write();
  await stored(waiting.length);
  const marker = sent(instances[0]!, 9);
  await publishBatch(bus, lane, [marker]);
  await stored(waiting.length + 1);
  const all = [...late(waiting), marker];
  t.same(await storedFrames(store), framesOf(all));
  t.same(await storedSamples(store), samplesOf(all));
  t.ok(counters.duplicates >= waiting.length);
});

await t.test('what is no frame stays parked, as garbage', async (t) => {
  const { bus, newUnparking, register, write, lane, stored, store } = await fixture(t, 'garbage');
  const [instance] = instancesOf(1) as [string];
  const subject = new Parking(bus, silentLog).waitingSubject(B.hash);
  const frame = frameMessage(sent(instance, 1));
  const garbage = [Buffer.from('x'), frame.subarray(0, 60), Buffer.alloc(100), Buffer.alloc(0)];
  for (const bytes of garbage) await bus.publish(subject, bytes);
  await bus.publish(subject, frame);
  await bus.publish(new Parking(bus, silentLog).waitingSubject().replace('*', 'x'), frame);
  await register();
  await newUnparking().look(NEVER);
  const found = await parked(bus);
  t.same(
    found.map(([reason]) => reason),
    ['unknown_catalogue.x', ...garbage.map(() => 'bad_batch')],
  );
  write();
  await publishBatch(bus, lane, [A]);
  await stored(1);
  t.same(await storedFrames(store), framesOf(late([sent(instance, 1)])));
});
