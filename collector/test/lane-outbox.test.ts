import t from 'tap';
import type { Test } from 'tap';
import { BatchPublisher } from '../../pipeline/bus/batch-publisher.ts';
import { shelvedPayload } from '../../pipeline/bus/shelved-catalogue.ts';
import { testBus, testNats } from '../../pipeline/embedded/test-servers.ts';
import { BATCH_HEADER_BYTES } from '../../pipeline/wire/batch.ts';
import { encodeCatalogue } from '../../pipeline/wire/catalogue.ts';
import { padded } from '../../pipeline/wire/message.ts';
import { hexId } from '../../pipeline/wire/shard.ts';
import { CatalogueBudget } from '../catalogue-budget.ts';
import { CatalogueRegistry } from '../catalogue-registry.ts';
import type { RegisteredCatalogue } from '../catalogue-registry.ts';
import { BatchBuffers } from '../batch-buffers.ts';
import { FlushClock } from '../flush-clock.ts';
import { LaneOutbox } from '../lane-outbox.ts';
import { reportedCatalogue } from '../reported-frame.ts';
import { catalogueMessage, frame, TWO_GAUGES } from './hand-made-agent.ts';
import { LaneTap, range, until } from './road.ts';

const nats = await testNats(t);

const HOUR_MS = 3_600_000;
const FRAME_BYTES = frame().length;
const CATALOGUE_BYTES = catalogueMessage().length;

/** One that has not gone along a lane. */
function registered(catalogue = TWO_GAUGES) {
  return {
    hash: catalogue.hash,
    series: catalogue.series.length,
    isReported: false,
    message: catalogueMessage(catalogue) as Buffer | undefined,
    registered: Promise.resolve(),
    isRegistered: true,
  };
}

let fleets = 0;

/** An outbox on the first lane of a fleet of its own. */
async function fixture(t: Test, wanted: { batchBytesMax?: number; batchDelayMsMax?: number } = {}) {
  fleets += 1;
  const bus = await testBus(t, nats.port, `outbox${fleets}`);
  const publisher = new BatchPublisher(bus, `test${fleets}`);
  t.teardown(() => publisher.stop());
  const stored: [seq: number, bytes: number][] = [];
  let published = 0;
  const batchBytesMax = wanted.batchBytesMax ?? 1 << 20;
  const outbox = new LaneOutbox({
    subject: bus.topology.lane(0).subject,
    batchBytesMax,
    buffers: new BatchBuffers(batchBytesMax),
    clock: new FlushClock(wanted.batchDelayMsMax ?? HOUR_MS),
    collector: 7n,
    publisher,
    onPublished() {
      published += 1;
    },
  });
  t.teardown(() => outbox.flush());
  const target = { low: 0xabcd, high: 0 };
  const origin = {
    onStored: (seq: number, bytes: number) => void stored.push([seq, bytes]),
    onRefused: () => undefined,
  };
  const twoGauges = registered();
  const add = (
    seq: number,
    catalogue: RegisteredCatalogue = twoGauges,
    source = frame({ seq }),
  ) => {
    const { length } = source;
    outbox.addFrame({ source, offset: 0, length, target, catalogue }, seq, origin);
  };
  const tap = new LaneTap(t, bus);
  return { bus, publisher, outbox, stored, tap, add, twoGauges, published: () => published };
}

await t.test('a full batch goes at once, and none exceeds the size', async (t) => {
  const batchBytesMax = BATCH_HEADER_BYTES + CATALOGUE_BYTES + 10 * FRAME_BYTES + 8;
  const { add, tap, outbox, stored, twoGauges } = await fixture(t, { batchBytesMax });
  for (const seq of range(1, 100)) add(seq);
  t.ok(outbox.pendingBytes > 0 && outbox.pendingBytes < batchBytesMax, 'the rest waits');
  await until('the full ones are there', () => tap.batchBytes.length >= 8);
  outbox.flush();
  await until('so is the rest', () => tap.frames.length === 100);
  t.ok(tap.batchBytes.every((bytes) => bytes <= batchBytesMax));
  t.equal(
    tap.batchBytes.reduce((sum, bytes) => sum + bytes, 0),
    tap.batchBytes.length * BATCH_HEADER_BYTES + CATALOGUE_BYTES + 100 * FRAME_BYTES,
    'the catalogue went once',
  );
  t.equal(twoGauges.message, undefined, 'and is not kept');
  t.same(
    tap.frames.map(({ seq }) => seq).toSorted((a, b) => a - b),
    range(1, 100),
  );
  t.ok(tap.frames.every(({ target }) => target === 0xabcdn));
  await until('all are told', () => stored.length === 100);
  t.same(
    stored.toSorted(([a], [b]) => a - b),
    range(1, 100).map((seq) => [seq, FRAME_BYTES]),
  );
});

await t.test('a batch that is exactly full goes at once', async (t) => {
  const batchBytesMax = BATCH_HEADER_BYTES + CATALOGUE_BYTES + FRAME_BYTES;
  const { add, tap, outbox } = await fixture(t, { batchBytesMax });
  add(1);
  t.equal(outbox.pendingBytes, 0);
  await until('it is there', () => tap.frames.length === 1);
  t.same(tap.batchBytes, [batchBytesMax]);
});

await t.test('a message larger than a batch travels alone', async (t) => {
  const help = 'x'.repeat(1000);
  const large = encodeCatalogue(
    range(1, 50).map((i) => ({ name: `m${i}`, labels: [], kind: 'gauge', unit: '', help })),
  );
  const catalogue = registered(large);
  const { length } = catalogue.message!;
  const { add, tap, outbox } = await fixture(t, { batchBytesMax: 4096 });
  add(1);
  add(2, catalogue, frame({ seq: 2, catalogue: large.hash, values: range(1, 50) }));
  add(3);
  outbox.flush();
  await until('all are there', () => tap.frames.length === 3);
  const tooLarge = tap.batchBytes.filter((bytes) => bytes > 4096);
  t.same(tooLarge, [BATCH_HEADER_BYTES + padded(length)], 'it alone exceeds the size');
  t.equal(tap.batchBytes.length, 3);
  t.same(tap.catalogues.get(large.hash)?.series.length, 50);
  t.ok(tap.frames.some(({ values }) => values.length === 50 && values[49] === 50));
});

await t.test('an old batch goes, however small, and an empty one never', async (t) => {
  const { add, tap, outbox, published } = await fixture(t, { batchDelayMsMax: 20 });
  outbox.flush();
  add(1);
  await until('it is there', () => tap.frames.length === 1);
  add(2);
  await until('the next as well', () => tap.frames.length === 2);
  t.equal(tap.batchBytes.length, 2);
  await until('both are told', () => published() === 2);
  t.equal(outbox.pendingBytes, 0);
});

await t.test('no batch overtakes the registration of a catalogue it needs', async (t) => {
  const registration = Promise.withResolvers<void>();
  const late = {
    ...registered(),
    isRegistered: false,
    registered: registration.promise,
  };
  const other = encodeCatalogue([{ name: 'other', labels: [], kind: 'gauge', unit: '', help: '' }]);
  const known = registered(other);
  const { add, tap, outbox, stored, publisher } = await fixture(t);
  for (const seq of [1, 2, 3]) {
    add(seq, late);
    outbox.flush();
  }
  t.equal(publisher.batchesInFlight, 0, 'none was published');
  t.equal(
    outbox.waitingBytes,
    3 * (BATCH_HEADER_BYTES + FRAME_BYTES) + CATALOGUE_BYTES,
    'what waits is counted',
  );
  add(4, known, frame({ seq: 4, catalogue: other.hash, values: [1] }));
  outbox.flush();
  await until('what does not need it passes', () => stored.length === 1);
  t.same(
    tap.frames.filter(({ seq }) => seq < 4),
    [],
  );
  late.isRegistered = true;
  registration.resolve();
  await until('then the rest goes', () => stored.length === 4);
  t.equal(outbox.waitingBytes, 0);
  add(5, late);
  outbox.flush();
  await until('and later frames at once', () => stored.length === 5);
  await until('all are there', () => tap.frames.length === 5);
});

await t.test('a catalogue is registered once, and again when NATS was away', async (t) => {
  fleets += 1;
  const bus = await testBus(t, nats.port, `outbox${fleets}`);
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  const registry = new CatalogueRegistry(bus, stop.signal);
  await nats.kill();
  await until('the loss is noticed', () => !bus.isConnected);
  const message = catalogueMessage();
  const length = message.readUInt32LE(0);
  const budget = new CatalogueBudget();
  t.equal(registry.admit(message, 0, length, budget), TWO_GAUGES.hash);
  const catalogue = registry.get(TWO_GAUGES.hash)!;
  t.match(catalogue, { series: 2, isReported: true, isRegistered: false });
  registry.admit(message, 0, length, budget);
  t.equal(registry.get(TWO_GAUGES.hash), catalogue, 'known by its hash');
  t.equal(registry.size, 1);
  await nats.startAgain();
  await catalogue.registered;
  t.equal(catalogue.isRegistered, true);
  const { topology } = bus;
  const subject = topology.catalogueSubject(hexId(catalogue.hash));
  const kept = await bus.last(topology.cataloguesStream, subject);
  const { hash, payload } = reportedCatalogue(TWO_GAUGES)!;
  t.equal(hash, catalogue.hash);
  t.same(shelvedPayload(kept!.data), payload);
  const second = new CatalogueRegistry(bus, stop.signal);
  await second.get(second.admit(message, 0, length, budget))!.registered;
  t.equal((await bus.last(topology.cataloguesStream, subject))!.seq, kept!.seq, 'not twice');
});
