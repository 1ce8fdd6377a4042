import t from 'tap';
import { testClickHouse, testStore } from '../../embedded/test-servers.ts';
import { until } from '../../embedded/test/until.ts';
import { freePort } from '../../embedded/free-port.ts';
import { fixedColumn, nativeBlock } from '../native-block.ts';
import { Store } from '../store.ts';

const clickhouse = await testClickHouse(t);
const NOW_MS = Date.now();

/** `rows` samples of one target, all of them different. */
function samples(metric: number, rows: number): Uint8Array[] {
  const indices = Array.from({ length: rows }, (_, i) => i);
  return nativeBlock(rows, [
    fixedColumn('metric_id', 'UInt64', new BigUint64Array(rows).fill(BigInt(metric))),
    fixedColumn('target_id', 'UInt64', BigUint64Array.from(indices, BigInt)),
    fixedColumn(
      'timestamp',
      "DateTime64(3, 'UTC')",
      BigInt64Array.from(indices, (i) => BigInt(NOW_MS + i)),
    ),
    fixedColumn('value', 'Float64', Float64Array.from(indices)),
  ]);
}

async function count(store: Store, table = 'samples'): Promise<number> {
  const [row] = await store.rows<{ n: string }>(`SELECT count() AS n FROM ${table}`);
  return Number(row!.n);
}

await t.test('an insert under a token that the table has seen is dropped', async (t) => {
  const store = await testStore(t, clickhouse.port, 'tokens');
  await store.insertBlock('samples', samples(1, 1000), 'token-1');
  t.equal(await count(store), 1000);
  await store.insertBlock('samples', samples(1, 1000), 'token-1');
  await store.insertBlock('samples', samples(2, 500), 'token-1');
  t.equal(await count(store), 1000, 'whatever it holds');
  await store.insertBlock('samples', samples(1, 1000), 'token-2');
  t.equal(await count(store), 2000, 'the token counts, not the content');
});

await t.test('inserts under one token at the same time are one', async (t) => {
  const store = await testStore(t, clickhouse.port, 'race');
  await Promise.all(
    Array.from({ length: 8 }, () => store.insertBlock('samples', samples(1, 5000), 'token')),
  );
  t.equal(await count(store), 5000);
});

await t.test('tokens outlive the death of the server', async (t) => {
  const store = await testStore(t, clickhouse.port, 'death');
  for (let i = 0; i < 3; i += 1) await store.insertBlock('samples', samples(i, 100), `token-${i}`);
  await store.run('OPTIMIZE TABLE samples FINAL');
  await store.insertBlock('samples', samples(3, 100), 'token-3');
  await clickhouse.kill();
  await t.rejects(store.insertBlock('samples', samples(4, 100), 'token-4'), {
    code: 'clickhouse_failed',
    retryable: true,
  });
  t.equal(await store.ping().catch(() => false), false);
  await clickhouse.startAgain();
  await until('it answers', () => store.ping());
  for (let i = 0; i < 5; i += 1) await store.insertBlock('samples', samples(i, 100), `token-${i}`);
  t.equal(await count(store), 500);
});

await t.test('rows keep 64-bit integers and come with parameters', async (t) => {
  const store = await testStore(t, clickhouse.port);
  const rows = await store.rows(
    'SELECT {big:UInt64} AS big, {text:String} AS text, {list:Array(UInt64)} AS list',
    { big: (2n ** 64n - 1n).toString(), text: "'; DROP TABLE samples --\n", list: [1n, 2n] },
  );
  t.same(rows, [
    { big: '18446744073709551615', text: "'; DROP TABLE samples --\n", list: ['1', '2'] },
  ]);
});

await t.test('a failure names the statement and says whether to try again', async (t) => {
  const store = await testStore(t, clickhouse.port);
  const refused = { code: 'clickhouse_failed', retryable: false };
  await t.rejects(store.rows('SELECT nothing FROM nowhere'), {
    ...refused,
    message: /SELECT nothing FROM nowhere/,
  });
  await t.rejects(store.run('DROP TABLE nowhere'), refused);
  await t.rejects(store.insertRows('nowhere', [{ a: 1 }]), refused);
  await t.rejects(store.insertBlock('nowhere', samples(1, 1), 'x'), refused);
  await t.rejects(
    store.insertBlock('samples', [Buffer.from('this is no block')], 'x'),
    refused,
    'a server that cannot read it will never be able to',
  );
  const away = new Store({
    url: `http://127.0.0.1:${await freePort()}`,
    user: 'default',
    database: 'fleet',
    requestTimeoutMs: 1000,
  });
  t.teardown(() => away.close());
  const unreachable = { code: 'clickhouse_failed', retryable: true };
  await t.rejects(away.rows('SELECT 1'), unreachable);
  await t.rejects(away.createDatabase(), unreachable);
  await t.rejects(away.insertRows('samples', [{}]), unreachable);
});

await t.test('a server that hangs is given up on as retryable', async (t) => {
  await testStore(t, clickhouse.port);
  const hasty = new Store({
    url: `http://127.0.0.1:${clickhouse.port}`,
    user: 'default',
    database: 'fleet',
    requestTimeoutMs: 300,
  });
  t.teardown(() => hasty.close());
  clickhouse.signal('SIGSTOP');
  t.teardown(() => clickhouse.signal('SIGCONT'));
  const hangs = { code: 'clickhouse_failed', retryable: true };
  await t.rejects(hasty.rows('SELECT 1'), hangs);
  await t.rejects(hasty.insertBlock('samples', samples(1, 10), 'hanging'), hangs);
  clickhouse.signal('SIGCONT');
  const patient = await testStore(t, clickhouse.port);
  await patient.insertBlock('samples', samples(1, 10), 'hanging');
  const [row] = await patient.rows<{ n: string }>(
    'SELECT count() AS n FROM samples WHERE metric_id = 1',
  );
  t.equal(row!.n, '10', 'the insert that was given up on is not there twice');
});
