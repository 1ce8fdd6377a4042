import t from 'tap';
import { testClickHouse, testStore } from '../../embedded/test-servers.ts';
import { alignedCopy } from '../../wire/batch.ts';
import * as frame from '../../wire/frame.ts';
import { metricId } from '../../wire/catalogue.ts';
import { targetId } from '../../wire/shard.ts';
import { frameBlock, sampleBlock } from '../sample-block.ts';
import type { StoredFrame } from '../stored-frame.ts';
import { catalogueOf, frameMessage } from './traffic.ts';

const clickhouse = await testClickHouse(t);
const ROUNDS = 60;
const FRAMES = 50;
const A = catalogueOf(['load1'], ['load5'], ['load15']);
const SLOTS = {
  hash: A.hash,
  metricIds: BigUint64Array.from(A.series, ({ name, labels }) => metricId(name, labels)),
};
const NOW_MS = Date.now();

function framesOfRound(round: number): StoredFrame[] {
  return Array.from({ length: FRAMES }, (_, i) => {
    const sent = {
      instance: `host-${i}`,
      incarnation: BigInt(round),
      seq: 1,
      timestampMs: NOW_MS + round,
      catalogue: A,
      values: [1, 2, round],
    };
    const batch = alignedCopy(frameMessage(sent));
    return {
      ...sent,
      target: targetId(sent.instance),
      catalogue: A.hash,
      isBacklog: false,
      batch,
      offset: 0,
      streamSeq: round,
    };
  });
}

/** What happens when a fenced writer's insert meets its successor's. */
await t.test('of several inserts with one token at the same time one lands', async (t) => {
  const store = await testStore(t, clickhouse.port, 'tokens');
  const others = [
    await testStore(t, clickhouse.port, 'tokens'),
    await testStore(t, clickhouse.port, 'tokens'),
  ];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const frames = framesOfRound(round);
    const token = `2x0:7:${round}-${round}:day`;
    const samples = sampleBlock(frames, () => SLOTS);
    const rows = frameBlock(frames, '2x0', 7, ({ batch }) => frame.countPresent(batch, 0));
    const wanted = { samples: 3 * FRAMES, frames: FRAMES };
    for (const table of ['samples', 'frames'] as const) {
      const chunks = table === 'samples' ? samples.chunks : rows;
      const count = async (): Promise<number> => {
        const [found] = await store.rows<{ n: string }>(
          `SELECT count() AS n FROM ${table} WHERE timestamp = fromUnixTimestamp64Milli({ms:Int64})`,
          { ms: NOW_MS + round },
        );
        return Number(found!.n);
      };
      const inserts = [store, ...others].map((by) => by.insertBlock(table, chunks, token));
      await Promise.race(inserts);
      const first = await count();
      await Promise.all(inserts);
      const last = await count();
      if (first !== wanted[table] || last !== wanted[table]) {
        t.fail(`round ${round}: ${first}, then ${last} rows of ${table}`);
      }
    }
  }
  t.equal(samplesTotal(await store.rows('SELECT count() AS n FROM samples')), ROUNDS * 3 * FRAMES);
});

function samplesTotal(rows: readonly object[]): number {
  return Number((rows[0] as { n: string }).n);
}
