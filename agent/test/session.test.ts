import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import t from 'tap';
import type { Test } from 'tap';
import { decodeCatalogueMessage } from '../../pipeline/wire/catalogue-message.ts';
import { MessageType, newMessage } from '../../pipeline/wire/message.ts';
import { hexId, targetId } from '../../pipeline/wire/shard.ts';
import { Agent } from '../agent.ts';
import type { Source } from '../source.ts';
import { CollectorClient } from './collector-client.ts';

const LOAD = { name: 'node_load1', kind: 'gauge', unit: '', help: 'Load.' } as const;
const EXTRA = { name: 'node_extra', kind: 'gauge', unit: '', help: 'Appears later.' } as const;

/** An agent whose ticks the test makes and whose wall clock the test moves. */
async function fixture(t: Test, ringBytesMax = 1 << 20) {
  const state = {
    load: 1,
    extra: undefined as number | undefined,
    wallMs: 1_700_000_000_000,
    monotonicMs: 0,
  };
  const source: Source = {
    name: 'test',
    read(sink) {
      sink.set(sink.declare(LOAD), state.load);
      if (state.extra !== undefined) sink.set(sink.declare(EXTRA), state.extra);
    },
    close() {},
  };
  const agent = new Agent({
    listen: { host: '127.0.0.1', port: 0 },
    insecure: false,
    sources: [() => source],
    ringBytesMax,
    seriesMax: 100,
    connectionsMax: 4,
    version: 'test',
    log: pino({ level: 'silent' }),
    clock: { wallMs: () => state.wallMs, monotonicMs: () => state.monotonicMs },
  });
  const { port } = await agent.start();
  t.teardown(() => agent.stop());
  const clients: CollectorClient[] = [];
  t.teardown(() => clients.forEach((client) => client.socket.destroy()));
  const dial = async () => {
    const client = await new CollectorClient(port).connected();
    clients.push(client);
    return client;
  };
  const tick = (load: number) => {
    state.load = load;
    state.wallMs += 5000;
    state.monotonicMs += 5000;
    agent.tick();
  };
  return { agent, state, dial, tick };
}

/** Waits until it is true in the agent. */
async function passes(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits until the agent, too, knows that connections have ended. */
async function left(agent: Agent, sessions: number): Promise<void> {
  await passes(() => agent.sessionCount <= sessions);
}

async function subscribed(agent: Agent): Promise<void> {
  while (agent.ticker.intervalMs === 0) await new Promise((resolve) => setImmediate(resolve));
}

await t.test('a collector gets the catalogue once and then each tick as it comes', async (t) => {
  const { agent, dial, tick } = await fixture(t);
  const client = await dial();
  await client.open();
  await subscribed(agent);
  tick(1.5);
  tick(2.5);
  await client.until(() => client.frames.length === 2);
  t.equal(client.welcome!.incarnation, hexId(agent.store.incarnation));
  const message = client.catalogues[0]!;
  const catalogue = decodeCatalogueMessage(message, 0, message.length);
  t.equal(catalogue.series[0]!.name, 'node_load1');
  t.equal(client.frames[0]!.catalogue, catalogue.hash);
  t.same(
    client.frames.map(({ seq, isBacklog, values }) => [seq, isBacklog, values[0]]),
    [
      [1, false, 1.5],
      [2, false, 2.5],
    ],
  );
  t.match(client.order.slice(0, 2), ['catalogue', 'samples']);
});

await t.test('what was not acknowledged is replayed, flagged, after live went on', async (t) => {
  const { agent, state, dial, tick } = await fixture(t);
  const first = await dial();
  await first.open();
  await subscribed(agent);
  for (let i = 1; i <= 5; i += 1) tick(i);
  await first.until(() => first.frames.length === 5);
  first.ack(1, 2);
  first.ack(4, 4);
  first.socket.end();
  await first.until(() => first.closed);
  tick(6);
  state.wallMs -= 3_600_000;
  const second = await dial();
  await second.open();
  t.equal(second.welcome!.firstSeq, 3);
  t.equal(second.welcome!.nextSeq, 7);
  await second.until(() => second.frames.length === 3);
  tick(7);
  await second.until(() => second.frames.length === 4);
  t.same(
    second.frames.map(({ seq, isBacklog, values }) => [seq, isBacklog, values[0]]),
    [
      [3, true, 3],
      [5, true, 5],
      [6, false, 6],
      [7, false, 7],
    ],
    'a frame younger than an interval is as good as live',
  );
  second.ack(3, 7);
  await second.until(() => true);
  while (agent.store.ring.frames > 0) await new Promise((resolve) => setImmediate(resolve));
  t.equal(agent.store.ring.bytes, 0, 'acknowledged frames are forgotten');
});

await t.test('ticks that come late and early are all sent', async (t) => {
  const { agent, state, dial } = await fixture(t);
  const client = await dial();
  await client.open();
  await subscribed(agent);
  for (const gapMs of [5000, 9500, 500, 5000, -3_600_000, 1]) {
    state.wallMs += gapMs;
    agent.tick();
  }
  await client.until(() => client.frames.length === 6);
  t.same(client.seqs(), [1, 2, 3, 4, 5, 6]);
});

await t.test('without credit frames wait; credit brings them in order', async (t) => {
  const { agent, dial, tick } = await fixture(t);
  const client = await dial();
  await client.open('f', 1, 1);
  await subscribed(agent);
  for (let i = 1; i <= 4; i += 1) tick(i);
  await client.until(() => client.frames.length === 1);
  t.same(client.seqs(), [1], 'a message may start while credit is above zero, then no more');
  client.ack(1, 1, 1 << 20);
  await client.until(() => client.frames.length === 4);
  t.same(client.seqs(), [1, 2, 3, 4]);
});

await t.test('a full ring drops the oldest and counts it', async (t) => {
  const { agent, dial, tick } = await fixture(t, 2000);
  const client = await dial();
  await client.open('f', 1, 0);
  await subscribed(agent);
  for (let i = 1; i <= 50; i += 1) tick(i);
  const [cursor] = agent.store.fleets;
  t.ok(cursor!.droppedTotal > 0);
  t.equal(cursor!.droppedTotal + agent.store.ring.frames, 50);
  t.ok(agent.store.ring.bytes <= 2000);
});

await t.test('a series that appears changes the catalogue and shifts nothing', async (t) => {
  const { agent, state, dial, tick } = await fixture(t);
  const client = await dial();
  await client.open();
  await subscribed(agent);
  tick(1);
  state.extra = 42;
  tick(2);
  await client.until(() => client.frames.length === 2);
  const catalogues = client.catalogues.map((m) => decodeCatalogueMessage(m, 0, m.length));
  t.equal(catalogues.length, 2);
  const slot = catalogues[1]!.series.findIndex(({ name }) => name === 'node_extra');
  t.same(catalogues[1]!.series.slice(0, slot), catalogues[0]!.series);
  t.equal(client.frames[1]!.values[slot], 42);
  t.equal(client.frames[1]!.values[0], 2);
});

await t.test('a newer connection supersedes, a lower epoch is refused', async (t) => {
  const { dial } = await fixture(t);
  const first = await dial();
  await first.open('f', 5);
  const second = await dial();
  await second.open('f', 5);
  await first.until(() => first.closed);
  t.equal(first.error?.code, 'superseded');
  const stale = await dial();
  stale.hello('f', 4);
  await stale.until(() => stale.closed);
  t.equal(stale.error?.code, 'stale_epoch');
  t.equal(second.closed, false);
  const other = await dial();
  await other.open('g', 1);
  t.ok(other.welcome, 'another fleet has its own epochs');
});

const CREDIT = 1 << 20;

await t.test('another target is refused while one is watched; the incumbent stays', async (t) => {
  const { agent, dial, tick } = await fixture(t);
  const first = await dial();
  await first.open('f', 5, CREDIT, 'web-1');
  await subscribed(agent);
  // Neither its epoch nor silence about its name gets it in.
  for (const [epoch, instance] of [
    [4, 'web-2'],
    [6, 'web-2'],
    [6, undefined],
  ] as const) {
    const second = await dial();
    second.hello('f', epoch, [1], instance);
    await second.until(() => second.closed);
    t.equal(second.error?.code, 'address_taken');
    t.match(second.error?.message, /already watched as web-1, .*as (?:web-2|a target without)/);
  }
  const other = await dial();
  await other.open('g', 1, CREDIT, 'web-2');
  t.ok(other.welcome, 'another fleet may call it otherwise');
  tick(1);
  await first.until(() => first.frames.length === 1);
  t.equal(first.closed, false);
  const next = await dial();
  await next.open('f', 5, CREDIT, 'web-1');
  t.ok(next.welcome, 'the same target supersedes as ever');
  await first.until(() => first.closed);
  t.equal(first.error?.code, 'superseded');
});

await t.test('an agent that is renamed obeys a lower epoch, under each name its own', async (t) => {
  const { agent, dial } = await fixture(t);
  const turn = async (epoch: number, instance: string) => {
    const client = await dial();
    await client.open('f', epoch, CREDIT, instance);
    client.socket.destroy();
    await left(agent, 0);
    return client.error?.code ?? 'welcome';
  };
  t.equal(await turn(9, 'old'), 'welcome');
  t.equal(await turn(2, 'new'), 'welcome', 'epochs of two shards say nothing of each other');
  t.equal(await turn(1, 'new'), 'stale_epoch');
  t.equal(await turn(8, 'old'), 'stale_epoch', 'the earlier name is remembered');
  t.equal(await turn(9, 'old'), 'welcome');
  for (let i = 1; i <= 16; i += 1) t.equal(await turn(1, `name-${i}`), 'welcome');
  t.equal(await turn(1, 'old'), 'welcome', 'for sixteen names');
});

await t.test('what was said as another target is dropped and counted, not renamed', async (t) => {
  const { agent, dial, tick } = await fixture(t);
  const old = await dial();
  await old.open('f', 1, CREDIT, 'old');
  const other = await dial();
  await other.open('g', 1, CREDIT, 'old');
  await passes(() => [...agent.store.fleets].length === 2);
  for (let i = 1; i <= 3; i += 1) tick(i);
  await old.until(() => old.frames.length === 3);
  old.ack(1, 1);
  old.ack(3, 3);
  old.socket.end();
  await left(agent, 1);
  tick(4);
  const renamed = await dial();
  await renamed.open('f', 1, CREDIT, 'new');
  t.equal(renamed.welcome!.firstSeq, 5);
  t.equal(renamed.welcome!.nextSeq, 5);
  const cursor = agent.store.cursor('f')!;
  await passes(() => cursor.target === hexId(targetId('new')));
  tick(5);
  await renamed.until(() => renamed.frames.length === 1);
  t.same(renamed.seqs(), [5]);
  t.equal(cursor.renamedTotal, 2, 'frames 2 and 4');
  t.equal(cursor.droppedTotal, 0, 'the ring was not full');
  t.equal(agent.store.cursor('g')!.firstOwedSeq, 1, 'the other fleet is owed them all');
  const series = agent.table.catalogue().series.map(({ name }) => name);
  t.ok(series.includes('rollcall_agent_renamed_dropped_frames_total'));
  renamed.socket.end();
  await left(agent, 1);
  const again = await dial();
  await again.open('f', 1, CREDIT, 'new');
  t.equal(again.welcome!.firstSeq, 5, 'the same target is owed what it has not acknowledged');
});

await t.test('too many fleets, versions and acknowledgements out of thin air', async (t) => {
  const { dial, agent } = await fixture(t);
  const version = await dial();
  version.hello('f', 1, [9]);
  await version.until(() => version.closed);
  t.equal(version.error?.code, 'unsupported_version');
  const liar = await dial();
  await liar.open();
  await subscribed(agent);
  liar.ack(1, 10);
  await liar.until(() => liar.closed);
  t.equal(liar.error?.code, 'bad_message');
  for (let i = 0; i < 8; i += 1) {
    const client = await dial();
    client.hello(`fleet${i}`);
    await client.until(() => client.welcome !== undefined || client.closed);
    client.socket.destroy();
    await client.until(() => client.closed);
    if (i === 7) t.equal(client.error?.code, 'fleet_refused', 'f and seven others are eight');
  }
});

await t.test('hostile bytes end their own connection only', async (t) => {
  const { agent, dial, tick } = await fixture(t);
  const good = await dial();
  await good.open();
  await subscribed(agent);
  const huge = newMessage(MessageType.hello, 8);
  huge.writeUInt32LE(0xffff_fff0, 0);
  for (const bytes of [randomBytes(4096), huge, Buffer.from('GET / HTTP/1.1\r\n\r\n')]) {
    const hostile = await dial();
    hostile.socket.write(bytes);
    await hostile.until(() => hostile.closed);
    t.equal(hostile.error?.code, 'bad_message');
  }
  tick(1);
  await good.until(() => good.frames.length === 1);
  t.equal(good.closed, false);
});

await t.test(
  'a collector that reads nothing is cut off; nobody else and no frame suffers',
  async (t) => {
    const { agent, state, dial, tick } = await fixture(t, 16 << 20);
    const [good, slow] = [await dial(), await dial()];
    await good.open('good', 1, 1 << 30);
    await slow.open('slow', 1, 1 << 30);
    await subscribed(agent);
    slow.socket.pause();
    const sessions = agent.sessionCount;
    // Enough for what the kernel takes, and then for what the agent is willing to keep.
    let ticks = 0;
    while (agent.sessionCount === sessions && ticks < 100_000) {
      tick(ticks);
      ticks += 1;
      state.monotonicMs += 100;
      if (ticks % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    t.equal(agent.sessionCount, sessions - 1, `cut off after ${ticks} ticks`);
    await good.until(() => good.frames.length === ticks);
    t.same(
      good.seqs(),
      Array.from({ length: ticks }, (_, i) => i + 1),
    );
    const cursor = agent.store.cursor('slow')!;
    t.equal(cursor.droppedTotal + agent.store.ring.frames, ticks, 'it is still owed everything');
  },
);
