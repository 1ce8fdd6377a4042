import t from 'tap';
import { columnsOf } from '../../fleet/ledger.ts';
import { longestTickGapMs, longestUnwatchedMs } from '../unwatched.ts';

const run = (agent: number) => ({ agent, incarnation: BigInt(agent), dropped: [], abandoned: [] });

await t.test('the longest time without a connection, over all agents', async (t) => {
  const runs = [run(0), run(1)];
  const connections = [
    { agent: 0, openedMs: 0, closedMs: 1000 },
    { agent: 0, openedMs: 1500, closedMs: undefined },
    // Two at once: a take-over.
    { agent: 1, openedMs: 0, closedMs: 3000 },
    { agent: 1, openedMs: 2500, closedMs: 5000 },
    { agent: 1, openedMs: 5200, closedMs: undefined },
  ];
  t.equal(longestUnwatchedMs({ runs, connections }, 100, 9000), 500);
  t.equal(longestUnwatchedMs({ runs, connections }, 2000, 9000), 200);
  t.equal(longestUnwatchedMs({ runs, connections: connections.slice(2) }, 0, 9000), 9000);
  const closed = [{ agent: 0, openedMs: 0, closedMs: 4000 }];
  t.equal(longestUnwatchedMs({ runs: [run(0)], connections: closed }, 100, 9000), 5000);
});

await t.test('the longest time between two frames of one run', async (t) => {
  const frames = columnsOf(5);
  frames.run.set([0, 1, 0, 1, 0]);
  frames.timestampMs.set([1000, 1100, 2000, 3600, 3000]);
  t.equal(longestTickGapMs({ frames }, 0, 9000), 2500);
  t.equal(longestTickGapMs({ frames }, 0, 3500), 1000);
});
