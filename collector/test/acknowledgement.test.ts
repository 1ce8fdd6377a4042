import t from 'tap';
import type { Test } from 'tap';
import { testBus, testNats } from '../../pipeline/embedded/test-servers.ts';
import { encodeCatalogue } from '../../pipeline/wire/catalogue.ts';
import { shardOf } from '../../pipeline/wire/shard.ts';
import { catalogueMessage, frame, HandMadeAgent } from './hand-made-agent.ts';
import { LaneTap, range, testDialler, testTarget, until } from './road.ts';

const nats = await testNats(t);
const HOUR_MS = 3_600_000;
let fleets = 0;

/** An agent that has sent `frames`, and a collector that has all of them stored. */
async function stored(
  t: Test,
  frames: readonly Buffer[],
  wanted: { readonly intervalMs?: number; readonly creditBytes?: number } = {},
  catalogue = catalogueMessage(),
) {
  const { intervalMs = HOUR_MS, ...options } = wanted;
  fleets += 1;
  const bus = await testBus(t, nats.port, `acks${fleets}`);
  const tap = new LaneTap(t, bus);
  const agent = await HandMadeAgent.start(t, {
    onSubscribe: (caller) => caller.send(catalogue, ...frames),
  });
  const target = testTarget('acknowledged', agent.port, intervalMs);
  const { dialler, publisher, setTargets } = testDialler(t, bus, options);
  setTargets(target);
  await until('all are stored', () => tap.framesOf(target).length === frames.length);
  await until('and known to be', () => publisher.batchesInFlight === 0);
  const caller = agent.callers[0]!;
  return { target, dialler, setTargets, caller };
}

const frames = (last: number): Buffer[] => range(1, last).map((seq) => frame({ seq }));

await t.test('four frames are acknowledged at once, as one range, with their credit', async (t) => {
  const { caller } = await stored(t, frames(4));
  await until('they are acknowledged', () => caller.acknowledged.length === 4);
  t.equal(caller.acks.length, 1);
  t.same(caller.acks[0]!.ranges, [[1, 4]]);
  t.equal(caller.acks[0]!.creditBytes, 4 * frame().length);
});

await t.test('few frames wait for others; when none comes they are acknowledged', async (t) => {
  const { caller } = await stored(t, frames(2), { intervalMs: 1000 });
  t.same(caller.acks, []);
  await until('they are acknowledged', () => caller.acknowledged.length === 2);
  await until('the agent is asked whether it lives', () => caller.pings > 0);
  t.equal(caller.acks.length, 1);
});

await t.test('a large frame does not wait: a small ring has room for few of them', async (t) => {
  const values = range(1, 2100);
  const series = values.map((i) => ({
    name: `m${i}`,
    labels: [],
    kind: 'gauge' as const,
    unit: '',
    help: '',
  }));
  const catalogue = encodeCatalogue(series);
  const large = frame({ seq: 1, catalogue: catalogue.hash, values });
  t.ok(large.length > 16 * 1024);
  const { caller } = await stored(t, [large], {}, catalogueMessage(catalogue));
  await until('it is acknowledged', () => caller.acknowledged.length === 1);
});

await t.test('where credit is short, a quarter of it is enough', async (t) => {
  const creditBytes = 4 * frame().length;
  const { caller } = await stored(t, frames(1), { creditBytes });
  await until('it is acknowledged', () => caller.acknowledged.length === 1);
});

await t.test('who hangs up acknowledges what is stored', async (t) => {
  const { caller, setTargets } = await stored(t, frames(3));
  t.same(caller.acks, []);
  setTargets();
  await until('the collector has said why', () => caller.error !== undefined);
  t.same(caller.acknowledged, [1, 2, 3]);
});

await t.test('who lends an agent acknowledges at once what is stored', async (t) => {
  const { caller, dialler, target } = await stored(t, frames(3));
  t.same(caller.acks, []);
  dialler.lendShard(shardOf(target.id));
  await until('they are acknowledged', () => caller.acknowledged.length === 3);
  caller.send(frame({ seq: 4 }));
  await until('so is each from then on', () => caller.acknowledged.length === 4);
});
