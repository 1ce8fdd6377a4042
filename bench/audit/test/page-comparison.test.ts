import t from 'tap';
import { instanceOf } from '../../fleet/fleet.ts';
import type { Episode } from '../../fleet/ledger.ts';
import { comparePages, delayMsOf } from '../page-comparison.ts';
import type { PageComparison } from '../page-comparison.ts';
import type { Page } from '../page-catcher.ts';

const EPISODE: Episode = { agent: 3, breach: 'sim_breach', fromMs: 10_000, toMs: 20_000 };
const HELD: Episode = { agent: 3, breach: 'sim_breach_held', fromMs: 10_000, toMs: 20_000 };

const page = (part: Partial<Page> = {}): Page => ({
  receivedMs: 10_050,
  key: 'k1',
  status: 'firing',
  alertname: 'Breach',
  instance: 'sim-000003',
  startsAtMs: 10_000,
  endsAtMs: NaN,
  ...part,
});
const FIRING = page();
const RESOLVED = page({ status: 'resolved', key: 'k2', receivedMs: 20_050, endsAtMs: 20_000 });

function compare(
  episodes: Episode[],
  pages: Page[],
  excused: string[] = [],
): Omit<PageComparison, 'examples' | 'delaysMs' | 'slowest' | 'startsLateMsMax'> {
  const {
    examples: _,
    delaysMs: _delays,
    slowest: _slowest,
    startsLateMsMax: _late,
    ...counts
  } = comparePages(episodes, pages, {
    alerts: {
      sim_breach: { alertname: 'Breach', forMs: 0 },
      sim_breach_held: { alertname: 'BreachHeld', forMs: 3000 },
    },
    intervalMs: 1000,
    endMs: 30_000,
    excused: new Set(excused),
  });
  return counts;
}

const WELL = { paged: 1, missed: 0, repeated: 0, resent: 0, false: 0 };

await t.test('an episode that was paged and resolved once is well', async (t) => {
  t.same(compare([EPISODE], [FIRING, RESOLVED]), WELL);
});

await t.test('no page, or no word of the end, is a miss', async (t) => {
  t.same(compare([EPISODE], []), { ...WELL, paged: 0, missed: 1 });
  t.same(compare([EPISODE], [FIRING]), { ...WELL, missed: 1 });
  t.same(compare([{ ...EPISODE, toMs: undefined }], [FIRING]), WELL, 'it has not ended');
});

await t.test('an episode that was shorter than its for need not be paged, but may', async (t) => {
  const short = { ...HELD, toMs: 12_000 };
  t.same(compare([short], []), { ...WELL, paged: 0 });
  t.same(compare([HELD], []), { ...WELL, paged: 0, missed: 1 });
});

await t.test('the same page again is resent with its key, and repeated with another', async (t) => {
  t.same(compare([EPISODE], [FIRING, FIRING, RESOLVED]), { ...WELL, resent: 1 });
  const again = page({ key: 'k3', startsAtMs: 15_000 });
  t.same(compare([EPISODE], [FIRING, again, RESOLVED]), { ...WELL, repeated: 1 });
});

await t.test('a page about nothing is false', async (t) => {
  const elsewhere = page({ instance: 'sim-000004' });
  const later = page({ startsAtMs: 25_000 });
  const unknown = page({ alertname: 'NeverBreach' });
  t.same(compare([EPISODE], [FIRING, RESOLVED, elsewhere, later, unknown]), { ...WELL, false: 3 });
});

await t.test('a resolved page while the breach goes on is false', async (t) => {
  const tooSoon = page({ status: 'resolved', key: 'k9', endsAtMs: 15_000 });
  t.same(compare([EPISODE], [FIRING, tooSoon, RESOLVED]), { ...WELL, false: 1 });
});

await t.test('excused pages, and silent targets after the end, are not looked at', async (t) => {
  const down = page({ alertname: 'TargetDown', startsAtMs: 12_000 });
  t.same(compare([EPISODE], [FIRING, RESOLVED, down]), { ...WELL, false: 1 });
  t.same(compare([EPISODE], [FIRING, RESOLVED, down], ['TargetDown sim-000003']), WELL);
  const after = page({ alertname: 'TargetDown', startsAtMs: 31_000 });
  t.same(compare([EPISODE], [FIRING, RESOLVED, after]), WELL);
});

await t.test('the slowest pages are told with their instants', async (t) => {
  const pages = [0, 1, 2, 3, 4, 5, 6].map((agent) =>
    page({ instance: instanceOf(agent), receivedMs: 10_000 + 10 * ((agent * 3) % 7) }),
  );
  const episodes = pages.map((_, agent) => ({ ...EPISODE, agent, toMs: undefined }));
  const { delaysMs, slowest } = comparePages(episodes, pages, {
    alerts: { sim_breach: { alertname: 'Breach', forMs: 0 } },
    intervalMs: 1000,
    endMs: 30_000,
    excused: new Set(),
  });
  t.same(delaysMs, [0, 10, 20, 30, 40, 50, 60]);
  t.same(slowest.map(delayMsOf), [60, 50, 40, 30, 20]);
  t.equal(slowest[0], pages[2]);
});
