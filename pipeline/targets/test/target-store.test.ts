import t from 'tap';
import { testClickHouse, testStore } from '../../embedded/test-servers.ts';
import { shardOf, targetId } from '../../wire/shard.ts';
import { listTargets, putTargets, removeTargets, targetsOfShard } from '../target-store.ts';
import type { NewTarget } from '../target-store.ts';
import { decodeTargets, encodeTargets, targetLabels } from '../target.ts';

const clickhouse = await testClickHouse(t);

function target(instance: string, changes: Partial<NewTarget> = {}): NewTarget {
  return {
    instance,
    address: '10.0.0.1:7101',
    labels: { job: 'node', zone: 'eu-1' },
    intervalMs: 5000,
    ...changes,
  };
}

await t.test('targets that were put are listed by instance', async (t) => {
  const store = await testStore(t, clickhouse.port, 'put');
  t.same(await listTargets(store), []);
  await putTargets(store, [target('web-2'), target('web-1', { address: '[::1]:7101' })]);
  t.same(await listTargets(store), [
    { ...target('web-1', { address: '[::1]:7101' }), id: targetId('web-1') },
    { ...target('web-2'), id: targetId('web-2') },
  ]);
  await putTargets(store, []);
  t.equal((await listTargets(store)).length, 2);
});

await t.test('putting an instance again changes it', async (t) => {
  const store = await testStore(t, clickhouse.port, 'changed');
  await putTargets(store, [target('web-1'), target('web-2')]);
  const changed = target('web-1', { address: 'b:1', labels: { role: 'db' }, intervalMs: 1000 });
  await putTargets(store, [changed]);
  t.match(await listTargets(store), [changed, target('web-2')]);
  t.same((await listTargets(store))[0]!.labels, { role: 'db' }, 'labels are replaced');
  const [row] = await store.rows<{ n: string }>('SELECT count() AS n FROM targets');
  t.equal(row!.n, '3', 'what was is kept');
});

await t.test('a target that was removed is gone, and may come back', async (t) => {
  const store = await testStore(t, clickhouse.port, 'removed');
  await putTargets(store, [target('web-1'), target('web-2'), target('web-3')]);
  await removeTargets(store, ['web-1', 'web-3']);
  t.match(await listTargets(store), [target('web-2')]);
  await putTargets(store, [target('web-1', { intervalMs: 2000 })]);
  t.match(await listTargets(store), [target('web-1', { intervalMs: 2000 }), target('web-2')]);
});

await t.test('removing what is not there removes nothing', async (t) => {
  const store = await testStore(t, clickhouse.port, 'unknown');
  await putTargets(store, [target('web-1')]);
  await t.rejects(removeTargets(store, ['web-1', 'web-9', 'web-8']), {
    code: 'target_unknown',
    message: /"web-9"/,
  });
  t.equal((await listTargets(store)).length, 1);
  await removeTargets(store, ['web-1']);
  await t.rejects(removeTargets(store, ['web-1']), { code: 'target_unknown' });
});

await t.test('one that is invalid is named, and none is added', async (t) => {
  const store = await testStore(t, clickhouse.port, 'invalid');
  const long = 'x'.repeat(1025);
  const labels65 = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`l${i}`, '']));
  const invalid: readonly [NewTarget, RegExp][] = [
    [target(''), /1 to 512 bytes/],
    [target('é'.repeat(257)), /1 to 512 bytes/],
    [target('bad', { address: 'no-port' }), /"bad".*no-port/],
    [target('bad', { address: 'a:99999' }), /"bad".*a:99999/],
    [target('bad', { address: '' }), /"bad"/],
    [target('bad', { intervalMs: 99 }), /"bad".*99 ms/],
    [target('bad', { intervalMs: 3_600_001 }), /"bad".*3600001 ms/],
    [target('bad', { intervalMs: NaN }), /"bad".*NaN ms/],
    [target('bad', { intervalMs: 5000.5 }), /"bad".*5000.5 ms/],
    [target('bad', { labels: { 'a-b': '' } }), /"bad".*"a-b"/],
    [target('bad', { labels: { '': 'x' } }), /"bad".*""/],
    [target('bad', { labels: { instance: 'x' } }), /"bad".*"instance"/],
    [target('bad', { labels: { __name__: 'x' } }), /"bad".*"__name__"/],
    [target('bad', { labels: { long } }), /"bad".*long/],
    [target('bad', { labels: labels65 }), /"bad".*64 labels/],
  ];
  for (const [bad, message] of invalid) {
    const put = putTargets(store, [target('good'), bad, target('also-good')]);
    await t.rejects(put, { code: 'target_invalid', message, retryable: false }, String(message));
  }
  t.same(await listTargets(store), []);
});

await t.test('the limits themselves are allowed', async (t) => {
  const store = await testStore(t, clickhouse.port, 'limits');
  const allowed = [
    target('x'.repeat(512), { intervalMs: 100 }),
    target('"quoted" \n > * \0 ☃', { intervalMs: 3_600_000, labels: { v: 'y'.repeat(1024) } }),
    target('bare', { labels: {} }),
  ];
  await putTargets(store, allowed);
  const listed = await listTargets(store);
  t.match(
    listed,
    allowed.toSorted((a, b) => (a.instance < b.instance ? -1 : 1)),
  );
  t.same(new Set(listed.map(({ instance }) => instance)).size, allowed.length);
});

await t.test('a target belongs to one shard', async (t) => {
  const store = await testStore(t, clickhouse.port, 'shards');
  const instances = Array.from({ length: 300 }, (_, i) => `host-${i}`);
  await putTargets(
    store,
    instances.map((instance) => target(instance)),
  );
  await removeTargets(store, ['host-7']);
  const shard = shardOf(targetId('host-3'));
  const expected = instances.filter((i) => shardOf(targetId(i)) === shard && i !== 'host-7');
  const found = (await targetsOfShard(store, shard)).map(({ instance }) => instance);
  t.same(found.toSorted(), expected.toSorted());
  t.ok(found.includes('host-3'));
  const removed = await targetsOfShard(store, shardOf(targetId('host-7')));
  t.notOk(removed.some(({ instance }) => instance === 'host-7'));
});

await t.test('an id that another name has had is refused', async (t) => {
  const store = await testStore(t, clickhouse.port, 'collision');
  await store.insertRows('targets', [
    {
      id: targetId('web-1').toString(),
      revision: 1,
      instance: 'an older name',
      address: 'a:1',
      labels: {},
      interval_ms: 5000,
      is_deleted: true,
    },
  ]);
  await t.rejects(putTargets(store, [target('web-2'), target('web-1')]), {
    code: 'target_invalid',
    message: /"web-1".*an older name/,
  });
  t.same(await listTargets(store), []);
});

await t.test('targets survive the trip over the bus', (t) => {
  const targets = ['a', 'b ☃'].map((instance) => ({ ...target(instance), id: targetId(instance) }));
  t.same(decodeTargets(encodeTargets(targets)), targets);
  t.same(decodeTargets(encodeTargets([])), []);
  t.throws(() => decodeTargets(Buffer.from('nonsense')), { code: 'targets_invalid' });
  t.throws(() => decodeTargets(encodeTargets(targets).subarray(1)), { code: 'targets_invalid' });
  t.same(targetLabels(targets[0]!), { job: 'node', zone: 'eu-1', instance: 'a' });
  t.end();
});
