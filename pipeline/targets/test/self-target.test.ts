import t from 'tap';
import { testClickHouse, testStore } from '../../embedded/test-servers.ts';
import { targetId } from '../../wire/shard.ts';
import { isSelfTarget, putSelfTargets, removeSilentSelfTargets } from '../self-target.ts';
import { listTargets, putTargets } from '../target-store.ts';
import { decodeTargets, encodeTargets } from '../target.ts';

const clickhouse = await testClickHouse(t);
const host = { instance: 'web-1', address: 'web-1:7101', labels: {}, intervalMs: 1000 };

await t.test('a component becomes a target without an address, once', async (t) => {
  const store = await testStore(t, clickhouse.port, 'once');
  const both = ['writer', 'alerter'].map((role) => ({ role, name: 'host-a' }));
  await putSelfTargets(store, both);
  await putSelfTargets(store, both);
  await putSelfTargets(store, [{ role: 'notifier', name: 'host-a' }]);
  const targets = await listTargets(store);
  t.same(targets, [
    {
      id: targetId('alerter/host-a'),
      instance: 'alerter/host-a',
      address: '',
      labels: { job: 'rollcall', role: 'alerter' },
      intervalMs: 5000,
    },
    {
      id: targetId('writer/host-a'),
      instance: 'writer/host-a',
      address: '',
      labels: { job: 'rollcall', role: 'writer' },
      intervalMs: 5000,
    },
  ]);
  t.ok(targets.every(isSelfTarget));
  t.same(decodeTargets(encodeTargets(targets)), targets, 'they survive the trip over the bus');
  const [row] = await store.rows<{ n: string }>('SELECT count() AS n FROM targets');
  t.equal(row!.n, '2', 'what is there is not written again');
});

await t.test('what somebody else has put under the name is left alone', async (t) => {
  const store = await testStore(t, clickhouse.port, 'named');
  await putTargets(store, [{ ...host, instance: 'writer/host-a' }]);
  await putSelfTargets(store, [{ role: 'writer', name: 'host-a' }]);
  t.match(await listTargets(store), [{ address: 'web-1:7101' }]);
});

function heard(name: string, minutesAgo: number) {
  return {
    role: 'writer',
    member: `${name}-${minutesAgo}`,
    name,
    started_at: new Date().toISOString(),
    seen_at: new Date(Date.now() - minutesAgo * 60_000).toISOString(),
    offers: [],
    owns: 0,
    is_leaving: false,
  };
}

await t.test('only components that were not heard for an hour are removed', async (t) => {
  const store = await testStore(t, clickhouse.port, 'silent');
  await putTargets(store, [host]);
  const names = ['heard', 'silent', 'expired'];
  await putSelfTargets(
    store,
    names.map((name) => ({ role: 'writer', name })),
  );
  await store.insertRows('members', [heard('heard', 61), heard('heard', 59), heard('silent', 61)]);
  t.same((await removeSilentSelfTargets(store)).toSorted(), ['writer/expired', 'writer/silent']);
  const left = (await listTargets(store)).map(({ instance }) => instance);
  t.same(left, ['web-1', 'writer/heard']);
  t.same(await removeSilentSelfTargets(store), []);
});
