import { deflateSync } from 'node:zlib';
import t from 'tap';
import { testBus, testNats } from '../../embedded/test-servers.ts';
import { CATALOGUE_BYTES_MAX, decodeCatalogue, encodeCatalogue } from '../../wire/catalogue.ts';
import { hexId } from '../../wire/shard.ts';
import { shelveCatalogue, shelvedCatalogue } from '../shelved-catalogue.ts';

const nats = await testNats(t);
const CATALOGUE = encodeCatalogue(
  Array.from({ length: 200 }, (_, cpu) => ({
    name: 'node_cpu_seconds_total',
    labels: [['cpu', String(cpu)]],
    kind: 'counter',
    unit: 'seconds',
    help: 'Seconds the CPUs spent in each mode.',
  })),
);

await t.test('a catalogue is put there once, compressed', async (t) => {
  const bus = await testBus(t, nats.port, 'shelf');
  t.equal(await shelvedCatalogue(bus, CATALOGUE.hash), undefined);
  await shelveCatalogue(bus, CATALOGUE);
  await shelveCatalogue(bus, CATALOGUE);
  const { state } = await bus.streamInfo(bus.topology.cataloguesStream);
  t.equal(state.messages, 1);
  t.equal(state.last_seq, 1);
  t.ok(state.bytes < CATALOGUE.payload.length / 4);
  const payload = await shelvedCatalogue(bus, CATALOGUE.hash);
  t.same(decodeCatalogue(payload!), CATALOGUE);
});

await t.test('what older versions put there can be read', async (t) => {
  const bus = await testBus(t, nats.port, 'older');
  await bus.publish(bus.topology.catalogueSubject(hexId(CATALOGUE.hash)), CATALOGUE.payload);
  t.same(await shelvedCatalogue(bus, CATALOGUE.hash), CATALOGUE.payload);
  const none = encodeCatalogue([]);
  await bus.publish(bus.topology.catalogueSubject(hexId(none.hash)), none.payload);
  t.same(await shelvedCatalogue(bus, none.hash), none.payload);
});

await t.test('what does not unpack, or is too large unpacked, is no catalogue', async (t) => {
  const bus = await testBus(t, nats.port, 'broken');
  const subject = bus.topology.catalogueSubject(hexId(1n));
  for (const value of [
    Buffer.from([0x78]),
    deflateSync(CATALOGUE.payload).subarray(0, 100),
    deflateSync(Buffer.alloc(CATALOGUE_BYTES_MAX + 1)),
  ]) {
    await bus.publish(subject, value);
    await t.rejects(shelvedCatalogue(bus, 1n), { code: 'catalogue_invalid' });
  }
});
