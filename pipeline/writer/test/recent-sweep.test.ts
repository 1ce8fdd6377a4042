import t from 'tap';
import { silentLog, testClickHouse, testStore } from '../../embedded/test-servers.ts';
import type { Store } from '../../store/store.ts';
import { RecentSweep } from '../recent-sweep.ts';
import { RunLedger } from '../run-ledger.ts';

const clickhouse = await testClickHouse(t);
const TABLES = ['samples_recent', 'frames_recent'];
const STREAM = { lane: '2x0', streamId: 7 };

/** Rows of both tables, one a time. */
async function insert(store: Store, closing: bigint, timesMs: readonly number[]): Promise<void> {
  const times = timesMs.map((ms) => new Date(ms).toISOString());
  await store.insertRows(
    'samples_recent',
    times.map((newest) => ({ closing: `${closing}`, newest })),
  );
  await store.insertRows(
    'frames_recent',
    times.map((timestamp) => ({ closing: `${closing}`, timestamp })),
  );
}

await t.test('what nobody has open is dropped, at the second look', async (t) => {
  const store = await testStore(t, clickhouse.port, 'sweep');
  const sweep = new RecentSweep(store, silentLog, 7 * 86_400_000);
  const put = async (closing: bigint): Promise<void> => {
    const timestamps = [Date.now(), Date.now() - 86_400_000];
    await insert(store, closing, timestamps);
  };
  const left = async (): Promise<bigint[]> => {
    const [samples, frames] = await Promise.all(
      TABLES.map((table) =>
        store.rows<{ closing: string }>(`SELECT DISTINCT closing FROM ${table} ORDER BY closing`),
      ),
    );
    t.same(samples, frames);
    return samples!.map(({ closing }) => BigInt(closing));
  };
  t.equal(await sweep.look(), 0, 'an empty table');
  const older = new RunLedger(store, STREAM, 1, 'older');
  await older.begin(await older.claim(1));
  const first = older.closing;
  await put(first);
  await put(first + 1n);
  await put(99n);
  t.equal(await sweep.look(), 0);
  t.equal(await sweep.look(), 4, 'of each table a day each of what belongs to no run');
  t.same(await left(), [first, first + 1n]);

  await older.commit({ fromSeq: 5, toSeq: 5 });
  t.equal(await sweep.look(), 0, 'a query may still be reading it');
  t.equal(await sweep.look(), 4);
  t.same(await left(), [first + 1n]);

  const newer = new RunLedger(store, STREAM, 2, 'newer');
  const position = await newer.claim(1);
  await put(newer.closing);
  for (let look = 0; look < 3; look += 1) t.equal(await sweep.look(), 0, 'both may be seen yet');
  await newer.begin(position);
  t.equal(await sweep.look(), 0);
  t.equal(await sweep.look(), 4);
  t.same(await left(), [newer.closing]);

  // What is older than anything is kept.
  await insert(store, newer.closing, [Date.now() - 9 * 86_400_000]);
  t.equal(await sweep.look(), 0);
  t.equal(await sweep.look(), 2);
  t.same(await left(), [newer.closing]);

  // A third one claims and ends.
  const third = new RunLedger(store, STREAM, 3, 'third');
  await third.claim(1);
  await put(third.closing);
  const fourth = new RunLedger(store, STREAM, 4, 'fourth');
  await fourth.begin(await fourth.claim(1));
  for (let look = 0; look < 2; look += 1) await sweep.look();
  t.same(await left(), []);
});
