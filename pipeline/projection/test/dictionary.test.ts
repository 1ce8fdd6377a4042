import t from 'tap';
import {
  silentLog,
  testBus,
  testClickHouse,
  testNats,
  testStore,
} from '../../embedded/test-servers.ts';
import { putTargets } from '../../targets/target-store.ts';
import { targetTopic } from '../../targets/target-topic.ts';
import { targetId } from '../../wire/shard.ts';
import { Projector } from '../projector.ts';

await t.test('a projected target has its name in the views at once', async (t) => {
  const [nats, clickhouse] = await Promise.all([testNats(t), testClickHouse(t)]);
  const bus = await testBus(t, nats.port);
  const store = await testStore(t, clickhouse.port);
  const projector = new Projector(bus, store, [targetTopic], silentLog);
  const nameOf = async (instance: string): Promise<string | undefined> => {
    const [row] = await store.rows<{ name: string }>(
      `SELECT dictGet('{database}.targets_by_id', 'instance', {id:UInt64}) AS name`,
      { id: targetId(instance) },
    );
    return row?.name;
  };
  t.equal(await nameOf('web-1'), '');
  const target = { address: '127.0.0.1:1', labels: {}, intervalMs: 5000 };
  await putTargets(store, [{ ...target, instance: 'web-1' }]);
  await projector.projectOnce();
  t.equal(await nameOf('web-1'), 'web-1');
  await putTargets(store, [{ ...target, instance: 'web-2' }]);
  await projector.projectOnce();
  t.equal(await nameOf('web-2'), 'web-2');
});
