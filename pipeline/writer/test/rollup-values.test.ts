import t from 'tap';
import {
  silentLog,
  TEST_RETENTION,
  testClickHouse,
  testNats,
} from '../../embedded/test-servers.ts';
import { Rollup } from '../rollup.ts';
import { HOUR_MS, hourMs, rolledUpSamples, sameAnswers, UNTOLD } from './hours.ts';
import { laneFixture } from './lane-fixture.ts';
import { catalogueOf, instancesOf, publishBatch } from './traffic.ts';
import type { SentFrame } from './traffic.ts';

const nats = await testNats(t);
const clickhouse = await testClickHouse(t);
const ports = { nats: nats.port, clickhouse: clickhouse.port };
const INSTANCES = instancesOf(5);
const TICKS = 1500;
const SPAN_MS = 5 * HOUR_MS;

/** What a series says at each tick. */
const KINDS: Readonly<Record<string, (tick: number) => number | undefined>> = {
  counter: (tick) => (tick * 4096) % 3_000_000,
  hundredths: (tick) => Math.round(Math.sin(tick) * 10_000) / 100,
  thirds: (tick) => tick / 3,
  constant: () => -1.5,
  large: (tick) => (tick % 7 === 0 ? 2 ** 51 + tick : 0.125),
  sometimes_nan: (tick) => (Math.random() < 0.3 ? NaN : tick),
  nan: () => NaN,
  infinite: (tick) => [Infinity, -3, 2][tick % 3],
  both: (tick) => [Infinity, -Infinity, 2][tick % 3],
  absent: (tick) => (Math.random() < 0.9 ? undefined : -tick),
  zeros: (tick) => (tick % 2 === 0 ? 0 : -0),
  mixed: (tick) => (Math.floor(tick / 30) % 2 === 0 ? tick : tick / 7),
};
const CATALOGUE = catalogueOf(...Object.keys(KINDS).map((name) => [name] as const));

function frameOf(instance: string, tick: number, startMs: number): SentFrame {
  return {
    instance,
    incarnation: 7n,
    seq: tick + 1,
    timestampMs: startMs + Math.floor((tick * SPAN_MS) / TICKS),
    catalogue: CATALOGUE,
    values: Object.values(KINDS).map((valueAt) => valueAt(tick)),
  };
}

await t.test('all kinds of values, in time and late, are what the samples say', async (t) => {
  const { bus, store, lane, write, stored, closed } = await laneFixture(t, ports, 'values');
  const start = hourMs(6);
  const same = (what: string) => sameAnswers(t, store, start, start + 7 * HOUR_MS, what);
  const writer = write();
  const frames = Array.from({ length: TICKS }, (_, tick) => tick).flatMap((tick) =>
    INSTANCES.map((instance) => frameOf(instance, tick, start)),
  );
  // A third of them is late, in no order.
  const late = frames.filter(({ seq }) => seq % 3 === 0).toSorted(() => Math.random() - 0.5);
  const inTime = frames.filter(({ seq }) => seq % 3 !== 0);
  const send = async (some: readonly SentFrame[]): Promise<void> => {
    for (let at = 0; at < some.length; at += 1000) {
      await publishBatch(bus, lane, [
        ...(at === 0 ? [CATALOGUE] : []),
        ...some.slice(at, at + 1000),
      ]);
      await closed();
    }
  };
  const rollup = new Rollup(store, silentLog, { epoch: 1, writer: 'w', kept: TEST_RETENTION });
  await send(inTime);
  await stored(inTime.length);
  await same('nothing is rolled up');
  await rollup.look(start + 6 * HOUR_MS + 120_000, UNTOLD);
  const before = await rolledUpSamples(store);
  t.ok(before > 0);
  await same('most is rolled up');
  await send(late.slice(0, late.length / 2));
  await same('with late ones in several places');
  await rollup.look(start + 7 * HOUR_MS + 120_000, UNTOLD);
  await send(late.slice(late.length / 2));
  await stored(frames.length);
  t.ok((await rolledUpSamples(store)) > before);
  await same('late ones are rolled up');
  await rollup.look(start + 8 * HOUR_MS + 120_000, UNTOLD);
  await same('in the end');
  await writer.end();
});
