import { Gauge, Registry } from 'prom-client';
import t from 'tap';
import { silentLog, testClickHouse, testNats } from '../../embedded/test-servers.ts';
import { until } from '../../embedded/test/until.ts';
import { putSelfTargets } from '../../targets/self-target.ts';
import { laneOf, shardOf, targetId } from '../../wire/shard.ts';
import { laneFixture } from '../../writer/test/lane-fixture.ts';
import { SelfReport } from '../self-report.ts';

const nats = await testNats(t);
const clickhouse = await testClickHouse(t);

await t.test('what a component says of itself can be queried by name', async (t) => {
  const ports = { nats: nats.port, clickhouse: clickhouse.port };
  const { bus, store, write } = await laneFixture(t, ports, 'stored');
  // One whose reports go the way of the lane that the fixture writes.
  const name = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].find((one) => {
    return laneOf(shardOf(targetId(`writer/${one}`)), 2) === 0;
  })!;
  await putSelfTargets(store, [{ role: 'writer', name }]);
  await store.run('SYSTEM RELOAD DICTIONARY {database}.targets_by_id');
  write();
  const registry = new Registry();
  const labelNames = ['lane'];
  const lag = new Gauge({ name: 'x_lag', help: 'h', labelNames, registers: [registry] });
  lag.set({ lane: '2x0' }, 12);
  const stop = new AbortController();
  const metrics = () => registry.getMetricsAsJSON();
  const options = { bus, role: 'writer', member: name, metrics, log: silentLog, intervalMs: 50 };
  const ended = new SelfReport(options).run(stop.signal);
  const [row] = await until('it is stored', async () => {
    const rows = await store.rows<object>(
      `SELECT instance, labels, argMax(value, time) AS value, target_labels
       FROM metric(name = 'x_lag', start = now() - 60, end = now() + 60) GROUP BY ALL`,
    );
    return rows.length > 0 && rows;
  });
  stop.abort();
  await ended;
  t.same(row, {
    instance: `writer/${name}`,
    labels: { lane: '2x0' },
    value: 12,
    target_labels: { job: 'rollcall', role: 'writer' },
  });
});
