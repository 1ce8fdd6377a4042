import t from 'tap';
import { testClickHouse, testStore } from '../../embedded/test-servers.ts';
import { putTargets, removeTargets } from '../../targets/target-store.ts';
import { targetId } from '../../wire/shard.ts';

const TARGETS = 2000;
const METRICS = 60;
/** The metrics are `METRICS / 2` names with two series each. */
const NAMES = METRICS / 2;
const TIMES = 50;
const RECENT = 2;
const START_MS = Date.now() - 3_600_000;
const EVER = "start = '1970-01-01 00:00:00', end = '2100-01-01 00:00:00'";
const clickhouse = await testClickHouse(t);
const store = await testStore(t, clickhouse.port);

/* Ids are hashes, so that neither targets nor metrics of one name lie side by side. */
await store.run(
  `INSERT INTO series (metric_id, name, label_names, label_values, kind)
   SELECT cityHash64('metric', number), concat('metric_', toString(intDiv(number, 2))),
          ['device', 'mode'], [concat('d', toString(number % 2)), 'all'], 'gauge'
   FROM numbers({metrics:UInt32})`,
  { metrics: METRICS },
);
await store.run(
  `INSERT INTO targets (id, revision, instance, address, labels, interval_ms, is_deleted)
   SELECT cityHash64('target', number), 1, concat('host-', toString(number)), 'a:1',
          map('zone', concat('z', toString(number % 3))), 5000, false
   FROM numbers({targets:UInt32})`,
  { targets: TARGETS },
);
/* The newest samples are not stored by the minute yet. */
const OPEN = 900;
const ROWS = `
  SELECT cityHash64('metric', number % {metrics:UInt32}) AS metric_id,
         cityHash64('target', intDiv(number, {metrics:UInt32}) % {targets:UInt32}) AS target_id,
         fromUnixTimestamp64Milli({start:Int64}
           + 60000 * intDiv(number, {metrics:UInt32} * {targets:UInt32}), 'UTC') AS timestamp,
         toFloat64(number) AS value
  FROM numbers({first:UInt64}, {rows:UInt64})`;
const WHOLE = METRICS * TARGETS * (TIMES - RECENT);
const numbers = { metrics: METRICS, targets: TARGETS, start: START_MS };
await store.run(
  `INSERT INTO series_minutes
   SELECT metric_id, target_id, toStartOfMinute(timestamp),
          [toUInt16(toUnixTimestamp64Milli(timestamp) % 60000)], 0, toInt64(value), [], [], 7
   FROM (${ROWS})`,
  { ...numbers, first: 0, rows: WHOLE },
);
await store.run(
  `INSERT INTO samples_recent
   SELECT ${OPEN}, metric_id, min(timestamp) AS oldest, max(timestamp), groupArray(target_id),
          arrayMap(one -> toUInt32(dateDiff('ms', oldest, one)), groupArray(timestamp)),
          groupArray(value)
   FROM (${ROWS}) GROUP BY metric_id`,
  { ...numbers, first: WHOLE, rows: METRICS * TARGETS * RECENT },
);
/* Of runs that were never committed, and of a closing that is in both tables. */
for (const closing of [OPEN, OPEN + 1, 33]) {
  await store.run(
    `INSERT INTO series_minutes
     SELECT * REPLACE (${closing} AS closing) FROM series_minutes LIMIT 1000`,
  );
}
await store.run(`INSERT INTO samples_recent SELECT * REPLACE (44 AS closing) FROM samples_recent`);
await store.insertRows('lane_runs', [
  { lane: '1x0', stream_id: 1, epoch: 1, number: 0, run: 0, from_seq: 1, to_seq: 0 },
  { lane: '1x0', stream_id: 1, epoch: 2, number: 4, run: OPEN - 4, hides: [33, 34], from_seq: 1 },
]);
await store.run('OPTIMIZE TABLE series_minutes FINAL');
await store.run('SYSTEM RELOAD DICTIONARY {database}.series_by_id');
await store.run('SYSTEM RELOAD DICTIONARY {database}.targets_by_id');

/** How many granules of `series_minutes` a query reads, after the primary key had its say. */
async function granules(from: string): Promise<{ read: number; all: number }> {
  const lines = await store.rows<{ explain: string }>(`EXPLAIN indexes = 1 SELECT * FROM ${from}`);
  let key: { read: number; all: number } | undefined;
  let isSamples = false;
  let isKey = false;
  for (const { explain } of lines) {
    const table = /ReadFromMergeTree \((?:\w+\.)?(\w+)\)/.exec(explain)?.[1];
    if (table !== undefined) isSamples = table === 'series_minutes';
    const index = /(Min-Max|Partition|PrimaryKey|Skip)$/.exec(explain)?.[1];
    if (index !== undefined) isKey = index === 'PrimaryKey';
    const found = /Granules: (\d+)\/(\d+)/.exec(explain);
    if (found !== null && isSamples && isKey) {
      key = { read: Number(found[1]), all: Number(found[2]) };
    }
  }
  if (key === undefined) throw new Error(`no key used:\n${lines.map((l) => l.explain).join('\n')}`);
  return key;
}

await t.test('all samples are there', async (t) => {
  const [row] = await store.rows<{ n: string }>(
    `SELECT count() AS n FROM samples_between(${EVER})`,
  );
  t.equal(Number(row!.n), METRICS * TARGETS * TIMES);
});

await t.test('a metric is read by its key, and is right', async (t) => {
  const { read, all } = await granules(`metric(name = 'metric_7', ${EVER})`);
  t.ok(all > 500, `${all} granules in all`);
  // Two of sixty series, and a granule at either end of each that they share with others.
  t.ok(read <= (2 * all) / METRICS + 4, `${read} of ${all} granules`);
  const rows = await store.rows<{ instance: string; device: string; n: string; total: number }>(
    `SELECT instance, labels['device'] AS device, count() AS n, sum(value) AS total,
            any(target_labels['zone']) AS zone
     FROM metric(name = 'metric_7', ${EVER}) WHERE instance IN ('host-0', 'host-1234')
     GROUP BY ALL ORDER BY instance, device`,
  );
  const total = (metric: number, target: number): number => {
    let sum = 0;
    for (let i = 0; i < TIMES; i += 1) sum += (i * TARGETS + target) * METRICS + metric;
    return sum;
  };
  t.same(rows, [
    { instance: 'host-0', device: 'd0', n: `${TIMES}`, total: total(14, 0), zone: 'z0' },
    { instance: 'host-0', device: 'd1', n: `${TIMES}`, total: total(15, 0), zone: 'z0' },
    { instance: 'host-1234', device: 'd0', n: `${TIMES}`, total: total(14, 1234), zone: 'z1' },
    { instance: 'host-1234', device: 'd1', n: `${TIMES}`, total: total(15, 1234), zone: 'z1' },
  ]);
  const [whole] = await store.rows<{ n: string }>(
    `SELECT count() AS n FROM metric(name = 'metric_7', ${EVER})`,
  );
  t.equal(Number(whole!.n), 2 * TARGETS * TIMES);
});

await t.test('a host is read by the key, and is right', async (t) => {
  const { read, all } = await granules(`host(instance = 'host-1234', ${EVER})`);
  // A granule or two of each series, and those that two series share.
  t.ok(read <= 3 * METRICS, `${read} of ${all} granules`);
  t.ok(read < all / 3, `${read} of ${all} granules`);
  const [row] = await store.rows<object>(
    `SELECT count() AS n, uniqExact(name) AS names, min(value) AS first,
            countIf(labels['device'] = 'd1') AS d1
     FROM host(instance = 'host-1234', ${EVER})`,
  );
  t.same(row, {
    n: `${METRICS * TIMES}`,
    names: `${NAMES}`,
    first: 1234 * METRICS,
    d1: `${(METRICS * TIMES) / 2}`,
  });
});

await t.test('a metric of a host is read by the key, and is right', async (t) => {
  const { read, all } = await granules(
    `metric_of_host(name = 'metric_7', instance = 'host-1234', ${EVER})`,
  );
  t.ok(read <= 6, `${read} of ${all} granules`);
  const rows = await store.rows<{ time: string; device: string; value: number }>(
    `SELECT toUnixTimestamp64Milli(time) AS time, labels['device'] AS device, value
     FROM metric_of_host(name = 'metric_7', instance = 'host-1234', ${EVER}) ORDER BY time, device`,
  );
  t.equal(rows.length, 2 * TIMES);
  t.same(rows.slice(0, 2), [
    { time: `${START_MS}`, device: 'd0', value: 1234 * METRICS + 14 },
    { time: `${START_MS}`, device: 'd1', value: 1234 * METRICS + 15 },
  ]);
});

await t.test('the time is read by the key too', async (t) => {
  const { read } = await granules(
    `metric_of_host(name = 'metric_7', instance = 'host-1234',
       start = '${new Date(START_MS + 60_000 * (TIMES - 2)).toISOString().slice(0, 19)}', end = now())`,
  );
  t.ok(read <= 6, `${read} granules`);
});

await t.test('`metrics` shows everything under its names', async (t) => {
  const [row] = await store.rows<object>(
    `SELECT count() AS n, uniqExact(instance) AS hosts, uniqExact(name, labels) AS series
     FROM metrics(${EVER})`,
  );
  t.same(row, { n: `${METRICS * TARGETS * TIMES}`, hosts: `${TARGETS}`, series: `${METRICS}` });
});

await t.test('names that nobody has give nothing', async (t) => {
  for (const view of [
    `metric(name = 'metric_77777', ${EVER})`,
    `host(instance = 'nobody', ${EVER})`,
    `metric_of_host(name = 'metric_7', instance = 'nobody', ${EVER})`,
  ]) {
    t.same(await store.rows(`SELECT * FROM ${view}`), []);
  }
});

await t.test('hostile names are only names', async (t) => {
  const instance = `x' OR 1=1 --"\\`;
  const rows = await store.rows(`SELECT * FROM host(instance = {instance:String}, ${EVER})`, {
    instance,
  });
  t.same(rows, []);
});

await t.test(
  'new names show once the dictionary is read again, with the newest labels',
  async (t) => {
    const small = await testStore(t, clickhouse.port, 'small');
    t.same(
      await small.rows('SELECT * FROM targets_by_id'),
      [],
      'the dictionary is loaded, and empty',
    );
    const timestamp = new Date(START_MS).toISOString();
    const target_id = targetId('late').toString();
    await small.insertRows('samples', [{ metric_id: '8', target_id, timestamp, value: 1.5 }]);
    for (const zone of ['z1', 'z2']) {
      const late = { instance: 'late', address: 'a:1', labels: { zone }, intervalMs: 5000 };
      await putTargets(small, [late]);
      await small.run('SYSTEM RELOAD DICTIONARY {database}.targets_by_id');
      t.same(await small.rows(`SELECT instance, target_labels, value FROM metrics(${EVER})`), [
        { instance: 'late', target_labels: { zone }, value: 1.5 },
      ]);
    }
    await removeTargets(small, ['late']);
    await small.run('SYSTEM RELOAD DICTIONARY {database}.targets_by_id');
    const [row] = await small.rows<object>(
      `SELECT count() AS n FROM metrics(${EVER}) WHERE instance = 'late'`,
    );
    t.same(row, { n: '1' }, 'what a removed target has sent keeps its name');
  },
);
