import t from 'tap';
import { columnsOf } from '../../fleet/ledger.ts';
import type { LedgerContent } from '../../fleet/ledger.ts';
import { FrameComparator } from '../frame-comparison.ts';
import type { FrameComparison } from '../frame-comparison.ts';
import type { StoredFrame } from '../stored-frames.ts';

const FRAMES = 5;
const SAMPLES = 7;
const INCARNATION = 0xfeed_beefn;
const FIRST_MS = 1_700_000_000_000;

function ledger(dropped: number[] = [], abandoned: number[] = []): LedgerContent {
  const frames = columnsOf(FRAMES);
  for (let row = 0; row < FRAMES; row += 1) {
    frames.seq[row] = row + 1;
    frames.timestampMs[row] = FIRST_MS + 1000 * row;
    frames.samples[row] = SAMPLES;
    frames.low[row] = 100 + row;
    frames.high[row] = 200 + row;
  }
  const runs = [{ agent: 0, incarnation: INCARNATION, dropped, abandoned }];
  return { frames, runs, episodes: [], connections: [] };
}

function stored(): StoredFrame[] {
  return Array.from({ length: FRAMES }, (_, row) => ({
    instance: 'sim-000000',
    incarnation: INCARNATION,
    seq: row + 1,
    timestampMs: FIRST_MS + 1000 * row,
    copies: 1,
    samples: SAMPLES,
    rows: SAMPLES,
    low: 100 + row,
    high: 200 + row,
  }));
}

/** Everything, one frame with something else about it. */
function storedBut(part: Partial<StoredFrame>): StoredFrame[] {
  return stored().map((frame) => (frame.seq === 2 ? { ...frame, ...part } : frame));
}

function compare(
  found: StoredFrame[],
  dropped: number[] = [],
  abandoned: number[] = [],
): FrameComparison {
  const comparator = new FrameComparator(ledger(dropped, abandoned));
  comparator.add(found);
  return comparator.finish();
}

/** What differs from a run in which everything is well. */
function differences(comparison: FrameComparison): Partial<FrameComparison> {
  const well = { stored: 5, dropped: 0, lost: 0, duplicated: 0, changed: 0, invented: 0 };
  const { examples: _, sent: _sent, ...counts } = comparison;
  return Object.fromEntries(
    Object.entries(counts).filter(([name, count]) => count !== well[name as keyof typeof well]),
  );
}

await t.test('what was sent and stored once agrees', async (t) => {
  const comparison = compare(stored());
  t.equal(comparison.sent, FRAMES);
  t.same(differences(comparison), {});
  t.same(comparison.examples.toJSON(), {});
});

await t.test('a frame that is missing is lost, and named', async (t) => {
  const comparison = compare(stored().filter(({ seq }) => seq !== 3));
  t.same(differences(comparison), { stored: 4, lost: 1 });
  t.match(comparison.examples.of('lost'), [/^sim-000000 run feedbeef seq 3 at /]);
});

await t.test('a missing frame that its ring counted is dropped', async (t) => {
  const found = stored().slice(2);
  t.same(differences(compare(found, [1])), { stored: 3, dropped: 1, lost: 1 });
  t.same(differences(compare(found, [1, 2, 3])), { stored: 3, dropped: 2 }, 'and no other one');
});

await t.test(
  'a frame that died with a stopped agent is dropped, unless it was stored',
  async (t) => {
    t.same(differences(compare(stored().slice(0, 4), [], [5])), { stored: 4, dropped: 1 });
    t.same(differences(compare(stored(), [], [5])), {});
  },
);

await t.test('a second row of the frame or second samples are duplicates', async (t) => {
  t.same(differences(compare(storedBut({ copies: 2 }))), { duplicated: 1 });
  t.same(differences(compare(storedBut({ rows: 2 * SAMPLES }))), { duplicated: 1 });
});

await t.test('another value, time or number of samples is a change', async (t) => {
  for (const part of [{ low: 1 }, { high: 1 }, { timestampMs: FIRST_MS }, { samples: 6 }]) {
    t.same(differences(compare(storedBut(part))), { changed: 1 }, JSON.stringify(part));
  }
});

await t.test('a row of frames without all of its samples is a lost frame', async (t) => {
  t.same(differences(compare(storedBut({ rows: 3 }))), { stored: 4, lost: 1 });
});

await t.test('what nobody sent is invented', async (t) => {
  const [first] = stored();
  const strange: StoredFrame[] = [
    { ...first!, seq: 99 },
    { ...first!, incarnation: 1n },
    { ...first!, incarnation: 0n, seq: 0, copies: 0, timestampMs: 5 },
  ];
  t.same(differences(compare([...stored(), ...strange])), { invented: 3 });
});
