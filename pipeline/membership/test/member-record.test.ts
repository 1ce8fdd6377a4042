import { Registry } from 'prom-client';
import t from 'tap';
import type { Test } from 'tap';
import type { Bus } from '../../bus/bus.ts';
import {
  silentLog,
  testBus,
  testClickHouse,
  testNats,
  testStore,
} from '../../embedded/test-servers.ts';
import { until } from '../../embedded/test/until.ts';
import type { Store } from '../../store/store.ts';
import { listTargets } from '../../targets/target-store.ts';
import { encodeClaim } from '../claim.ts';
import { MemberRecord } from '../member-record.ts';
import { encodePresence } from '../presence.ts';
import type { Presence } from '../presence.ts';

const nats = await testNats(t);
const clickhouse = await testClickHouse(t);

async function fixture(t: Test, fleet: string) {
  const bus = await testBus(t, nats.port, fleet);
  const store = await testStore(t, clickhouse.port, fleet);
  const record = () => {
    const stop = new AbortController();
    const one = new MemberRecord({ bus, store, log: silentLog });
    const ended = one.run(stop.signal);
    const end = async (): Promise<void> => {
      stop.abort();
      await ended;
    };
    t.teardown(end);
    return { record: one, end };
  };
  return { bus, store, record };
}

const SHARDS = Array.from({ length: 256 }, (_, i) => String(i));

function presence(id: string, changes: Partial<Presence> = {}): Presence {
  const said = { id, name: `host-${id}`, startedMs: Date.now(), offers: SHARDS, owns: 0 };
  return { ...said, isLeaving: false, ...changes };
}

/** Says so every 100 ms until stopped. */
function speak(t: Test, bus: Bus, role: string, said: Presence): { stop(last?: Presence): void } {
  const subject = `${bus.topology.fleet}.alive.${role}.${said.id}`;
  const say = (what: Presence): void => bus.connection.publish(subject, encodePresence(what));
  const timer = setInterval(() => say(said), 100);
  t.teardown(() => clearInterval(timer));
  return {
    stop(last) {
      clearInterval(timer);
      if (last !== undefined) say(last);
    },
  };
}

function claim(bus: Bus, role: string, part: string, member: string, epoch: number, free = false) {
  const said = { member, name: `host-${member}`, epoch, isReleased: free };
  return bus.publish(bus.topology.stateSubject('owner', role, part), encodeClaim(said));
}

function claimAll(bus: Bus, member: string, epoch: number) {
  return Promise.all(SHARDS.map((part) => claim(bus, 'collector', part, member, epoch)));
}

const shares = (store: Store) =>
  store.rows<{ member: string; state: string; owned: string; of: string; epoch: string }>(
    'SELECT member, state, owned, of, epoch FROM members_current ORDER BY member',
  );

async function count(store: Store, table: string): Promise<number> {
  const [row] = await store.rows<{ n: string }>(`SELECT count() AS n FROM ${table}`);
  return Number(row!.n);
}

await t.test('members and their shares are shown; what moved can be looked up', async (t) => {
  const { bus, store, record } = await fixture(t, 'shares');
  const { record: running } = record();
  const a = speak(t, bus, 'collector', presence('a'));
  await claimAll(bus, 'a', 1000);
  await until('a owns all', async () => (await shares(store))[0]?.owned === '256');
  t.same(await shares(store), [
    { member: 'a', state: 'alive', owned: '256', of: '256', epoch: '1000' },
  ]);

  speak(t, bus, 'collector', presence('b'));
  const before = running.counters.inserts;
  await Promise.all(
    SHARDS.slice(0, 64).map(async (part) => {
      await claim(bus, 'collector', part, 'a', 1000, true);
      await claim(bus, 'collector', part, 'b', 2000);
    }),
  );
  await until('b owns a quarter', async () => (await shares(store))[1]?.owned === '64');
  t.same(await shares(store), [
    { member: 'a', state: 'alive', owned: '192', of: '256', epoch: '1000' },
    { member: 'b', state: 'alive', owned: '64', of: '256', epoch: '2000' },
  ]);
  t.ok(running.counters.inserts - before < 64, 'parts that move together are written together');
  t.same(
    await store.rows(
      `SELECT role, from_name, to_name, count() AS parts, min(epoch) AS epoch FROM moves
       GROUP BY role, from_name, to_name ORDER BY epoch`,
    ),
    [
      { role: 'collector', from_name: '', to_name: 'host-a', parts: '256', epoch: '1000' },
      { role: 'collector', from_name: 'host-a', to_name: 'host-b', parts: '64', epoch: '2000' },
    ],
  );
  const [{ recent } = { recent: '' }] = await store.rows<{ recent: string }>(
    'SELECT countIf(abs(dateDiff(second, time, now64(3))) < 60) AS recent FROM moves',
  );
  t.equal(recent, '320', 'moves have the time at which the claims were made');
  t.equal(running.unowned.get('collector'), 0);

  a.stop(presence('a', { isLeaving: true }));
  await until('a has left', async () => (await shares(store))[0]?.state === 'left');
  await until('its parts are nobody’s', () => running.unowned.get('collector') === 192);
});

await t.test('each component heard becomes a target that reports by itself', async (t) => {
  const { bus, store, record } = await fixture(t, 'targets');
  record();
  speak(t, bus, 'collector', presence('a'));
  speak(t, bus, 'writer', presence('w', { name: 'host-a', offers: ['2x0'] }));
  // Two runs of one name are one target.
  speak(t, bus, 'writer', presence('v', { name: 'host-a', offers: ['2x0'] }));
  const targets = await until('both are targets', async () => {
    const all = await listTargets(store);
    return all.length === 2 && all;
  });
  t.match(targets, [
    { instance: 'collector/host-a', address: '', labels: { job: 'rollcall', role: 'collector' } },
    { instance: 'writer/host-a', address: '', labels: { job: 'rollcall', role: 'writer' } },
  ]);
  t.equal(targets[0]!.intervalMs, 5000);
});

await t.test('a component that was not heard for an hour is no target any more', async (t) => {
  const { bus, store, record } = await fixture(t, 'silent');
  const long = record();
  speak(t, bus, 'writer', presence('w', { offers: ['2x0'] }));
  await until('it is a target', async () => (await listTargets(store)).length === 1);
  await long.end();
  await store.run('TRUNCATE TABLE members');
  const seen_at = new Date(Date.now() - 3_700_000).toISOString();
  const old = { role: 'writer', member: 'w', name: 'host-w', started_at: seen_at, seen_at };
  await store.insertRows('members', [{ ...old, offers: [], owns: 0, is_leaving: false }]);
  const other = await fixture(t, 'silent_unheard');
  // The one that speaks is heard on another fleet's subjects only.
  const again = new MemberRecord({ bus: other.bus, store, log: silentLog });
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  void again.run(stop.signal);
  await until('it is gone', async () => (await listTargets(store)).length === 0);
});

await t.test('who leaves together with whoever records it is recorded as left', async (t) => {
  const { bus, store, record } = await fixture(t, 'together');
  const { end } = record();
  const speaking = speak(t, bus, 'alerter', presence('a', { offers: ['2x0'] }));
  await until('it is alive', async () => (await shares(store))[0]?.state === 'alive');
  speaking.stop(presence('a', { offers: ['2x0'], isLeaving: true }));
  await end();
  t.match(await shares(store), [{ member: 'a', state: 'left' }]);
});

await t.test('a successor writes the same again, and it changes nothing', async (t) => {
  const { bus, store, record } = await fixture(t, 'again');
  const first = record();
  speak(t, bus, 'collector', presence('a'));
  await claimAll(bus, 'a', 1000);
  await until('written', async () => (await count(store, 'ownership FINAL')) === 256);
  const before = await store.rows('SELECT * FROM ownership_current ORDER BY part');
  await first.end();
  const { record: second } = record();
  await until('written again', () => second.counters.rows > 256);
  t.same(await store.rows('SELECT * FROM ownership_current ORDER BY part'), before);
  t.equal(await count(store, 'ownership FINAL'), 256);
  t.equal(await count(store, 'moves'), 256);
  t.equal((await listTargets(store)).length, 1);
});

await t.test('ClickHouse may be away: rows wait', async (t) => {
  const { bus, store, record } = await fixture(t, 'away');
  const { record: running } = record();
  speak(t, bus, 'alerter', presence('a', { offers: ['2x0', '2x1'] }));
  await until('it is heard', async () => (await count(store, 'members')) > 0);
  await clickhouse.kill();
  await claim(bus, 'alerter', '2x0', 'a', 1);
  await until('writing has failed', () => running.counters.retries > 0);
  await claim(bus, 'alerter', '2x1', 'a', 2);
  await until('it is known all the same', () => running.unowned.get('alerter') === 0);
  await clickhouse.startAgain();
  await until('both are there', async () => (await count(store, 'ownership FINAL')) === 2);
  t.equal(running.droppedTotal, 0);
});

await t.test('a ClickHouse that hangs does not hold up whoever takes over', async (t) => {
  const { bus, store, record } = await fixture(t, 'hangs');
  const { record: running, end } = record();
  const speaking = speak(t, bus, 'writer', presence('w', { offers: ['log'] }));
  await until('it writes', async () => (await count(store, 'members')) > 0);
  clickhouse.signal('SIGSTOP');
  const before = running.counters.inserts;
  await claim(bus, 'writer', 'log', 'w', 1);
  await until('it is heard', () => running.unowned.get('writer') === 0);
  await end();
  t.equal(running.counters.inserts, before, 'the write was not waited for');
  clickhouse.signal('SIGCONT');
  speaking.stop();
});

await t.test('NATS may be away, and come back', async (t) => {
  const { bus, store, record } = await fixture(t, 'nats_away');
  record();
  speak(t, bus, 'writer', presence('w', { offers: ['log'] }));
  await claim(bus, 'writer', 'log', 'w', 5);
  await until('it owns the log', async () => (await shares(store))[0]?.owned === '1');
  await nats.kill();
  await nats.startAgain();
  await until('it is claimed anew', () => claim(bus, 'writer', 'log', 'w', 6));
  await until('that is written', async () => (await shares(store))[0]?.epoch === '6');
});

await t.test('parts that nobody owns are counted, whoever is there', async (t) => {
  const { bus, store, record } = await fixture(t, 'unowned');
  await claim(bus, 'notifier', 'pager', 'dead', 1);
  await claim(bus, 'writer', '2x0', 'w', 1);
  await claim(bus, 'writer', '1x0', 'dead', 1);
  const { record: running, end } = record();
  const registry = new Registry();
  running.register(registry);
  speak(t, bus, 'writer', presence('w', { offers: ['2x0', '2x1', 'log'] }));
  await until('gaps are known', () => running.unowned.get('writer') === 2);
  // Nobody is left who could own it, and it is still asked for.
  await until('its member is gone', () => running.unowned.get('notifier') === 1);
  const shown = await registry.metrics();
  t.match(shown, 'rollcall_parts_unowned{role="writer"} 2');
  t.match(shown, 'rollcall_parts_unowned{role="notifier"} 1');
  t.match(shown, 'rollcall_fleet_members{role="writer"} 1');
  await until('written', async () => (await count(store, 'ownership FINAL')) === 3);
  await end();
  t.notMatch(await registry.metrics(), 'rollcall_parts_unowned{', 'another one says that now');
});

await t.test('what is no presence and no claim is counted and does no harm', async (t) => {
  const { bus, store, record } = await fixture(t, 'hostile');
  const { record: running } = record();
  const { connection, topology } = bus;
  await until('it listens', () => {
    connection.publish(`${topology.fleet}.alive.writer.ask`);
    connection.publish(`${topology.fleet}.alive.writer.x`, 'nonsense');
    return running.counters.refused > 0;
  });
  const before = running.counters.refused;
  const say = (subject: string, said: Presence): void =>
    connection.publish(`${topology.fleet}.alive.writer.${subject}`, encodePresence(said));
  say('other', presence('not-other'));
  say('long', presence('long', { name: 'x'.repeat(65) }));
  say('empty', presence('empty', { name: '' }));
  await bus.publish(topology.stateSubject('owner', 'writer', 'log'), Buffer.from('{}'));
  await until('all are refused', () => running.counters.refused === before + 4);
  say('odd', presence('odd', { name: `o'dd"`, startedMs: -1e15 }));
  await until('the next one is written', async () => {
    const rows = await store.rows<{ name: string }>('SELECT name FROM members_current');
    return rows.some(({ name }) => name === `o'dd"`);
  });
});
