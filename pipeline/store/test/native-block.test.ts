import t from 'tap';
import { request } from 'undici';
import { testClickHouse, testStore } from '../../embedded/test-servers.ts';
import { arrayColumn, fixedColumn, nativeBlock, stringColumn } from '../native-block.ts';

const clickhouse = await testClickHouse(t);
const DOUBLES = [0, -0, NaN, Infinity, -Infinity, Math.PI, 5e-324, 1.7976931348623157e308];
const U64 = [0n, 1n, 2n ** 64n - 1n, 2n ** 63n, 0x0102030405060708n, 5n, 6n, 7n];
const TIMES_MS = [0n, 1n, 1_700_000_000_123n, -1n, 4_294_967_295_999n, 5n, 6n, 7n];
const U32 = [0, 1, 2 ** 32 - 1, 2 ** 31, 0x01020304, 5, 6, 7];
const U8 = [0, 1, 255, 128, 4, 5, 6, 7];
const TEXTS = ['', 'a', "it's", 'größer ☃', 'x'.repeat(127), 'y'.repeat(128), '\0\n\t', 'z'];

/** What the server answers to a query in Native format. */
async function fromServer(sql: string): Promise<Buffer> {
  const { statusCode, body } = await request(`http://127.0.0.1:${clickhouse.port}/`, {
    method: 'POST',
    query: { default_format: 'Native' },
    body: sql,
  });
  const bytes = Buffer.from(await body.arrayBuffer());
  if (statusCode !== 200) throw new Error(bytes.toString());
  return bytes;
}

function ours(columns: Parameters<typeof nativeBlock>[1], rows = DOUBLES.length): Buffer {
  return Buffer.concat(nativeBlock(rows, columns));
}

/** An SQL array that is indexed by the row's number. */
function pick(items: readonly string[]): string {
  return `[${items.join(', ')}][number + 1]`;
}

const COLUMNS: readonly [type: string, sql: string, column: Parameters<typeof nativeBlock>[1]][] = [
  [
    'UInt64',
    pick(U64.map((value) => `toUInt64(${value})`)),
    [fixedColumn('c', 'UInt64', BigUint64Array.from(U64))],
  ],
  [
    "DateTime64(3, 'UTC')",
    pick(TIMES_MS.map((ms) => `fromUnixTimestamp64Milli(toInt64(${ms}), 'UTC')`)),
    [fixedColumn('c', "DateTime64(3, 'UTC')", BigInt64Array.from(TIMES_MS))],
  ],
  [
    'Float64',
    pick(['0.', '-0.', 'nan', 'inf', '-inf', ...DOUBLES.slice(5).map((value) => `${value}`)]),
    [fixedColumn('c', 'Float64', Float64Array.from(DOUBLES))],
  ],
  [
    'UInt32',
    pick(U32.map((value) => `toUInt32(${value})`)),
    [fixedColumn('c', 'UInt32', Uint32Array.from(U32))],
  ],
  [
    'UInt8',
    pick(U8.map((value) => `toUInt8(${value})`)),
    [fixedColumn('c', 'UInt8', Uint8Array.from(U8))],
  ],
  [
    'String',
    pick(TEXTS.map((text) => `unhex('${Buffer.from(text).toString('hex')}')`)),
    [stringColumn('c', TEXTS)],
  ],
];

for (const [type, sql, column] of COLUMNS) {
  await t.test(`a column of ${type} is byte for byte what the server writes`, async (t) => {
    const theirs = await fromServer(`SELECT ${sql} AS c FROM numbers(${DOUBLES.length})`);
    t.equal(ours(column).toString('hex'), theirs.toString('hex'));
  });
}

await t.test('a column of arrays is what the server writes', async (t) => {
  const rows = 100;
  const ends: bigint[] = [];
  const values: number[] = [];
  for (let row = 0; row < rows; row += 1) {
    for (let i = 0; i < row % 5; i += 1) values.push(row * 10 + i);
    ends.push(BigInt(values.length));
  }
  const theirs = await fromServer(
    `SELECT arrayMap(i -> toUInt16(number * 10 + i), range(number % 5)) AS c
     FROM numbers(${rows}) SETTINGS max_block_size = ${rows}`,
  );
  const column = arrayColumn('c', 'UInt16', BigUint64Array.from(ends), Uint16Array.from(values));
  t.equal(ours([column], rows).toString('hex'), theirs.toString('hex'));
});

await t.test('a block of several columns and many rows is what the server writes', async (t) => {
  const rows = 1000;
  const numbers = Array.from({ length: rows }, (_, i) => i);
  const theirs = await fromServer(
    `SELECT toUInt64(number * 7) AS id, toFloat64(number) / 3 AS \`a value\`,
            concat('host-', toString(number)) AS name
     FROM numbers(${rows}) SETTINGS max_block_size = ${rows}`,
  );
  const block = ours(
    [
      fixedColumn(
        'id',
        'UInt64',
        BigUint64Array.from(numbers, (i) => BigInt(7 * i)),
      ),
      fixedColumn(
        'a value',
        'Float64',
        Float64Array.from(numbers, (i) => i / 3),
      ),
      stringColumn(
        'name',
        numbers.map((i) => `host-${i}`),
      ),
    ],
    rows,
  );
  t.ok(block.equals(theirs), 'the same bytes');
});

await t.test('a column may be a part of a larger array', (t) => {
  const values = Float64Array.from([1, 2, 3, 4]).subarray(1, 3);
  const bytes = Buffer.concat(fixedColumn('c', 'Float64', values).values);
  t.equal(bytes.length, 16);
  t.equal(bytes.readDoubleLE(0), 2);
  t.end();
});

await t.test('a block is stored as it is', async (t) => {
  const store = await testStore(t, clickhouse.port);
  const ids = BigUint64Array.from(U64);
  await store.insertBlock(
    'samples',
    nativeBlock(DOUBLES.length, [
      fixedColumn('metric_id', 'UInt64', ids),
      fixedColumn('target_id', 'UInt64', ids),
      fixedColumn(
        'timestamp',
        "DateTime64(3, 'UTC')",
        BigInt64Array.from(U64, (_, i) => BigInt(Date.now() + i)),
      ),
      fixedColumn('value', 'Float64', Float64Array.from(DOUBLES)),
    ]),
    'a-token',
  );
  const rows = await store.rows<{ metric_id: string; bits: string }>(
    `SELECT metric_id, reinterpretAsUInt64(value) AS bits FROM samples
     WHERE metric_id = target_id ORDER BY timestamp`,
  );
  t.same(
    rows.map(({ metric_id }) => BigInt(metric_id)),
    U64,
  );
  t.same(
    rows.map(({ bits }) => BigInt(bits)),
    [...new BigUint64Array(Float64Array.from(DOUBLES).buffer)],
  );
});
