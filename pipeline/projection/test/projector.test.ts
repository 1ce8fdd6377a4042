import t from 'tap';
import type { Test } from 'tap';
import type { Bus } from '../../bus/bus.ts';
import { encodeNumbered, numberOf, payloadOf } from '../../bus/numbered-value.ts';
import {
  silentLog,
  testBus,
  testClickHouse,
  testNats,
  testStore,
} from '../../embedded/test-servers.ts';
import { until } from '../../embedded/test/until.ts';
import { putRuleFiles, removeRuleFiles } from '../../rules/rule-store.ts';
import { decodeRuleFile, ruleTopic } from '../../rules/rule-topic.ts';
import { putTargets, removeTargets } from '../../targets/target-store.ts';
import { targetTopic } from '../../targets/target-topic.ts';
import { decodeTargets } from '../../targets/target.ts';
import { shardOf, targetId } from '../../wire/shard.ts';
import { Follower } from '../follower.ts';
import { Projector } from '../projector.ts';

const nats = await testNats(t);
const clickhouse = await testClickHouse(t);

async function fixture(t: Test, fleet: string) {
  const bus = await testBus(t, nats.port, fleet);
  const store = await testStore(t, clickhouse.port, fleet);
  const projector = () => new Projector(bus, store, [targetTopic, ruleTopic], silentLog);
  return { bus, store, projector };
}

/** How many messages the state stream has ever had: each publication is one. */
async function published(bus: Bus): Promise<number> {
  return (await bus.streamInfo(bus.topology.stateStream)).state.last_seq;
}

function host(instance: string, intervalMs = 5000) {
  return { instance, address: 'a:1', labels: { zone: 'z1' }, intervalMs };
}

/** Follows a topic into a map, and remembers how often each key came. */
async function following<T>(t: Test, bus: Bus, topic: string, decode: (value: Uint8Array) => T) {
  const values = new Map<string, T>();
  const keys: string[] = [];
  const follower = new Follower(bus, topic, (key, value) => {
    keys.push(key);
    values.set(key, decode(value));
  });
  const ended = follower.run();
  t.teardown(async () => {
    follower.stop();
    await ended;
  });
  await follower.caughtUp;
  return { values, keys };
}

/** Names that fall into the shard of the first. */
function sameShard([first]: readonly [string], count: number): string[] {
  const shard = shardOf(targetId(first));
  const names = [first];
  for (let i = 1; names.length < count; i += 1) {
    if (shardOf(targetId(`at-once-${i}`)) === shard) names.push(`at-once-${i}`);
  }
  return names;
}

await t.test('changes made at once under one revision are all published', async (t) => {
  const { bus, store, projector } = await fixture(t, 'at_once');
  const [a, b] = sameShard(['at-once-0'], 2) as [string, string];
  await putTargets(store, [host(a)]);
  const one = projector();
  await one.projectOnce();
  const [row] = await store.rows<{ revision: string }>('SELECT revision FROM targets');
  const late = { ...host(b), labels: {} };
  await store.insertRows('targets', [
    {
      id: targetId(b).toString(),
      revision: row!.revision,
      instance: b,
      address: late.address,
      labels: {},
      interval_ms: late.intervalMs,
      is_deleted: false,
    },
  ]);
  await one.projectOnce();
  const { values } = await following(t, bus, 'targets', decodeTargets);
  const shard = values.get(String(shardOf(targetId(a))))!;
  t.same(shard.map(({ instance }) => instance).toSorted(), [a, b].toSorted());
});

await t.test('each change is published once', async (t) => {
  const { bus, store, projector } = await fixture(t, 'once');
  const first = projector();
  t.equal(first.ageSeconds, undefined);
  await first.projectOnce();
  t.equal(await published(bus), 0, 'there is nothing yet');
  t.ok(first.ageSeconds! >= 0);

  await putTargets(store, [host('web-1'), host('web-2')]);
  await putRuleFiles(store, [{ name: 'a.yaml', content: 'x' }]);
  await first.projectOnce();
  t.equal(await published(bus), 3);
  await first.projectOnce();
  t.equal(await published(bus), 3, 'nothing has changed');
  await putTargets(store, [host('web-1', 1000)]);
  await first.projectOnce();
  t.equal(await published(bus), 4, 'only the shard that changed');

  const second = projector();
  await second.projectOnce();
  t.equal(await published(bus), 4, 'another projector finds everything published');
});

await t.test('projectors at the same time publish each change once', async (t) => {
  const { bus, store, projector } = await fixture(t, 'race');
  const projectors = [projector(), projector(), projector()];
  const instances = Array.from({ length: 20 }, (_, i) => `host-${i}`);
  const shards = new Set(instances.map((instance) => shardOf(targetId(instance))));
  for (let round = 1; round <= 3; round += 1) {
    await putTargets(
      store,
      instances.map((instance) => host(instance, 1000 * round)),
    );
    await Promise.allSettled(projectors.map((one) => one.projectOnce()));
    await Promise.all(projectors.map((one) => one.projectOnce()));
    t.equal(await published(bus), round * shards.size);
  }
});

await t.test('an older revision never replaces a newer one', async (t) => {
  const { bus, store, projector } = await fixture(t, 'older');
  const { topology } = bus;
  await putTargets(store, [host('web-1')]);
  const subject = topology.stateSubject('targets', String(shardOf(targetId('web-1'))));
  const stale = projector();
  await stale.projectOnce();
  // Another projector, which sees a later state of the database, has been here.
  await bus.publish(subject, encodeNumbered(50, Buffer.from('newer')));
  await putTargets(store, [host('web-1', 1000)]);
  await stale.projectOnce();
  await projector().projectOnce();
  const { data } = (await bus.last(topology.stateStream, subject))!;
  t.equal(numberOf(data), 50);
  t.equal(Buffer.from(payloadOf(data)).toString(), 'newer');
});

await t.test('followers of targets see the current ones and then what changes', async (t) => {
  const { bus, store, projector } = await fixture(t, 'targets');
  const one = projector();
  await putTargets(store, [host('web-1'), host('web-2')]);
  await putTargets(store, [host('web-1', 2000)]);
  await one.projectOnce();
  const { values, keys } = await following(t, bus, 'targets', decodeTargets);
  const all = (): object =>
    Object.fromEntries([...values.values()].flat().map((x) => [x.instance, x.intervalMs]));
  t.same(all(), { 'web-1': 2000, 'web-2': 5000 });
  t.equal(keys.length, 2, 'one value a shard');

  await putTargets(store, [host('web-3')]);
  await removeTargets(store, ['web-2']);
  await one.projectOnce();
  const third = String(shardOf(targetId('web-3')));
  await until('both changes are followed', () => values.has(third) && keys.length === 4);
  t.same(all(), { 'web-1': 2000, 'web-3': 5000 });
  t.match(values.get(third), [{ ...host('web-3'), id: targetId('web-3') }]);
});

await t.test('followers of rules see the current ones and then what changes', async (t) => {
  const { bus, store, projector } = await fixture(t, 'rules');
  const one = projector();
  await putTargets(store, [host('web-1')]);
  await putRuleFiles(store, [
    { name: 'a.yaml', content: '1' },
    { name: 'b.yaml', content: '1' },
  ]);
  await one.projectOnce();
  const { values, keys } = await following(t, bus, 'rules', decodeRuleFile);
  const all = (): object =>
    Object.fromEntries([...values.values()].map(({ name, content }) => [name, content]));
  t.same(all(), { 'a.yaml': '1', 'b.yaml': '1' });
  await putRuleFiles(store, [{ name: 'a.yaml', content: '2' }]);
  await removeRuleFiles(store, ['b.yaml']);
  await one.projectOnce();
  await until('both changes are followed', () => keys.length === 4);
  t.same(all(), { 'a.yaml': '2', 'b.yaml': undefined });
});

await t.test('following an empty topic is caught up with at once', async (t) => {
  const { bus } = await fixture(t, 'empty');
  const { values } = await following(t, bus, 'targets', decodeTargets);
  t.equal(values.size, 0);
});

await t.test('projecting goes on by itself after an outage of either server', async (t) => {
  const { bus, store, projector } = await fixture(t, 'outage');
  const stop = new AbortController();
  const running = projector().run(stop.signal);
  t.teardown(() => stop.abort());
  const { values } = await following(t, bus, 'rules', decodeRuleFile);
  const follow = (content: string) =>
    until(`${content} is followed`, () => [...values.values()].some((x) => x.content === content));

  await putRuleFiles(store, [{ name: 'a', content: 'before' }]);
  await follow('before');
  await clickhouse.kill();
  await nats.kill();
  await until('the loss is noticed', () => !bus.isConnected);
  await nats.startAgain();
  await clickhouse.startAgain();
  await until('the database answers', () => store.ping());
  await putRuleFiles(store, [{ name: 'a', content: 'after' }]);
  await follow('after');
  stop.abort();
  await running;
  t.equal(values.size, 1);
});
