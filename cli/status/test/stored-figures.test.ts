import t from 'tap';
import type { Store } from '../../../pipeline/store/store.ts';
import { testClickHouse, testStore } from '../../../pipeline/embedded/test-servers.ts';
import { putSelfTargets } from '../../../pipeline/targets/self-target.ts';
import { putTargets } from '../../../pipeline/targets/target-store.ts';
import { metricId } from '../../../pipeline/wire/catalogue.ts';
import type { Label } from '../../../pipeline/wire/catalogue.ts';
import { targetId } from '../../../pipeline/wire/shard.ts';
import { StoredFigures } from '../stored-figures.ts';

const clickhouse = await testClickHouse(t);
const NOW_MS = Date.now();

async function register(store: Store, name: string, labels: readonly Label[]): Promise<void> {
  await store.insertRows('series', [
    {
      metric_id: metricId(name, labels).toString(),
      name,
      label_names: labels.map(([label]) => label),
      label_values: labels.map(([, value]) => value),
    },
  ]);
}

/** `points` are [seconds ago, value]. */
async function put(
  store: Store,
  instance: string,
  [name, ...labels]: readonly [string, ...Label[]],
  points: readonly (readonly [number, number])[],
): Promise<void> {
  await register(store, name, labels);
  await store.insertRows(
    'samples',
    points.map(([secondsAgo, value]) => ({
      metric_id: metricId(name, labels).toString(),
      target_id: targetId(instance).toString(),
      timestamp: new Date(NOW_MS - secondsAgo * 1000).toISOString(),
      value,
    })),
  );
}

const writer = (name: string) => ({ role: 'writer', name });
const lane = (id: string): Label => ['lane', id];

await t.test('what all members said last is added up, counters as rates', async (t) => {
  const store = await testStore(t, clickhouse.port, 'sums');
  await putSelfTargets(store, [writer('a'), writer('b'), writer('gone')]);
  await putTargets(store, [{ instance: 'h', address: 'h:1', labels: {}, intervalMs: 5000 }]);
  const [total, bytes] = ['x_samples_total', 'x_bytes'];
  await put(
    store,
    'writer/a',
    [total, lane('2x0')],
    [
      [12, 100],
      [7, 150],
      [2, 200],
    ],
  );
  await put(
    store,
    'writer/a',
    [total, lane('2x1')],
    [
      [12, 5],
      [2, 25],
    ],
  );
  // Started again in between.
  await put(
    store,
    'writer/b',
    [total, lane('2x0')],
    [
      [11, 1000],
      [6, 0],
      [1, 50],
    ],
  );
  await put(
    store,
    'writer/a',
    [bytes],
    [
      [12, 9e9],
      [2, 7],
    ],
  );
  await put(store, 'writer/b', [bytes], [[1, 8]]);
  await put(store, 'writer/gone', [bytes], [[25, 1e6]]);
  await put(store, 'h', [bytes], [[1, 1e6]]);
  // Registered twice until a merge.
  await register(store, bytes, []);
  const figures = await StoredFigures.read(store, [total, bytes, 'x_none']);
  t.equal(figures.sum(bytes), 15);
  t.equal(figures.sum(total), 275);
  t.equal(figures.rate(total), 10 + 2 + 5);
  t.equal(figures.sum('x_none'), undefined);
  t.equal(figures.rate('x_none'), undefined);
});

await t.test('what every writer says of the same stream counts once', async (t) => {
  const store = await testStore(t, clickhouse.port, 'shared');
  await putSelfTargets(store, [writer('a'), writer('b')]);
  const [bytes, rows] = ['rollcall_stream_bytes', 'rollcall_writer_buffer_bytes'];
  for (const [name, held, secondsAgo] of [
    ['a', 100, 3],
    ['b', 300, 1],
  ] as const) {
    await put(store, `writer/${name}`, [bytes, ['stream', 'f_lane_2x0']], [[secondsAgo, held]]);
    await put(store, `writer/${name}`, [bytes, ['stream', 'f_lane_2x1']], [[secondsAgo, 7]]);
    await put(store, `writer/${name}`, [rows], [[secondsAgo, held]]);
  }
  const figures = await StoredFigures.read(store, [bytes, rows]);
  t.equal(figures.sum(bytes), 300 + 7, 'as it was said last');
  t.equal(figures.sum(rows), 400, 'a buffer is its own');
});

await t.test('one report, or a few seconds, is not enough for a rate', async (t) => {
  const store = await testStore(t, clickhouse.port, 'once');
  await putSelfTargets(store, [{ role: 'writer', name: 'a' }]);
  await put(store, 'writer/a', ['x_total'], [[1, 7]]);
  await put(
    store,
    'writer/a',
    ['y_total'],
    [
      [6, 0],
      [1, 50],
    ],
  );
  const figures = await StoredFigures.read(store, ['x_total', 'y_total']);
  t.equal(figures.sum('x_total'), 7);
  t.equal(figures.rate('x_total'), undefined);
  t.equal(figures.rate('y_total'), undefined);
});
